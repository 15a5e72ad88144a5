"""What a NetCDF-4 file says of itself, asked before a library reads it: nothing in it may lead out of it.

HDF5, in which NetCDF-4 is stored, follows links into other files, takes values from files that another names, and loads
plugins for filters that it does not know; and a few bytes can declare an array of terabytes. `crnsim` writes none of
that, so a file with any of it is refused. Python's netCDF4 cannot be asked, so HDF5 itself is: the one that netCDF4 has
loaded.
"""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from crnsim.entrance.arguments import shown

log = logging.getLogger("crnsim")

_ID, _SIZE = ctypes.c_int64, ctypes.c_uint64
_HARD, _DATATYPE, _DATASET, _VIRTUAL = 0, 3, 5, 3
#: Filters that are part of HDF5: deflate, shuffle, fletcher32, and szip, n-bit, scale-offset.
_FILTERS = range(1, 7)
#: Bytes of the structures H5G_info_t and H5L_info_t, at least.
_ROOM = 128
#: Result and arguments of each function.
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "H5open": (ctypes.c_int,),
    "H5Eset_auto2": (ctypes.c_int, _ID, ctypes.c_void_p, ctypes.c_void_p),
    "H5Pcreate": (_ID, _ID),
    "H5Pclose": (ctypes.c_int, _ID),
    "H5Pset_fclose_degree": (ctypes.c_int, _ID, ctypes.c_int),
    "H5Fopen": (_ID, ctypes.c_char_p, ctypes.c_uint, _ID),
    "H5Fclose": (ctypes.c_int, _ID),
    "H5Gopen2": (_ID, _ID, ctypes.c_char_p, _ID),
    "H5Gclose": (ctypes.c_int, _ID),
    "H5Gget_info": (ctypes.c_int, _ID, ctypes.c_void_p),
    "H5Oopen_by_idx": (_ID, _ID, ctypes.c_char_p, ctypes.c_int, ctypes.c_int, _SIZE, _ID),
    "H5Oclose": (ctypes.c_int, _ID),
    "H5Iget_type": (ctypes.c_int, _ID),
    "H5Dget_create_plist": (_ID, _ID),
    "H5Dget_space": (_ID, _ID),
    "H5Dget_type": (_ID, _ID),
    "H5Sget_simple_extent_npoints": (ctypes.c_int64, _ID),
    "H5Sclose": (ctypes.c_int, _ID),
    "H5Tget_size": (ctypes.c_size_t, _ID),
    "H5Tclose": (ctypes.c_int, _ID),
    "H5Pget_external_count": (ctypes.c_int, _ID),
    "H5Pget_layout": (ctypes.c_int, _ID),
    "H5Pget_nfilters": (ctypes.c_int, _ID),
}
_LINK_INFO = (ctypes.c_int, _ID, ctypes.c_char_p, ctypes.c_int, ctypes.c_int, _SIZE, ctypes.c_void_p, _ID)
_FILTER = (
    *(ctypes.c_int, _ID, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),
    *(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p),
)


class NotOursError(ValueError):
    """Something in a file that `crnsim` does not write; the message says what."""


def declared_bytes(path: Path) -> int | None:
    """Return the bytes that the arrays of a file take in memory, as it declares them.

    Parameters
    ----------
    path : Path
        Of a regular file.

    Returns
    -------
    int or None
        None where netCDF4 was built so that HDF5 cannot be asked.

    Raises
    ------
    NotOursError
        It is no HDF5 file, or leads out of itself.
    """
    library = _library()
    if library is None:
        return None
    access = library.H5Pcreate(_ID.in_dll(library, "H5P_CLS_FILE_ACCESS_ID_g"))
    # One that is open twice, as in a notebook that looks at it too, must agree on when it is closed: whoever opened it
    # first has said that, and this is the degree that takes his.
    library.H5Pset_fclose_degree(access, 0)
    file = library.H5Fopen(os.fsencode(path), 0, access)
    library.H5Pclose(access)
    if file < 0:
        raise NotOursError("it is cut short, or not a NetCDF-4 file")
    try:
        root = _opened(library.H5Gopen2(file, b"/", 0))
        try:
            info = (ctypes.c_uint64 * (_ROOM // 8))()
            _done(library.H5Gget_info(root, info))
            return sum(_of_link(library, root, number) for number in range(info[1]))
        finally:
            library.H5Gclose(root)
    finally:
        library.H5Fclose(file)


def _of_link(library: Any, root: int, number: int) -> int:
    """Return the bytes of what a link leads to; refuse one that leads elsewhere."""
    info = (ctypes.c_int32 * (_ROOM // 4))()
    _done(library.link_info(root, b".", 0, 0, number, info, 0))
    if info[0] != _HARD:
        raise NotOursError("it has a link in it, which crnsim does not write")
    thing = _opened(library.H5Oopen_by_idx(root, b".", 0, 0, number, 0))
    try:
        kind = library.H5Iget_type(thing)
        if kind == _DATATYPE:
            return 0
        if kind != _DATASET:
            raise NotOursError("it has a group in it, which crnsim does not write")
        _check_storage(library, thing)
        return _n_bytes(library, thing)
    finally:
        library.H5Oclose(thing)


def _check_storage(library: Any, dataset: int) -> None:
    """Refuse values that lie in other files, or that only a plugin can read."""
    made = _opened(library.H5Dget_create_plist(dataset))
    try:
        if library.H5Pget_external_count(made) or library.H5Pget_layout(made) == _VIRTUAL:
            raise NotOursError("its values lie in another file, which crnsim does not do")
        for place in range(library.H5Pget_nfilters(made)):
            flags, count = ctypes.c_uint(), ctypes.c_size_t(0)
            found = library.H5Pget_filter2(
                *(made, place, ctypes.byref(flags), ctypes.byref(count), None, 0, None, None)
            )
            if found not in _FILTERS:
                raise NotOursError(f"it is packed with the filter {shown(found)}, which crnsim does not use")
    finally:
        library.H5Pclose(made)


def _n_bytes(library: Any, dataset: int) -> int:
    space, kind = _opened(library.H5Dget_space(dataset)), _opened(library.H5Dget_type(dataset))
    try:
        return max(0, library.H5Sget_simple_extent_npoints(space)) * int(library.H5Tget_size(kind))
    finally:
        library.H5Sclose(space)
        library.H5Tclose(kind)


def _opened(number: int) -> int:
    if number < 0:
        raise NotOursError("it cannot be read")
    return number


def _done(status: int) -> None:
    if status < 0:
        raise NotOursError("it cannot be read")


@lru_cache(maxsize=1)
def _library() -> Any:
    """Return the HDF5 that netCDF4 uses; None where its functions cannot be reached."""
    from netCDF4 import _netCDF4

    try:
        library: Any = ctypes.CDLL(_netCDF4.__file__)
        for name, (result, *arguments) in _FUNCTIONS.items():
            _declare(getattr(library, name), result, arguments)
        _declare(library.H5Pget_filter2, _FILTER[0], _FILTER[1:])
        # Of HDF5 1.12 and later; before that it had no number.
        link_info = getattr(library, "H5Lget_info_by_idx2", None) or library.H5Lget_info_by_idx
        _declare(link_info, _LINK_INFO[0], _LINK_INFO[1:])
        library.link_info = link_info
        library.H5open()
        library.H5Eset_auto2(0, None, None)
        _ID.in_dll(library, "H5P_CLS_FILE_ACCESS_ID_g")
    except (OSError, AttributeError, ValueError) as error:
        log.debug("HDF5 cannot be asked: %s", error)
        return None
    return library


def _declare(function: Callable[..., Any], result: Any, arguments: Any) -> None:
    function.restype, function.argtypes = result, list(arguments)  # type: ignore[attr-defined]
