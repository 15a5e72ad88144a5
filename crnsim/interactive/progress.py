"""How far a sweep is: a line on a terminal, the same line as text in a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from crnsim.entrance.arguments import shown
from crnsim.errors import InputError
from crnsim.wording import duration

_WIDTH = 30
#: Seconds between updates, at least.
_PAUSE = 0.2


class Progress:
    """Draws one line over and over, and in the end what it took.

    Parameters
    ----------
    what : str
        What is done, such as ``"64 runs"``.
    wanted : bool or callable, optional
        Whether to draw; where left out, if there is a terminal or a notebook. Or a function of the share that is done.
    """

    def __init__(self, what: str, wanted: bool | Callable[[float], Any] | None) -> None:
        self.what, self.start, self.said = what, time.monotonic(), 0.0
        self.tell = wanted if callable(wanted) else None
        cell = _cell()
        live = cell is not None or sys.stderr.isatty()
        drawn = self.tell is None and (live if wanted is None else bool(wanted))
        self._draw: Callable[[str], None] = (lambda text: None) if not drawn else cell or _over_the_line
        self.on_terminal = drawn and cell is None

    def __enter__(self) -> Progress:
        return self

    def note(self, text: str) -> None:
        """Show a word instead of the bar, while nothing can be counted."""
        self._draw(f"{self.what}: {text}")

    def update(self, share: float) -> None:
        """Draw the bar, a few times a second at most."""
        if self.tell is not None:
            self.tell(min(share, 1.0))
            return
        now = time.monotonic()
        if now - self.said < _PAUSE and share < 1:
            return
        self.said = now
        left = f"about {duration((now - self.start) * (1 - share) / share)} left" if 0 < share < 1 else ""
        bar = "#" * round(_WIDTH * share)
        self._draw(f"{self.what} [{bar:<{_WIDTH}}] {share:4.0%}  {left}".rstrip())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._draw(f"{self.what} in {duration(time.monotonic() - self.start)}")
        if self.on_terminal:
            sys.stderr.write("\n")
            sys.stderr.flush()


def check_progress(progress: object) -> bool | Callable[[float], Any] | None:
    """Return what was asked for as `progress`: None, a truth value, or a function."""
    if progress is None or isinstance(progress, bool) or callable(progress):
        return progress
    raise InputError(f"progress is {shown(progress)}; give True, False, or a function of the share done")


def _over_the_line(text: str) -> None:
    sys.stderr.write(f"\r{text}\x1b[K")
    sys.stderr.flush()


def _cell() -> Callable[[str], None] | None:
    """Return what writes a text into the present cell of a notebook, over the last one; None elsewhere."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python is not None and hasattr(python, "get_ipython") else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    handle: Any = None

    def write(text: str) -> None:
        nonlocal handle
        content = {"text/plain": text}
        if handle is None:
            handle = display(content, raw=True, display_id=True)
        else:
            handle.update(content, raw=True)

    return write
