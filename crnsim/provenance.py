"""Where numbers come from: versions of the libraries that compute them, and the kind of processor."""

from __future__ import annotations

import platform
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

#: Libraries whose version may show in the last bit of a result, or in the layout of a file.
LIBRARIES = ("llvmlite", "netcdf4", "numba", "numpy", "scikit-learn", "scipy", "xarray")


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
