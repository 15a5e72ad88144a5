"""How a run can end: the outcomes that are stored, counted and shown."""

from __future__ import annotations

#: Outcomes in the order of the stored flags.
OUTCOMES = ("ok", "diverged", "step_limit", "worker_killed", "failed")
OK, DIVERGED, STEP_LIMIT, WORKER_KILLED, FAILED = range(5)

#: What is counted of each run: steps, of single molecules events and leaps; steps that were taken anew; evaluations of
#: the right-hand side, or leaps; and leaps that a species at zero stood against.
COUNTS = ("steps", "rejected", "evaluations", "contacts")

#: From this part of the steps on contacts are worth a warning: the chemical Langevin equation is biased there.
OFTEN_AT_ZERO = 0.01
