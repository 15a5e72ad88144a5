"""A progress bar on the terminal."""

from __future__ import annotations

import sys
import time


class Bar:
    """A progress bar on the terminal; nothing where there is none."""

    def __init__(self, count: int) -> None:
        self.live, self.start, self.shown = sys.stderr.isatty(), time.monotonic(), 0.0
        self.what = "run" if count == 1 else f"{count} runs"

    def __enter__(self) -> Bar:
        return self

    def update(self, share: float) -> None:
        """Draw the bar, ten times a second at most."""
        from crnsim.wording import duration

        now = time.monotonic()
        if not self.live or (now - self.shown < 0.1 and share < 1):
            return
        self.shown = now
        left = f"about {duration((now - self.start) * (1 - share) / share)} left" if share > 0 else ""
        sys.stderr.write(f"\r{self.what} [{'#' * round(30 * share):<30}] {share:4.0%}  {left}\x1b[K")
        sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self.live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
