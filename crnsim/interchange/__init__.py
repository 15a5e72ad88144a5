"""Networks in other formats: one file each, in both directions where there is a reader."""

from __future__ import annotations

from crnsim.interchange.format import Format
from crnsim.interchange.registry import FORMATS, file_format, find_network, read_network, write_network

__all__ = ["FORMATS", "Format", "file_format", "find_network", "read_network", "write_network"]


def __dir__() -> list[str]:
    return sorted(__all__)
