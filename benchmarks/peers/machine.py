"""What the numbers were measured on: processor, vector units and versions; no names of hosts, no paths."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

_PACKAGES = ("crnsim", "numpy", "scipy", "numba", "llvmlite", "jax", "jaxlib", "diffrax", "libroadrunner")


def describe() -> dict[str, str | int]:
    """Return processor, cores, vector units, system and versions."""
    model, flags = platform.processor() or platform.machine(), ""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            elif key.strip() == "flags":
                flags = value
                break
    except OSError:
        pass
    vector = [name for name in ("avx512f", "avx2", "asimd") if name in flags.split()]
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    if versions["crnsim"] == "not installed":
        from crnsim import __version__

        versions["crnsim"] = __version__
    return {
        "processor": model,
        "cores": os.cpu_count() or 0,
        "vector units": ", ".join(vector) or "unknown",
        "system": platform.system(),
        "python": platform.python_version(),
        **versions,
    }
