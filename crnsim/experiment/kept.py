"""How much of a training is kept: weights at checkpoints, and trajectories of a few presentations."""

from __future__ import annotations

#: Checkpoints after the first one, which holds the initial weights.
CHECKPOINTS = 20
#: Presentations whose trajectories are kept: so many first and last ones of a training, at so many times each.
RECORDED_FIRST, RECORDED_LAST = 2, 4
RECORDED_TIMES = 51
#: Of a network of the user's own: inputs, species and times of a run whose course is kept.
KEPT_INPUTS, KEPT_SPECIES, KEPT_TIMES = 8, 100, 201
