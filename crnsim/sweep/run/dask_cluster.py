"""Connect to Dask: to workers of our own on this machine, or to a scheduler that someone already runs."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import ssl
import time
import warnings
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from crnsim.entrance.arguments import setting
from crnsim.errors import CrnsimError, InputError
from crnsim.sweep.run import own_workers

#: Address of a scheduler that someone already runs, such as tls://10.0.0.1:8786, or its scheduler file.
SCHEDULER = "CRNSIM_DASK_SCHEDULER"
#: Seconds without a single worker, or without an answer, after which a running cluster is given up.
PATIENCE = "CRNSIM_DASK_PATIENCE"
DEFAULT_PATIENCE = 300.0
#: The same for workers of our own, which start in seconds.
OWN_PATIENCE = 60.0
#: Seconds that a scheduler has to answer at first, and to come back when it is lost.
ANSWER = 20.0
#: Seconds between two looks at whether the workers are still there.
LOOK = 2.0

log = logging.getLogger("crnsim.integrate")


class Cluster:
    """A client of a scheduler, and how long to wait for workers that are not there.

    Parameters
    ----------
    client : distributed.Client
    where : str
        Which cluster this is, for messages.
    remedy : str
        What a user can do when its workers are gone.
    patience : float
        Seconds without workers, or without an answer, after which it is given up.
    """

    def __init__(self, client: Any, where: str, remedy: str, patience: float) -> None:
        self.client, self.where, self.remedy, self.patience = client, where, remedy, patience
        self.n_workers = 0
        self._alive = self._looked = self._busy = time.monotonic()
        self._waiting = False
        self._look()

    def check(self, in_flight: int) -> None:
        """See from time to time whether there is a worker, and whether any is at work.

        Parameters
        ----------
        in_flight : int
            Tasks that were sent and have not ended.

        Raises
        ------
        CrnsimError
            The scheduler is gone, or there was no worker, or none at work, for too long.
        """
        if not in_flight:
            self._busy = time.monotonic()
        if self.client.status == "closed":
            raise CrnsimError(f"{self.where} is gone; {self.remedy}")
        if time.monotonic() - self._looked >= LOOK:
            self._look()
        absent = time.monotonic() - self._alive
        if absent > self.patience:
            raise CrnsimError(f"{self.where} has had no worker for {absent:.0f} s; {self.remedy}")
        idle = time.monotonic() - self._busy
        if idle > self.patience and not absent > LOOK:
            raise CrnsimError(f"{self.where} has work and has done none for {idle:.0f} s; {self.remedy}")
        if absent > 2 * LOOK and not self._waiting:
            self._waiting = True
            log.warning("%s has no worker; waiting up to %.0f s", self.where, self.patience)

    def _look(self) -> None:
        self._looked = time.monotonic()
        try:
            # Not Client.nthreads, which may wait for an answer without end.
            cores = self.client.sync(self.client.scheduler.ncores, callback_timeout=ANSWER)
            tasks = self.client.sync(self.client.scheduler.processing, workers=None, callback_timeout=ANSWER)
        except Exception as error:
            log.debug("no answer from %s: %s", self.where, error)
            return
        self.n_workers = len(cores)
        if cores:
            self._alive, self._waiting = time.monotonic(), False
        if any(tasks.values()):
            self._busy = time.monotonic()


#: The cluster of several chunks, while there is one.
_HELD: ContextVar[Cluster | None] = ContextVar("_HELD", default=None)


@contextlib.contextmanager
def connect(workers: int, preload: Sequence[str]) -> Iterator[Cluster]:
    """Give the cluster of the environment variable ``CRNSIM_DASK_SCHEDULER``, or one with processes of our own.

    Parameters
    ----------
    workers : int
        Processes to start, where no scheduler is given.
    preload : sequence of str
        Modules that they import once, before they are forked.

    Raises
    ------
    CrnsimError
        The variable names no scheduler that answers.
    """
    if (held := _HELD.get()) is not None:
        yield held
        return
    _share_log()
    given = os.environ.get(SCHEDULER, "").strip()
    with _running(given) if given else _own(workers, preload) as cluster:
        yield cluster


@contextlib.contextmanager
def held(workers: int, preload: Sequence[str]) -> Iterator[None]:
    """Start workers once for all that asks for them within this context; see `connect`."""
    with connect(workers, preload) as cluster:
        token = _HELD.set(cluster)
        try:
            yield
        finally:
            _HELD.reset(token)


@contextlib.contextmanager
def _own(workers: int, preload: Sequence[str]) -> Iterator[Cluster]:
    """Start workers on this machine."""
    with own_workers.start(workers, preload) as client:
        where = "the Dask cluster of this command"
        remedy = "give each worker more memory, or use fewer (chunks.workers)"
        yield Cluster(client, where, remedy, OWN_PATIENCE)


@contextlib.contextmanager
def _running(given: str) -> Iterator[Cluster]:
    """Connect to the scheduler that the environment names."""
    import distributed

    patience = _patience()
    address = _address(given)
    security = _security(given, address)
    _ask(given, address, security)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            client = distributed.Client(address, timeout=ANSWER, security=security)
        except (OSError, ValueError, TypeError, RuntimeError, ImportError) as error:
            raise _no_answer(given, error) from None
    for message in said:
        log.warning("%s: %s", address, " ".join(str(message.message).split()))
    if not address.startswith(("tls://", "wss://")):
        who = "every user of this machine" if _is_loopback(address) else "whoever reaches it"
        log.warning("%s is not encrypted: %s can run code as you; use tls:// (docs/dask.md)", address, who)
    with client:
        log.info("Dask scheduler of %s: %s; dashboard: %s", SCHEDULER, address, client.dashboard_link)
        remedy = f"start workers with 'dask worker {address}', or unset {SCHEDULER}; {PATIENCE} is how long to wait"
        yield Cluster(client, f"the Dask scheduler {address}", remedy, patience)


def _patience() -> float:
    text = os.environ.get(PATIENCE, "").strip()
    return setting(PATIENCE, text, "seconds") if text else DEFAULT_PATIENCE


def _address(given: str) -> str:
    """Return the address of a scheduler, given it or its scheduler file."""
    if "://" in given:
        return given
    host, _, port = given.rpartition(":")
    path = Path(given).expanduser()
    if host and port.isdecimal() and not path.exists():
        return f"tcp://{given}"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["address"]
    except FileNotFoundError:
        raise InputError(
            f"{SCHEDULER}={given}: there is no such file; give the address of a scheduler, such as "
            f"tls://10.0.0.1:8786, or the file that 'dask scheduler --scheduler-file {given}' writes"
        ) from None
    except OSError as error:
        raise InputError(f"{SCHEDULER}={given}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str) or "://" not in found:
        raise InputError(
            f"{SCHEDULER}={given}: this is no scheduler file, or half of one; start 'dask scheduler --scheduler-file "
            f"{given}' again"
        )
    return found


def _security(given: str, address: str) -> Any:
    """Return the certificates of Dask's configuration, checked as far as `address` needs them."""
    from distributed.security import Security

    settings = {
        "ca_file": "ca-file (DASK_DISTRIBUTED__COMM__TLS__CA_FILE)",
        "cert": "client.cert (DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT)",
        "key": "client.key (DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY)",
    }
    try:
        security = Security()
    except ValueError as error:
        raise InputError(f"Dask's configuration: {' '.join(str(error).split())}") from None
    if not address.startswith(("tls://", "wss://")):
        return security
    files = security.get_tls_config_for_role("client")
    for name, key in settings.items():
        file = files[name]
        if not file and name != "key":
            raise InputError(
                f"{SCHEDULER}={given} needs certificates: set distributed.comm.tls.{key} to a PEM file"
            )
        if file and "\n" not in file and not os.access(file, os.R_OK):
            raise InputError(
                f"distributed.comm.tls.{key} is {file}: there is no such file, or it cannot be read"
            )
    try:
        security.get_connection_args("client")
    except (ssl.SSLError, OSError) as error:
        raise InputError(
            f"{SCHEDULER}={given}: the certificates of Dask's configuration (distributed.comm.tls.*) cannot be used: "
            f"{_reason(error)}; check that they are PEM files and that the key belongs to the certificate"
        ) from None
    return security


def _ask(given: str, address: str, security: Any) -> None:
    """Make sure that a scheduler answers: a client of something else would wait without end."""
    from distributed.comm import connect as connect_to

    async def identity() -> Any:
        comm = await connect_to(address, timeout=ANSWER, **security.get_connection_args("client"))
        try:
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()
        finally:
            await comm.close()

    async def in_time() -> Any:
        # A little longer than the connection may take, so that its own reason is told.
        return await asyncio.wait_for(identity(), 1.2 * ANSWER)

    try:
        found = asyncio.run(in_time())
    except Exception as error:  # whatever a peer that is no scheduler makes of it
        raise _no_answer(given, error) from None
    kind = found.get("type") if isinstance(found, dict) else None
    if kind != "Scheduler":
        raise InputError(
            f"{SCHEDULER}={given}: what answers there is no Dask scheduler but {kind or 'something else'}; "
            "give the address that 'dask scheduler' prints"
        )


def _no_answer(given: str, error: BaseException) -> CrnsimError:
    text = f"{SCHEDULER}={given}: no Dask scheduler answers there ({_reason(error)})"
    causes = _causes(error)
    if any(isinstance(cause, ssl.SSLError) or "SSL" in str(cause) for cause in causes):
        text += "; check that its certificate and yours (distributed.comm.tls.*) are of the same authority"
    elif any("FatalCommClosed" in type(cause).__name__ for cause in causes):
        text += "; check whether it wants tls:// or tcp://"
    return CrnsimError(text)


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or following.__context__
    return found


def _reason(error: BaseException) -> str:
    texts = [" ".join(str(cause).split()) for cause in _causes(error)]
    return ": ".join(dict.fromkeys(filter(None, texts[:2]))) or type(error).__name__


def _is_loopback(address: str) -> bool:
    from distributed.comm import get_address_host

    try:
        host = get_address_host(address)
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
