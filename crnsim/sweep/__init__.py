"""Sweeps: from a sweep file to points, chunks, results and summaries.

Called, ``crnsim.sweep(...)``, it runs one: see `crnsim.interactive.run_sweep`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crnsim.sweep.config.model import Sweep
    from crnsim.sweep.config.read import read_sweep
    from crnsim.sweep.plan.groups import groups
    from crnsim.sweep.plan.plan import Plan, make_plan, read_plan
    from crnsim.sweep.run.chunk import integrate_chunk
    from crnsim.sweep.run.merge import merge_group
    from crnsim.sweep.workflow import open_workflow

_HOME = {
    "Plan": "plan.plan",
    "Sweep": "config.model",
    "groups": "plan.groups",
    "integrate_chunk": "run.chunk",
    "make_plan": "plan.plan",
    "merge_group": "run.merge",
    "open_workflow": "workflow",
    "read_plan": "plan.plan",
    "read_sweep": "config.read",
}


def __getattr__(name: str) -> Any:
    # The Snakefile needs the configuration alone; xarray and Dask would cost it a second.
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"crnsim.sweep.{_HOME[name]}"), name)
    raise AttributeError(f"module 'crnsim.sweep' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)


class _Callable(ModuleType):
    """The package as what users call: ``crnsim.sweep(...)`` is `crnsim.interactive.run_sweep`."""

    def __call__(
        self,
        config: Any = None,
        /,
        *,
        workers: int = 1,
        progress: Any = None,
        folder: Any = None,
        **keys: Any,
    ) -> Any:
        """Run a sweep; see `crnsim.interactive.run_sweep`."""
        from importlib import import_module

        # It draws and reports, and so stands above this package, which only lends it its name.
        run = import_module("crnsim.interactive").run_sweep
        return run(config, workers=workers, progress=progress, folder=folder, **keys)


sys.modules[__name__].__class__ = _Callable

__all__ = [
    "Plan",
    "Sweep",
    "groups",
    "integrate_chunk",
    "make_plan",
    "merge_group",
    "open_workflow",
    "read_plan",
    "read_sweep",
]
