"""What keeps the chemical Langevin equation from going below zero."""

from __future__ import annotations

from crnsim.compiled import compiled
from crnsim.solvers.stochastic.tables import Tables
from crnsim.solvers.stochastic.work import CHANGED, CHOSEN, CONTACTS, Work

#: So often what is used up is brought down to what is there and is made, before what is made no longer counts.
_TRIES = 20
#: By rounding what is used up may be more than there is by this part of it.
_ROUNDING = 1e-12


@compiled
def _short(t: Tables, w: Work, alone: bool) -> bool:
    """Write into `w.gain` what part of a leap's losses each row can bear; return whether it is too little for any.

    `alone` has rows that cannot bear theirs live on what they had: so brought down, they can whatever else is.
    """
    for at in range(w.sorted[CHANGED]):
        w.gain[w.changed[at]] = w.loss[w.changed[at]] = 0.0
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        for at in range(t.change_at[r], t.change_at[r + 1]):
            change = t.change_by[at] * w.extent[r]
            if change > 0.0:
                w.gain[t.change_row[at]] += change
            else:
                w.loss[t.change_row[at]] -= change
    short = False
    for at in range(w.sorted[CHANGED]):
        row = w.changed[at]
        there = w.molecules[row] + w.gain[row]
        short = short or w.loss[row] > there * (1.0 + _ROUNDING)
        if w.loss[row] > there:
            w.gain[row] = (w.molecules[row] if alone else there) / w.loss[row]
        else:
            w.gain[row] = 1.0
    return short


@compiled
def _bring_down(t: Tables, w: Work) -> None:
    """Let each reaction take place as far as the rows can bear that it takes from."""
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        factor = 1.0
        for at in range(t.change_at[r], t.change_at[r + 1]):
            if t.change_by[at] * w.extent[r] < 0.0:
                factor = min(factor, w.gain[t.change_row[at]])
        w.extent[r] *= factor


@compiled
def keep_above_zero(t: Tables, w: Work) -> None:
    """Let a leap take place, as far as it leaves no species below zero.

    Where one would fall below zero, all that takes from it is brought down by one factor, so that none of it is left:
    extents are changed and not species, so that no conserved sum is. Each leap in which this is done is a contact with
    the boundary, and counted.
    """
    tries = 0
    # In the end each turn leaves one row more that can bear its losses, for good.
    while _short(t, w, tries >= _TRIES) and tries < _TRIES + w.sorted[CHANGED]:
        if tries == 0:
            w.tally[CONTACTS] += 1
        _bring_down(t, w)
        tries += 1
    for place in range(w.sorted[CHOSEN]):
        r = w.chosen[place]
        for at in range(t.change_at[r], t.change_at[r + 1]):
            w.molecules[t.change_row[at]] += t.change_by[at] * w.extent[r]
    for at in range(w.sorted[CHANGED]):
        # Rounding alone.
        w.molecules[w.changed[at]] = max(w.molecules[w.changed[at]], 0.0)
