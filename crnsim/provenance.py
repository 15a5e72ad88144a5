"""Where numbers come from: the library's own files, the versions of those that compute them, the processors."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Libraries whose version may show in the last bit of a result, or in the layout of a file.
LIBRARIES = ("llvmlite", "netcdf4", "numba", "numpy", "python-libsbml", "scikit-learn", "scipy", "xarray")


@lru_cache(maxsize=1)
def libraries() -> str:
    """Return the versions of Python and of the libraries that compute and store results.

    Returns
    -------
    str
        Such as ``"python 3.11, llvmlite 0.46.0, netcdf4 1.7.5, ..."``: equal for equal versions.
    """
    found = [f"python {sys.version_info.major}.{sys.version_info.minor}"]
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} unknown")
    return ", ".join(found)


@lru_cache(maxsize=1)
def processor() -> str:
    """Return the kind of this machine's processor: results of one kind agree bit by bit.

    Returns
    -------
    str
        Operating system, architecture and the name by which the compiler knows the processor, such as
        ``"Linux x86_64 znver3"``. Code is compiled for that name, and ``exp``, ``log`` and ``cos`` may differ in
        their last bit between two of them.
    """
    from llvmlite import binding

    return f"{platform.system()} {platform.machine()} {binding.get_host_cpu_name()}"


#: Modules and packages that influence what is stored of a point; a test holds the list against the imports.
_HASHED = (
    *("errors", "wording", "outcomes", "provenance", "compiled", "registry", "entrance", "algebraic"),
    *(
        "network",
        "noise",
        "activations",
        "circuits",
        "datasets",
        "kinetics",
        "solvers",
        "simulation",
        "store",
        "interchange",
        "experiment",
    ),
)


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def hashed_files() -> list[str]:
    """Return the library files that influence numbers, relative to the package."""
    root = Path(__file__).parent
    found = [path for name in _HASHED for path in (root / f"{name}.py", *sorted((root / name).rglob("*.py")))]
    return [path.relative_to(root).as_posix() for path in found if path.is_file()]


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Hash of the library files that influence numbers, 16 hexadecimal characters."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for name in hashed_files():
        digest.update(name.encode() + b"\0" + (root / name).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def package_hash() -> str:
    """Return a hash of the files of the package that make summaries and pages, so that a new version does so anew."""
    root = Path(__file__).resolve().parent
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(root.rglob("*")):
        # What the installed package carries beside itself is not there in a checkout.
        if (
            file.suffix in (".py", ".j2", ".css")
            and file.is_file()
            and file.parts[len(root.parts)] != "_share"
        ):
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
