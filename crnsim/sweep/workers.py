"""Batches of points on Dask workers: a few in flight for each, and an outcome where one is killed."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from crnsim.errors import CrnsimError

if TYPE_CHECKING:
    import xarray as xr

    from crnsim.point import Point

    #: compute(points as plain values, keys to record) -> (results, core seconds)
    Compute = Callable[[list[dict[str, Any]], list[str]], tuple[xr.Dataset, float]]

#: Address of a scheduler that someone already runs, such as tcp://10.0.0.1:8786.
SCHEDULER = "CRNSIM_DASK_SCHEDULER"
#: Tasks in flight per worker: enough that none waits, few enough that a late slow one leaves others to share.
WINDOW = 4
#: Seconds that a scheduler has to answer.
PATIENCE = 20.0

#: What computing needs and takes a second to import.
LIBRARIES = ("dask.array", "xarray", "crnsim.schedule", "crnsim.solvers", "crnsim.solvers.stiff")

log = logging.getLogger("crnsim.integrate")


def load_libraries() -> None:
    """Import what computing needs, so that the time this takes does not count as work."""
    for name in LIBRARIES:
        import_module(name)


def compute_batch(points: list[dict[str, Any]], record: list[str]) -> tuple[xr.Dataset, float]:
    """Compute a batch from plain values; this is what a worker runs.

    Returns
    -------
    xarray.Dataset
        See `crnsim.experiment.run_points`.
    float
        Core seconds.
    """
    from crnsim.experiment import run_points
    from crnsim.point import Point
    from crnsim.provenance import processor

    load_libraries()
    start = time.process_time()
    results = run_points([Point.from_dict(point) for point in points], record=record)
    return results.assign_attrs(processor=processor()), time.process_time() - start


def on_workers(
    batches: Sequence[Sequence[Point]], record: Sequence[str], workers: int, compute: Compute = compute_batch
) -> Iterator[tuple[Sequence[Point], xr.Dataset | None, float]]:
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
        Batch, results (None where it killed its worker) and core seconds.

    Notes
    -----
    Tasks that were queued on a worker die with it, so a batch is a suspect only at first. Suspects run again
    one at a time; one that kills again is cut in two, and a half that kills too is given up.
    """
    with _client(workers) as client:
        n_workers = max(1, sum(client.nthreads().values()))
        suspects: deque[tuple[Sequence[Point], bool]] = deque()
        run = _Run(client, record, compute)
        for batch, result in run.all_of(deque(batches), WINDOW * n_workers):
            if result is None:
                suspects.append((batch, False))
            else:
                yield batch, *result
        while suspects:
            batch, is_half = suspects.popleft()
            ((_, result),) = run.all_of(deque([batch]), 1)
            if result is not None:
                yield batch, *result
            elif is_half or len(batch) == 1:
                log.warning("%d points killed their worker twice and are given up", len(batch))
                yield batch, None, 0.0
            else:
                middle = len(batch) // 2
                suspects.extendleft([(batch[middle:], True), (batch[:middle], True)])


class _Run:
    """Submits batches to one client and collects what comes back."""

    def __init__(self, client: Any, record: Sequence[str], compute: Compute) -> None:
        self.client, self.record, self.compute = client, set(record), compute

    def _submit(self, batch: Sequence[Point]) -> Any:
        record = [point.key for point in batch if point.key in self.record]
        return self.client.submit(self.compute, [point.to_dict() for point in batch], record, pure=False)

    def all_of(
        self, waiting: deque[Sequence[Point]], window: int
    ) -> Iterator[tuple[Sequence[Point], tuple[xr.Dataset, float] | None]]:
        """Yield each batch with its result, or None where its worker died."""
        from distributed import KilledWorker, as_completed

        flight: dict[str, Sequence[Point]] = {}
        ended = as_completed(with_results=False, raise_errors=False)

        def fill() -> None:
            while waiting and len(flight) < window:
                batch = waiting.popleft()
                future = self._submit(batch)
                flight[future.key] = batch
                ended.add(future)

        fill()
        while flight:
            future = next(ended)
            batch = flight.pop(future.key)
            result = None
            if future.status == "finished":
                # A worker that dies now takes its result along.
                with contextlib.suppress(Exception):
                    result = future.result()
            elif future.status == "error" and not isinstance(error := future.exception(), KilledWorker):
                raise error
            if result is None:
                log.warning("a worker died (task %s); its %d points run again", future.status, len(batch))
            future.release()
            fill()
            yield batch, result


@contextlib.contextmanager
def _client(workers: int) -> Iterator[Any]:
    """Give a client of the scheduler in the environment, or of one with `workers` processes of our own."""
    import dask.config
    import distributed
    from distributed.utils import get_mp_context

    _share_log()
    address = os.environ.get(SCHEDULER)
    if address:
        try:
            client = distributed.Client(address, timeout=PATIENCE)
        except (OSError, ValueError, TimeoutError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise CrnsimError(f"{SCHEDULER}={address}: no Dask scheduler answers there ({reason})") from None
        log.info("Dask scheduler of the environment: %s", address)
        with client:
            yield client
        return
    settings = {
        # Workers are forked from one process that has imported everything: twice as fast as importing in each.
        "distributed.worker.multiprocessing-method": "forkserver",
        "distributed.scheduler.allowed-failures": 0,
        "distributed.comm.timeouts.connect": "60s",
        "distributed.nanny.pre-spawn-environ.NUMBA_NUM_THREADS": 1,
        # Dask watches itself many times a second, in every process; with tasks of seconds that only costs.
        "distributed.admin.tick.interval": "500ms",
        "distributed.admin.system-monitor.interval": "5s",
        "distributed.worker.profile.enabled": False,
    }
    with dask.config.set(settings):
        get_mp_context().set_forkserver_preload(["distributed", "distributed.nanny", __name__, *LIBRARIES])
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pages = "" if find_spec("bokeh") else " (its pages need the package bokeh)"
        log.info("%d Dask workers; dashboard: %s%s", workers, cluster.dashboard_link, pages)
        yield client


class _ToOurLog(logging.Handler):
    """Hands Dask's messages on; Dask sets levels of handlers as it likes, so it gets one of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            logging.getLogger("crnsim").handle(record)


def _share_log() -> None:
    """Send what Dask has to say to the log of this command, if it has one, instead of the terminal."""
    if logging.getLogger("crnsim").handlers:
        for name in ("distributed", "distributed.client", "tornado", "tornado.application"):
            logging.getLogger(name).handlers = [_ToOurLog()]
