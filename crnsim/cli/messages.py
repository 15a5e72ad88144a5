"""Where the messages of a command go."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from crnsim.errors import StorageError


@contextlib.contextmanager
def messages_to(path: str | None) -> Iterator[None]:
    """Send the messages of the package to a file; nowhere special without one."""
    if path is None:
        yield
        return
    # A disk that is full is said once, by the command itself, and not by each message that finds no room.
    logging.raiseExceptions = False
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    # Minutes without a word in a run of a workflow; on a terminal it is said anyway.
    said = logging.StreamHandler()
    said.addFilter(lambda record: not sys.stderr.isatty())
    compiling = logging.getLogger("crnsim.compiled")
    compiling.addHandler(said)
    logger = logging.getLogger("crnsim")
    before = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        compiling.removeHandler(said)
        handler.close()
        logger.handlers, logger.propagate = before[0], before[2]
        logger.setLevel(before[1])
