"""A folder of results, wherever it lies: its plan, and the files that belong to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from crnsim.errors import DamagedFileError, InputError
from crnsim.sweep.plan.looks import Look, read_looks, wanted
from crnsim.sweep.plan.plan import PLAN, REPORTS, RESULTS
from crnsim.sweep.plan.plan_file import ChunkEntry, GroupEntry, PlanFile, read_plan_file


@dataclass(frozen=True)
class ResultsFolder:
    """A folder of results with its plan; it may have been moved or copied.

    Attributes
    ----------
    path : Path
        The folder, as the user named it.
    plan_file : Path
    plan : PlanFile
        With the chunks that are wanted so far; see `crnsim.sweep.plan.looks.wanted`.
    whole : PlanFile
        With all that may be wanted.
    looks : tuple of Look
        Those there are at a sweep that adds replicates.
    """

    path: Path
    plan_file: Path
    plan: PlanFile
    whole: PlanFile
    looks: tuple[Look, ...] = ()

    def place(self, planned: str) -> Path:
        """Return where a file of the plan lies: what follows ``results/<sweep>/`` in this folder.

        Raises
        ------
        DamagedFileError
            The plan names a place outside its folder.
        """
        parts = PurePosixPath(planned).parts
        rest = parts[2:]
        if parts[:2] != (RESULTS, self.plan.sweep) or not rest or ".." in rest:
            raise DamagedFileError(
                f"{self.plan_file}: damaged: the path {planned!r} is not one of the sweep {self.plan.sweep}; "
                "delete it and run the same command again"
            )
        return self.path.joinpath(*rest)

    def entries(self) -> Iterator[tuple[GroupEntry, list[tuple[ChunkEntry, Path]]]]:
        """Yield the groups of the plan with their chunks, and where these lie."""
        for entry in self.plan.groups:
            yield entry, [(chunk, self.place(chunk.path)) for chunk in entry.chunks]

    def log_of(self, chunk: Path) -> Path:
        """Return where Snakemake keeps the log of a chunk."""
        return (
            self.path
            / "logs"
            / "integrate"
            / chunk.parent.parent.name
            / chunk.parent.name
            / f"{chunk.stem}.log"
        )

    @property
    def report(self) -> Path:
        """Where the report lies if the folder is where the workflow made it."""
        return self.path.absolute().parent.parent / REPORTS / f"{self.plan.sweep}.html"


def open_folder(path: str | Path) -> ResultsFolder:
    """Open a folder of results, given by itself or by its ``plan.json``.

    Raises
    ------
    InputError
        There is no such folder, or no plan in it.
    DamagedFileError
        Its plan cannot be read.
    """
    given = Path(path)
    folder = given.parent if given.is_file() and given.suffix == ".json" else given
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "there is no such folder"
        raise InputError(f"{given}: {what}; give the folder of a sweep's results, such as {RESULTS}/quick")
    plan = given if folder != given else folder / PLAN
    if not plan.is_file():
        raise InputError(f"{folder}: there is no {PLAN} in it; {_sweeps_below(folder)}")
    whole = read_plan_file(plan)
    looks = read_looks(plan, whole, strict=False)
    return ResultsFolder(folder, plan, wanted(whole, looks), whole, tuple(looks))


def _sweeps_below(folder: Path) -> str:
    """Return which folder may have been meant."""
    below = [str(found.parent) for found in sorted(folder.glob(f"*/{PLAN}"))]
    if not below:
        return f"give the folder of a sweep's results, such as {RESULTS}/quick"
    return f"give one sweep's: {', '.join(below[:5])}{', ...' if len(below) > 5 else ''}"
