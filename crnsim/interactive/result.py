"""The result of a sweep from Python: a labelled cube, the tables of the report, drawings and the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim import metrics
from crnsim.entrance.files import check_path
from crnsim.interactive.cube import cube_of
from crnsim.interactive.plot import Plots
from crnsim.interactive.tables import robustness_tree
from crnsim.outcomes import OK
from crnsim.store.files import write_dataset, write_text
from crnsim.store.outputs import check_output
from crnsim.wording import html_table, plural

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.sweep.plan.plan import Plan
    from crnsim.sweep.run.chunk_files import Account

#: Rows of verdicts that are shown of a result.
_MOST_SHOWN = 12
_COLUMNS = ("dataset", "activation", "compared_with", "stress", "difference", "verdict")


class SweepResult:
    """What `crnsim.sweep` returns.

    Attributes
    ----------
    data : xarray.Dataset
        Numbers of all runs, with dimensions ``dataset``, ``design``, ``running_time``, ``level``, ``replicate``.
    summaries : dict of str to xarray.Dataset
        By data set, circuit and design: all that is stored of their runs, as in ``results/<sweep>/summary``
        (``docs/file-format.md``).
    metrics : xarray.Dataset
        The tables of the report, as in ``results/<sweep>/robustness.nc``.
    plot : Plots
        Drawings: ``map``, ``curves``, ``learning``, ``trajectories``.
    """

    def __init__(
        self,
        plan: Plan,
        summaries: Sequence[xr.Dataset],
        tables: xr.Dataset,
        accounts: Sequence[Account],
        place: Path | None = None,
    ) -> None:
        self._plan, self._accounts = plan, accounts
        self.place = place
        for stored in (*summaries, tables):
            stored.attrs |= {
                name: self._hidden(value) for name, value in stored.attrs.items() if isinstance(value, str)
            }
        self.summaries = {
            entry.name: summary for entry, summary in zip(plan.file.groups, summaries, strict=True)
        }
        self.metrics = tables

    @cached_property
    def data(self) -> xr.Dataset:
        """Numbers of all runs as a cube."""
        about = {"sweep": self._plan.file.sweep, "title": self._plan.file.title}
        config = self._hidden(json.dumps(self._plan.file.config))
        return cube_of(list(self.summaries.values())).assign_attrs(**about, config=config)

    @property
    def plot(self) -> Plots:
        """Drawings of the report on Matplotlib axes."""
        return Plots(list(self.summaries.values()), self.metrics)

    @property
    def name(self) -> str:
        """Name of the sweep."""
        return self._plan.file.sweep

    @property
    def config(self) -> dict[str, Any]:
        """The whole configuration, defaults included, as plain values."""
        config: dict[str, Any] = json.loads(self._hidden(json.dumps(self._plan.file.config)))
        return config

    def robustness(self) -> xr.DataTree:
        """Return the tables of the report: scores, critical magnitudes, differences, verdicts, with intervals.

        Returns
        -------
        xarray.DataTree
            As `crnsim.robustness_tree`.
        """
        return robustness_tree(self.metrics)

    @property
    def verdicts(self) -> Any:
        """Who holds up better, as a pandas DataFrame: a row for each pair of designs and kind of stress."""
        return self.robustness()["verdict"].to_dataset().to_dataframe()

    def to_netcdf(self, path: str | Path) -> None:
        """Write `data` to a NetCDF file, whole or not at all; equal results give equal bytes.

        Raises
        ------
        InputError
            `path` names no file.
        StorageError
            It cannot be written.
        """
        check_output(str(check_path(path)), "path", text=False)
        write_dataset(self.data, path)

    def report(self, path: str | Path) -> Path:
        """Write the report, one HTML file that opens offline, and return its path.

        Raises
        ------
        InputError
            `path` names no file.
        StorageError
            It cannot be written.
        """
        from crnsim.report import render_report

        check_output(str(check_path(path)), "path")
        page = render_report(self._plan.file, list(self.summaries.values()), self.metrics, self._accounts)
        write_text(path, self._hidden(page))
        return Path(path)

    def _hidden(self, text: str) -> str:
        """Take the name of the temporary folder out of a text: it means nothing, and is never the same."""
        return text.replace(f"{self.place}/", "") if self.place is not None else text

    def _counts(self) -> tuple[int, int]:
        """Return the number of runs, and how many of them ended well."""
        every = [summary["status"].values for summary in self.summaries.values()]
        return sum(map(len, every)), int(sum((status == OK).sum() for status in every))

    def _described(self) -> str:
        runs, ok = self._counts()
        datasets = dict.fromkeys(entry.dataset for entry in self._plan.file.groups)
        designs = dict.fromkeys(entry.label for entry in self._plan.file.groups)
        of_data = "data set" if len(datasets) == 1 else "data sets"
        return (
            f"{of_data} {', '.join(datasets)}; {plural(len(designs), 'design')} ({', '.join(designs)}); "
            f"{plural(runs, 'run')}, {ok} ok"
        )

    def _rows(self) -> list[dict[str, Any]]:
        return metrics.table_rows(self.metrics, "verdict")

    def __repr__(self) -> str:
        """Say what was run, and the verdicts."""
        lines = [f"<crnsim sweep '{self.name}': {self._described()}>"]
        rows = self._rows()
        lines += [
            f"  {row['dataset']}, {row['stress']}: {row['activation']} against {row['compared_with']}: "
            f"{row['verdict']} (difference {row['difference']:+.3f})"
            for row in rows[:_MOST_SHOWN]
        ]
        if len(rows) > _MOST_SHOWN:
            lines.append(f"  and {len(rows) - _MOST_SHOWN} more verdicts (.verdicts)")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Show the same as a table, in a notebook."""
        title = f"{self._plan.file.title or self.name}: {self._described()}"
        rows = [
            [f"{row[name]:+.3f}" if name == "difference" else str(row[name]) for name in _COLUMNS]
            for row in self._rows()[:_MOST_SHOWN]
        ]
        return html_table(title, rows, [name.replace("_", " ") for name in _COLUMNS] if rows else ())
