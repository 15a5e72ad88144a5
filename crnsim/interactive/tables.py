"""The tables of a robustness file as a tree: a branch for each, with its columns under their own names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.entrance.arguments import shown
from crnsim.errors import InputError
from crnsim.metrics.tables import COLUMNS
from crnsim.store.files import read_dataset

if TYPE_CHECKING:
    import xarray as xr


def robustness_tree(source: Any) -> xr.DataTree:
    """Return the tables of a sweep as a tree, in which ``tree["cell"]["score"]`` is what the file calls ``cell_score``.

    Parameters
    ----------
    source : str, Path or xarray.Dataset
        ``results/<sweep>/robustness.nc``, or what was read from it.

    Returns
    -------
    xarray.DataTree
        Branches ``cell``, ``curve``, ``sensitivity``, ``paired``, ``verdict`` and ``claim``, each with one dimension
        ``row``; the attributes of the file at the root. ``tree["cell"].to_dataset().to_dataframe()`` is a DataFrame.

    Raises
    ------
    InputError
        It is no such file.
    DamagedFileError
        The file cannot be read.
    """
    import xarray as xr

    if isinstance(source, (str, Path)):
        tables = read_dataset(source)
    elif isinstance(source, xr.Dataset):
        tables = source
    else:
        raise InputError(f"source is {shown(source)}; give the path of a robustness.nc, or its Dataset")
    if not all(table in tables.dims for table in COLUMNS):
        what = source if isinstance(source, (str, Path)) else "the Dataset"
        raise InputError(f"{what}: not the tables of a sweep; give results/<sweep>/robustness.nc")
    branches = {
        table: xr.Dataset(
            {
                str(name).removeprefix(f"{table}_"): ("row", variable.values, variable.attrs)
                for name, variable in tables.data_vars.items()
                if variable.dims == (table,)
            }
        )
        for table in COLUMNS
    }
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=tables.attrs), **branches})
