"""Check tuned learning rates against the sweep that takes them: what they were chosen for, and what there is now."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crnsim.errors import InputError
from crnsim.sweep.config.mistakes import Mistake
from crnsim.sweep.config.resolve import ResolvedSettings, design_settings
from crnsim.sweep.config.tuned import Tuned, read_tuned

if TYPE_CHECKING:
    from crnsim.experiment.point import Parameters
    from crnsim.sweep.config.model import Sweep


def check_tuned(
    sweep: Sweep, settings: Mapping[str, ResolvedSettings], sources: Mapping[str, Parameters]
) -> Tuned | None:
    """Read the tuned learning rates of a sweep and hold them against its designs; None where it has none.

    Raises
    ------
    Mistake
        The file cannot be used, was made for other designs, or a design has a learning rate of its own too.
    """
    if sweep.tuned is None:
        return None
    if sweep.mode != "training":
        raise Mistake(("tuned",), "nothing is trained in this sweep; leave it out")
    try:
        tuned = read_tuned(sweep.tuned)
    except InputError as error:
        raise Mistake(("tuned",), str(error)) from None
    listed = 0
    for dataset, of_dataset in settings.items():
        for label in of_dataset.activations:
            choice = tuned.of(dataset, label)
            if choice is None:
                continue
            listed += 1
            if sweep.activations[label].learning_rate is not None:
                raise Mistake(
                    ("activations", label, "learning_rate"),
                    f"{sweep.tuned} has one for {label} on {dataset} too; leave out one of the two",
                )
            design = design_settings(of_dataset, sweep, label, dataset, sources[dataset])
            now = described_design(sweep, dataset, label, design, sources[dataset])
            if what := difference(choice.design, now):
                raise Mistake(
                    ("tuned",),
                    f"{sweep.tuned}: {label} on {dataset} was tuned with {what}; run 'crnsim tune' again",
                )
    if not listed:
        raise Mistake(("tuned",), f"{sweep.tuned} lists no design of this sweep; run 'crnsim tune' for it")
    return tuned


def described_design(
    sweep: Sweep, dataset: str, label: str, settings: ResolvedSettings, source: Parameters
) -> dict[str, Any]:
    """Return what a learning rate is chosen for, as plain values: circuit, activation, epochs and data.

    Running times, noise and replicates are not among them, since a rate that was chosen under others can be used.

    Parameters
    ----------
    sweep : Sweep
    dataset, label : str
    settings : ResolvedSettings
        Of the design; see `crnsim.sweep.config.resolve.design_settings`.
    source : tuple
        What identifies a CSV data set.
    """
    from crnsim.activations import source_hash
    from crnsim.circuits import circuit_source_hash

    spec = sweep.activations[label]
    circuit = spec.circuit or sweep.circuit
    found: dict[str, Any] = {
        "layers": list(settings.layers),
        "epochs": settings.epochs,
        "circuit": circuit,
        "circuit_parameters": dict(sorted((settings.circuit_parameters | spec.circuit_parameters).items())),
        "activation": spec.name,
        "activation_parameters": dict(spec.parameters),
    }
    code = {"activation": source_hash(spec.name), "circuit": circuit_source_hash(circuit)}
    about = {name: value for name, value in source if name != "file"}
    return (
        found
        | ({"data": about} if about else {})
        | ({"code": {name: digest for name, digest in code.items() if digest}} if any(code.values()) else {})
    )


def difference(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say what is different between two descriptions of a design, nothing where they are one."""
    for name in (*now, *was):
        before, after = was.get(name), now.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            if inner := difference(before, after):
                return inner
        elif not _equal(before, after):
            return f"{name} {_shown(before)}, here {_shown(after)}"
    return ""


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)


def _shown(value: Any) -> str:
    return "left out" if value is None else f"{value}"
