"""Importing this makes Python look for circular garbage less often, in a process that imports much or forks others.

While a command imports its libraries nothing is garbage, yet Python looks through all of it again and again: up to a
fifth of the time that a step of the workflow takes to start.
"""

from __future__ import annotations

import gc

#: New containers before the youngest are looked through (Python's own: 700), and how many such looks before all are.
THRESHOLDS = (50_000, 10, 10)

gc.set_threshold(*THRESHOLDS)
