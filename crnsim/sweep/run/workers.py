"""Batches of points on Dask workers: a few in flight for each, and an outcome where one is killed."""

from __future__ import annotations

import functools
import logging
import operator
import os
import pkgutil
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

from crnsim.errors import CrnsimError
from crnsim.sweep.run.dask_cluster import SCHEDULER, Cluster, connect, held

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.experiment.point import Point

    #: compute(points as plain values, keys to record) -> (results, core seconds)
    Compute = Callable[[list[dict[str, Any]], list[str]], tuple[xr.Dataset, float]]
    #: Points, their results (None where they killed their worker) and core seconds.
    Ended = tuple[Sequence[Point], xr.Dataset | None, float]

#: Tasks in flight per worker: enough that none waits, few enough that a late slow one leaves others to share.
WINDOW = 4
#: Batches that must be lost one after the other, with none that ends between, before the rest is given up. Never less
#: than four times the points of a batch: a batch in which every point kills is then told apart from a cluster that
#: kills everything.
GIVE_UP = 16
#: Seconds that results have to arrive before it is asked whether they are still there, and how often.
ARRIVAL = 20.0
ARRIVALS = 10

#: What computing needs and takes a second to import.
PRELOADED = ("xarray", "crnsim.experiment.schedule", "crnsim.solvers")

#: A worker process with several threads computes one batch at a time: core seconds are those of the process, and
#: NetCDF, from which weights may come, must not be entered twice.
_ONE_AT_A_TIME = threading.Lock()

log = logging.getLogger("crnsim.integrate")


def load_libraries() -> None:
    """Import what computing needs, so that the time this takes does not count as work."""
    for name in PRELOADED:
        import_module(name)


def workers_for_all(workers: int) -> AbstractContextManager[None]:
    """Start workers once for several chunks, where there are to be any; see `on_workers`."""
    if workers == 1 and not os.environ.get(SCHEDULER):
        return nullcontext()
    return held(workers, [__name__, *PRELOADED])


def compute_batch(points: list[dict[str, Any]], record: list[str]) -> tuple[xr.Dataset, float]:
    """Compute a batch from plain values; this is what a worker runs.

    Returns
    -------
    xarray.Dataset
        See `crnsim.experiment.run.run_points`; the attribute ``processor`` is the kind of processor that computed it.
    float
        Core seconds.
    """
    from crnsim.experiment.point import Point
    from crnsim.experiment.run import run_points
    from crnsim.provenance import processor

    load_libraries()
    start = time.process_time()
    results = run_points([Point.from_dict(point) for point in points], record=record)
    return results.assign_attrs(processor=processor()), time.process_time() - start


def run_task(task: dict[str, Any]) -> tuple[xr.Dataset, float]:
    """Run one task on a worker, unless its library computes other numbers than that of whoever sent it.

    Parameters
    ----------
    task : dict
        ``code`` (hash of the sender's library), ``compute`` (name of a `Compute`), ``points``, ``record``.

    Raises
    ------
    CrnsimError
        The worker has another version of crnsim.
    """
    from distributed import get_worker

    from crnsim.provenance import code_hash

    if task["code"] != code_hash():
        raise CrnsimError(_other_version(get_worker().address, code_hash(), task["code"]))
    with _ONE_AT_A_TIME:
        return pkgutil.resolve_name(task["compute"])(task["points"], task["record"])


def _other_version(worker: str, theirs: str, ours: str) -> str:
    return (
        f"the Dask worker {worker} has another version of crnsim (code hash {theirs}, here {ours}); "
        "install the same version there and start it again"
    )


def on_workers(
    batches: Sequence[Sequence[Point]], record: Sequence[str], workers: int, compute: Compute = compute_batch
) -> Generator[Ended]:
    """Yield every batch with its results and core seconds, in the order they end.

    Parameters
    ----------
    batches : sequence of sequence of Point
    record : sequence of str
        Keys of the points whose trajectories are kept.
    workers : int
        Processes to start, where no scheduler is given by the environment variable ``CRNSIM_DASK_SCHEDULER``.
    compute : callable
        A module-level function; workers import it by name.

    Yields
    ------
    tuple
        Points (a batch, or a part of one that had to be cut), results (None where they killed their worker) and core
        seconds.

    Raises
    ------
    CrnsimError
        The cluster is gone or had no worker for too long, or it has another version of crnsim. What ended before has
        been yielded.

    Notes
    -----
    Tasks that were queued on a worker die with it, so a batch is a suspect only at first. Suspects run again
    alone; one that kills again is cut in halves, down to the points that really kill. Where nothing ends any more and
    worker after worker dies, the rest is given up.
    """
    if not batches:
        return
    limit = max(GIVE_UP, 4 * max(map(len, batches)))
    with connect(workers, [__name__, *PRELOADED]) as cluster:
        run = _Run(cluster, record, compute)
        waiting: deque[Sequence[Point]] = deque(batches)
        while waiting:
            suspects: deque[Sequence[Point]] = deque()
            for batch, result in run.all_of(waiting, limit):
                if result is None:
                    suspects.append(batch)
                else:
                    yield batch, *result
            yield from _alone(run, suspects, limit)
            if run.lost >= limit:
                log.error("%d batches in a row killed their workers; the rest is given up", run.lost)
                yield from ((batch, None, 0.0) for batch in waiting)
                return


def _alone(run: _Run, suspects: deque[Sequence[Point]], limit: int) -> Iterator[Ended]:
    """Run each suspect by itself and cut those that kill again, until only points that kill are left.

    A single point is given up when it has killed twice: once as a suspect and once by itself.
    """
    run.lost = 0
    while suspects and run.lost < limit:
        batch = suspects.popleft()
        ((_, result),) = run.all_of(deque([batch]), limit, window=1)
        if result is not None:
            yield batch, *result
        elif len(batch) == 1:
            log.warning("point %s killed its worker again and is given up", batch[0].key)
            yield batch, None, 0.0
        else:
            middle = len(batch) // 2
            suspects.extendleft([batch[middle:], batch[:middle]])
    yield from ((batch, None, 0.0) for batch in suspects)


class _Run:
    """Submits batches to one cluster and collects what comes back.

    Attributes
    ----------
    lost : int
        Batches that lost their worker since one ended.
    """

    def __init__(self, cluster: Cluster, record: Sequence[str], compute: Compute) -> None:
        from crnsim.provenance import code_hash

        self.cluster, self.client, self.record = cluster, cluster.client, set(record)
        self.compute, self.code = f"{compute.__module__}:{compute.__qualname__}", code_hash()
        self.lost = self.dropped = 0

    def _submit(self, batch: Sequence[Point]) -> Any:
        task = {
            "code": self.code,
            "compute": self.compute,
            "points": [point.to_dict() for point in batch],
            "record": [point.key for point in batch if point.key in self.record],
        }
        # Looks up run_task and calls it, in words of the standard library: a task that names functions of ours cannot
        # even be read by a worker without crnsim, and such a worker never says so.
        words = functools.reduce, operator.call, [f"{__name__}:run_task", task], pkgutil.resolve_name
        return self.client.submit(*words, key=f"crnsim-{uuid.uuid4().hex}", pure=False)

    def all_of(
        self, waiting: deque[Sequence[Point]], limit: int, window: int | None = None
    ) -> Iterator[tuple[Sequence[Point], tuple[xr.Dataset, float] | None]]:
        """Yield each batch with its result, or None where its worker died; stop after `limit` of those in a row."""
        flight: dict[str, tuple[Any, Sequence[Point]]] = {}
        ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        while flight or (waiting and self.lost < limit):
            self.cluster.check(len(flight))
            room = window or WINDOW * max(1, self.cluster.n_workers)
            while waiting and len(flight) < room and self.client.status == "running" and self.lost < limit:
                batch = waiting.popleft()
                future = self._submit(batch)
                flight[future.key] = future, batch
                # Not as_completed, which waits without end for tasks of workers that never come back.
                future.add_done_callback(ended.put)
            try:
                future = ended.get(timeout=0.5)
            except queue.Empty:
                continue
            _, batch = flight.pop(future.key)
            if future.status == "cancelled":
                self._was_dropped(room)
                waiting.appendleft(batch)
                continue
            result = self._result(future)
            future.release()
            if result is None:
                self.lost += 1
                log.warning("a worker died; its %d points run again", len(batch))
            else:
                self.lost = self.dropped = 0
            yield batch, result

    def _was_dropped(self, in_flight: int) -> None:
        """Note a batch that the scheduler dropped: it was restarted, or the connection to it was lost."""
        self.dropped += 1
        if self.dropped > 10 * in_flight:
            raise CrnsimError(f"{self.cluster.where} drops the work again and again; {self.cluster.remedy}")
        if self.dropped == 1:
            log.warning("%s dropped its work; it is sent again", self.cluster.where)

    def _result(self, future: Any) -> tuple[xr.Dataset, float] | None:
        """Return what a task computed, None where its worker died with it."""
        from distributed import KilledWorker

        if future.status == "error":
            error = future.exception()
            if isinstance(error, KilledWorker):
                return None
            raise _task_error(error, self.cluster.where)
        if (found := self._arrived(future)) is None:
            return None
        results, seconds = found
        if (theirs := str(results.attrs.get("code_hash"))) != self.code:
            raise CrnsimError(_other_version(self._holder(future), theirs, self.code))
        return results, seconds

    def _arrived(self, future: Any) -> tuple[xr.Dataset, float] | None:
        """Fetch the result of a task; None where a worker died and took it along."""
        from distributed import CancelledError, KilledWorker

        for _ in range(ARRIVALS):
            try:
                return future.result(timeout=ARRIVAL)
            except TimeoutError:
                # Dask would compute it again, on a worker that may never come.
                if future.status != "finished":
                    return None
            except (OSError, KilledWorker, CancelledError):
                return None
        return None

    def _holder(self, future: Any) -> str:
        """Return the address of the worker that holds a result."""
        holders = self.client.who_has([future])
        return ", ".join(worker for found in holders.values() for worker in found)


def _task_error(error: BaseException, where: str) -> BaseException:
    """Return what to say of a task that failed; a mistake of ours as it is."""
    name = str(getattr(error, "name", None) or "")
    if isinstance(error, ModuleNotFoundError):
        return CrnsimError(
            f"a worker of {where} has no module {name or error}; install there the version of crnsim that is here"
        )
    if isinstance(error, AttributeError) and "run_task" in str(error):
        return CrnsimError(
            f"a worker of {where} has another version of crnsim; install there the one that is here"
        )
    return error
