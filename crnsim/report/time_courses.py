"""A picture of runs over time: the concentrations of one, or the spread of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

#: Species that are drawn where none are named: those with the highest concentrations.
MOST_SPECIES = 10


def time_course_figure(data: xr.Dataset, title: str, *, chosen: bool = False) -> Figure:
    """Draw the result of `crnsim.simulate` with one replicate, or of `crnsim.ensemble`.

    Of an ensemble the median, the 5 to 95 % band and the first runs are drawn; the mean and a standard deviation
    around it where there are no quantiles.

    Parameters
    ----------
    data : xarray.Dataset
    title : str
    chosen : bool
        Whether a person has chosen the species: all of them are drawn then, else the `MOST_SPECIES` highest.
    """
    import matplotlib.pyplot as plt
    import seaborn as sns

    middle, bands = _middle(data)
    order = np.argsort(-np.nanmax(np.nan_to_num(middle), axis=0), kind="stable")
    rows = range(middle.shape[1]) if chosen else sorted(order[:MOST_SPECIES].tolist())
    figure, ax = plt.subplots(figsize=(8.0, 4.8), layout="constrained")
    time, names = data["time"].values, data["species"].values.tolist()
    for colour, row in zip(sns.color_palette("colorblind", max(len(rows), 1)), rows, strict=False):
        for low, high in bands:
            ax.fill_between(time, low[:, row], high[:, row], color=colour, alpha=0.2, linewidth=0)
        for run in data["shown"].values if "shown" in data else ():
            ax.plot(time, run[:, row], color=colour, linewidth=0.5, alpha=0.35)
        ax.plot(time, middle[:, row], color="white", linewidth=3.6, zorder=3)
        ax.plot(time, middle[:, row], color=colour, linewidth=2.0, label=names[row], zorder=3.1)
    ax.set_title(title, loc="left", parse_math=False)
    ax.set_xlabel("time")
    ax.set_ylabel("concentration")
    ax.margins(x=0.0)
    legend = ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
    if len(rows) < len(names):
        ax.annotate(
            f"the {len(rows)} highest of {len(names)} species",
            (0.99, 0.99),
            xycoords="axes fraction",
            ha="right",
            va="top",
            fontsize=8,
            color="0.4",
        )
    sns.despine(ax=ax)
    return figure


def _middle(data: xr.Dataset) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Line and bands, shape (times, species)."""
    if "concentration" in data:
        return data["concentration"].values[0], []
    if "quantiles" in data:
        levels = data["quantile"].values
        values = data["quantiles"].values
        middle = values[int(np.argmin(np.abs(levels - 0.5)))]
        return middle, [(values[0], values[-1])]
    mean, deviation = data["mean"].values, data["standard_deviation"].values
    return mean, [(mean - deviation, mean + deviation)]
