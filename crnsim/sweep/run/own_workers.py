"""Dask workers that a command starts for itself on this machine, out of reach of its other users."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing.forkserver
import multiprocessing.util
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from crnsim.entrance.arguments import shown
from crnsim.entrance.private import temporary_folder
from crnsim.errors import InputError
from crnsim.sweep.run.throwaway_keys import make_keys

#: Whether the scheduler shows its web pages, on the loopback and below a secret address.
DASHBOARD = "CRNSIM_DASK_DASHBOARD"

#: Variables of a job in a queue. There the queue watches over memory, and tries a job that had too little again with
#: more; elsewhere Dask ends a worker that takes more than its share, before the whole machine stands still.
IN_A_JOB = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "CRNSIM_WALL_MINUTES")

_HOST = "127.0.0.1"

log = logging.getLogger("crnsim.integrate")


@contextlib.contextmanager
def start(workers: int, preload: Sequence[str]) -> Iterator[Any]:
    """Start workers on this machine and give a client of their scheduler.

    Scheduler, workers, their nannies and the client speak TLS, and each asks the other for a certificate that was made
    for this run: its key goes to the workers through a pipe. No web server listens. Dask's files are in a folder that
    others cannot enter.

    Parameters
    ----------
    workers : int
        Processes, one thread each.
    preload : sequence of str
        Modules that they import once, before they are forked.

    Raises
    ------
    InputError
        `DASHBOARD` is neither 0 nor 1, the folder for temporary files is not safe, or Dask's configuration is wrong.
    """
    import dask.config
    import distributed

    dashboard = _wants_dashboard()
    with contextlib.ExitStack() as stack:
        folder = temporary_folder("crnsim-dask-")
        stack.callback(_forget, folder)
        quiet: dict[str, Any] = {} if dashboard else {"distributed.scheduler.http.routes": []}
        stack.enter_context(dask.config.set(_settings(folder) | quiet))
        ours = ("rare_collection", "dask_servers")
        _start_forkserver([*(f"crnsim.sweep.run.{name}" for name in ours), "distributed.nanny", *preload])
        try:
            security = make_keys()
        except ValueError as error:
            raise InputError(f"Dask's configuration: {' '.join(str(error).split())}") from None
        secret = secrets.token_urlsafe(32) if dashboard else ""
        cluster = _cluster(workers, security, secret)
        stack.callback(_close, cluster)
        client = distributed.Client(cluster, security=security)
        stack.callback(_close, client)
        log.info("%d Dask workers%s", workers, _write_address(folder, cluster, secret) if dashboard else "")
        yield client


def _wants_dashboard() -> bool:
    given = os.environ.get(DASHBOARD, "").strip()
    if given not in ("", "0", "1"):
        raise InputError(f"{DASHBOARD} is {shown(given)}; it must be 1 for a dashboard, or 0")
    return given == "1"


def _settings(folder: Path) -> dict[str, Any]:
    """Return Dask's configuration for workers of our own."""
    return {
        # Dask makes folders there, and looks there for modules first; its own default is a name in /tmp that anybody
        # could have made before.
        "temporary-directory": str(folder),
        # Workers are forked from one process that has imported everything: twice as fast as importing in each.
        "distributed.worker.multiprocessing-method": "forkserver",
        "distributed.scheduler.allowed-failures": 0,
        "distributed.comm.timeouts.connect": "60s",
        "distributed.nanny.pre-spawn-environ.NUMBA_NUM_THREADS": 1,
        "distributed.nanny.pre-spawn-environ.PYTHONHASHSEED": 6640,  # as Dask sets it
        # A worker that is there and says nothing counts as dead after this time; usually it is five minutes.
        "distributed.scheduler.worker-ttl": "120s",
        # A worker that pauses for lack of memory would never go on: what fills it is not Dask's to spill.
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": False if any(map(os.environ.get, IN_A_JOB)) else 0.95,
        # Dask watches itself many times a second, in every process; with tasks of seconds that only costs.
        "distributed.admin.tick.interval": "500ms",
        "distributed.admin.system-monitor.interval": "5s",
        "distributed.worker.profile.enabled": False,
        "distributed.worker.http.routes": [],
    }


def _start_forkserver(modules: Sequence[str]) -> None:
    """Start the process from which workers are forked; it imports modules while we make keys.

    It looks for them where this process does. Python lets it look in the present folder first, which may be full of
    somebody's files.
    """
    import dask.config
    from distributed.utils import get_mp_context

    # Sockets without a file, which Python 3.11.0 takes for that process, are open to everybody.
    sockets: Any = multiprocessing.util
    sockets.abstract_sockets_supported = False
    get_mp_context().set_forkserver_preload(list(modules))
    # As each nanny does, which is too late here.
    for name, value in dask.config.get("distributed.nanny.pre-spawn-environ").items():
        if value is not None:
            os.environ.setdefault(name, str(value))
    path = os.pathsep.join(place for place in sys.path if place and os.pathsep not in place)
    places = {"PYTHONSAFEPATH": "1", "PYTHONPATH": path}
    before = {name: os.environ.get(name) for name in places}
    os.environ.update(places)
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        for name, old in before.items():
            if old is None:
                del os.environ[name]
            else:
                os.environ[name] = old


def _cluster(workers: int, security: Any, secret: str) -> Any:
    """Start scheduler and workers; `distributed.LocalCluster` would start web servers with them."""
    from distributed import Nanny, SpecCluster
    from distributed.system import MEMORY_LIMIT

    from crnsim.sweep.run.dask_servers import QuietScheduler, QuietWorker

    place = {"host": _HOST, "protocol": "tls://", "security": security}
    nanny = {
        "worker_class": QuietWorker,
        "nthreads": 1,
        "memory_limit": MEMORY_LIMIT // workers,
        "silence_logs": logging.CRITICAL,
        "dashboard": False,
    }
    worker = {"cls": Nanny, "options": place | nanny}
    return SpecCluster(
        scheduler={"cls": QuietScheduler, "options": place | {"port": 0, "secret": secret}},
        workers=dict.fromkeys(range(workers), worker),
        worker=worker,
        security=security,
        silence_logs=logging.CRITICAL,
    )


def _write_address(folder: Path, cluster: Any, secret: str) -> str:
    """Write the secret address of the dashboard where only the user can read it; return what to say of it in a log."""
    file = folder / "dashboard"
    address = f"http://{_HOST}:{cluster.scheduler.services['dashboard'].port}/{secret}/status"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(f"{address}\n")
    pages = "" if find_spec("bokeh") else " (its pages need the package bokeh)"
    return f"; the address of their dashboard is in {file}{pages}"


def _forget(folder: Path) -> None:
    """Remove the folder; Dask leaves names of folders in it on the path of modules, which others could make anew."""
    sys.path[:] = [place for place in sys.path if not Path(place).is_relative_to(folder)]
    shutil.rmtree(folder, ignore_errors=True)


def _close(closable: Any) -> None:
    """Close a cluster or a client; where that fails, as with a worker that is just being replaced, the work is done."""
    try:
        closable.close()
    except Exception as error:
        log.info("while Dask was closed: %s: %s", type(error).__name__, error)
