"""Check a sweep against what there is: data sets, layers, circuits, activations, weights and their parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from crnsim.circuits import circuit_kind
from crnsim.entrance.limits import LONGEST_LABEL, MOST_EVENTS
from crnsim.errors import InputError, suggest
from crnsim.noise.kinds import NOISE_KINDS, NoiseKind, check_magnitude, code_of_kind, noise_kind
from crnsim.noise.noise import Noise, check_idle, own_section
from crnsim.sweep.config.designs import check_activations, check_circuit_parameters, check_unit
from crnsim.sweep.config.extent import check_extent
from crnsim.sweep.config.mistakes import Mistake, Mistakes
from crnsim.sweep.config.network_names import check_network, check_without_network
from crnsim.sweep.config.open_verdicts import check_open_verdicts
from crnsim.sweep.config.resolve import (
    ResolvedSettings,
    ResolvedSweep,
    circuits_of,
    resolve_settings,
    resolve_source,
    resolve_weights,
)
from crnsim.sweep.config.tuned_names import check_tuned

if TYPE_CHECKING:
    from crnsim.experiment.point import Parameters
    from crnsim.sweep.config.model import Sweep

#: The label of a data set becomes part of a path and of file names joined by "-".
LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


def checked(sweep: Sweep) -> ResolvedSweep:
    """Resolve a sweep, and refuse names and values in it that fit nothing.

    Raises
    ------
    Mistake, SeveralMistakes
        With the path of each key, so that the caller can add file and line.
    """
    if sweep.network is not None:
        name, source, of_network = _checked_network(sweep)
        check_extent(sweep, {name: of_network})
        return ResolvedSweep(sweep, {name: source}, {name: of_network}, ())
    mistakes = Mistakes()
    with mistakes.noted():
        check_without_network(sweep)
    weights: Parameters = ()
    for check in (_check_chunks, _check_method, _check_claims, _check_cases):
        with mistakes.noted():
            check(sweep)
    for label in sweep.activations:
        with mistakes.noted():
            check_unit(sweep, label)
    with mistakes.noted():
        weights = _check_circuit(sweep)
    sources: dict[str, Parameters] = {}
    for name in sweep.datasets:
        with mistakes.noted():
            sources[name] = _check_source(sweep, name)
    # What follows asks circuits, activations and data sets.
    mistakes.judge()
    check_activations(sweep, mistakes)
    settings: dict[str, ResolvedSettings] = {}
    for name in sweep.datasets:
        with mistakes.noted():
            settings[name] = _check_dataset(sweep, name, sources[name])
            _check_noise(sweep, name, settings[name])
            check_open_verdicts(sweep, name, settings[name])
    mistakes.judge()
    check_extent(sweep, settings)
    for name in sweep.datasets:
        _check_weights(sweep, name, settings[name], weights)
    return ResolvedSweep(sweep, sources, settings, weights, check_tuned(sweep, settings, sources))


def _checked_network(sweep: Sweep) -> tuple[str, Parameters, ResolvedSettings]:
    """Return the label of a network of the user's own, what identifies its task, and its settings."""
    mistakes = Mistakes()
    with mistakes.noted():
        _check_chunks(sweep)
    name, source, settings = check_network(sweep, mistakes)
    with mistakes.noted():
        _check_noise(sweep, name, settings)
    with mistakes.noted():
        check_open_verdicts(sweep, name, settings)
    mistakes.judge()
    return name, source, settings


def _check_cases(sweep: Sweep) -> None:
    """Refuse labels whose files would be one on a file system that does not tell capitals from small letters."""
    for key, labels in (("activations", sweep.activations), ("datasets", sweep.datasets)):
        seen: dict[str, str] = {}
        for label in labels:
            if (other := seen.setdefault(label.lower(), label)) != label:
                raise Mistake(
                    (key, label),
                    f"differs from {other} by capital letters alone; some file systems take both for one: rename it",
                )


def _check_chunks(sweep: Sweep) -> None:
    chunks = sweep.chunks
    if chunks.minutes and chunks.cells and chunks.replicates:
        raise Mistake(
            ("chunks", "minutes"), "cells and replicates leave nothing to it; leave out one of the three"
        )


def _check_method(sweep: Sweep) -> None:
    if sweep.solver.method == "auto":
        return  # without the second that the solvers take to import
    from crnsim.solvers.methods import check_counting, check_presentations

    try:
        check_presentations(sweep.solver.method)
        check_counting(sweep.solver.method, counted=counts_molecules(sweep))
    except InputError as error:
        raise Mistake(("solver", "method"), str(error)) from None


def counts_molecules(sweep: Sweep) -> bool:
    """Whether there is intrinsic noise, in the whole sweep or of one data set."""
    sections = [sweep.noise, *(given.noise for given in sweep.datasets.values())]
    found = [section.intrinsic for section in sections if section is not None]
    return any(one is not None and any(one.magnitudes) for one in found)


def _check_circuit(sweep: Sweep) -> Parameters:
    """Check circuit, mode and claims; return what identifies the given weights."""
    _check_kind(sweep, ("circuit",), sweep.circuit)
    for label, spec in sweep.activations.items():
        if spec.circuit is not None:
            _check_kind(sweep, ("activations", label, "circuit"), spec.circuit)
    if sweep.weights is not None and sweep.mode == "training":
        raise Mistake(("weights",), "only a sweep with mode: inference is given weights")
    try:
        weights = resolve_weights(sweep)
    except InputError as error:
        raise Mistake(("weights",), str(error)) from None
    check_circuit_parameters(sweep.circuit, ("circuit_parameters",), sweep.circuit_parameters)
    return weights


def _check_kind(sweep: Sweep, path: tuple[str, ...], circuit: str) -> None:
    """Check that there is a family of circuits that can be run in the mode of the sweep."""
    try:
        kind = circuit_kind(circuit)
    except InputError as error:
        raise Mistake(path, str(error)) from None
    if sweep.mode not in kind.modes:
        what = (
            "does not learn; write onepot, or mode: inference"
            if sweep.mode == "training"
            else "is only trained"
        )
        raise Mistake(path, f"{circuit} {what}")


def _check_claims(sweep: Sweep) -> None:
    if sweep.claims is None:
        return
    from crnsim.metrics.claims import paper

    try:
        judging = paper(sweep.claims)
    except InputError as error:
        raise Mistake(("claims",), str(error).removeprefix(f"paper {sweep.claims}: ")) from None
    if sweep.mode != judging.mode:
        raise Mistake(("claims",), f"{judging.name} is about {judging.mode}; write mode: {judging.mode}")


def _check_dataset(sweep: Sweep, name: str, source: Parameters) -> ResolvedSettings:
    """Check what one data set does differently; return its settings."""
    from crnsim.datasets import check_layers

    path = ("datasets", name)
    given = sweep.datasets[name]
    for index, label in enumerate(given.activations or ()):
        if label not in sweep.activations:
            raise Mistake(
                (*path, "activations", index),
                f"no activation is labelled '{label}'; {suggest(label, sweep.activations)}",
            )
    if given.layers:
        try:
            check_layers(name, given.layers, source)
        except InputError as error:
            raise Mistake((*path, "layers"), str(error)) from None
    check_circuit_parameters(sweep.circuit, (*path, "circuit_parameters"), given.circuit_parameters or {})
    return resolve_settings(sweep, name, source)


def _check_noise(sweep: Sweep, name: str, settings: ResolvedSettings) -> None:
    """Check magnitudes, scope, and kinds of the user's own, of one data set."""
    given, noise = sweep.datasets[name].noise, settings.noise

    def path(*keys: str) -> tuple[str, ...]:
        """Where a key stands: with the data set, if its section does, or with the sweep."""
        own = given is not None and getattr(given, keys[0], None)
        return ("datasets", name, "noise", *keys) if own else ("noise", *keys)

    kinds = [circuit_kind(name) for name in circuits_of(sweep)]
    scopes = [scope for scope in kinds[0].scopes if all(scope in kind.scopes for kind in kinds)]
    for kind in NOISE_KINDS.values():
        section = getattr(noise, kind.name)
        if section is not None and (scope := getattr(section, "scope", scopes[0])) not in scopes:
            raise Mistake(
                path(kind.name, "scope"),
                f"the {scope} of {sweep.circuit} are rate constants, no species; write {scopes[0]}, or noise on rates",
            )
        if section is not None and not section.magnitudes:
            raise Mistake(path(kind.name, "magnitudes"), "missing; give a list such as [0.02, 0.1]")
        interval = getattr(section, "interval", None)
        if interval and (kicks := max(settings.running_times) / interval) > MOST_EVENTS:
            raise Mistake(
                path(kind.name, "interval"),
                f"{interval:g} makes {kicks:.3g} kicks in a running time of {max(settings.running_times):g}; "
                f"at most {MOST_EVENTS}",
            )
        if not _all_clocked(sweep):
            _check_first_action(kind, section, settings, path)
    if noise.static_rates is not None and noise.rates is not None and noise.rates.mode == "static":
        raise Mistake(
            path("static_rates"),
            "rates of mode 'static', the default, are the same noise; give rates another mode, such as "
            "'per_presentation', or leave one of the two out",
        )
    called: dict[str, str] = {}
    for reference, section in noise.own.items():
        if not section.magnitudes:
            raise Mistake(path("own", reference, "magnitudes"), "missing; give a list such as [0.02, 0.1]")
        try:
            noisy = Noise(**own_section(reference, max(section.magnitudes), section.model_extra or {}))
            with code_of_kind(reference):
                if not _all_clocked(sweep):
                    noisy.check_events(min(settings.running_times))
            own_name = noise_kind(reference).name
        except InputError as error:
            raise Mistake(path("own", reference), str(error)) from None
        if own_name in called:
            raise Mistake(
                path("own", reference), f"called '{own_name}', as {called[own_name]} is; keep one of the two"
            )
        called[own_name] = reference


def _all_clocked(sweep: Sweep) -> bool:
    """Whether all circuits run by themselves, so that a presentation is many times as long as the running time."""
    return all(circuit_kind(name).samples_parameter for name in circuits_of(sweep))


def _spelled(kind: NoiseKind) -> Callable[[str], str]:
    """How keywords of a kind are written in its section."""
    names = {option.keyword: option.name for option in kind.options}
    return lambda keyword: names.get(keyword, keyword)


def _check_first_action(
    kind: NoiseKind, section: Any, settings: ResolvedSettings, path: Callable[..., tuple[str, ...]]
) -> None:
    """Refuse noise that would not act at the shortest running time, where its cells would be those without noise."""
    if section is None or not max(section.magnitudes):
        return
    options = {option.keyword: getattr(section, option.name) for option in kind.options}
    try:
        for magnitude in section.magnitudes:
            check_magnitude(kind, magnitude)
        check_idle({kind.name: max(section.magnitudes), **options}, _spelled(kind))
        Noise(**{kind.name: max(section.magnitudes)}, **options).check_events(min(settings.running_times))
    except InputError as error:
        raise Mistake(path(kind.name), str(error)) from None


def _check_weights(sweep: Sweep, name: str, settings: ResolvedSettings, weights: Parameters) -> None:
    """Check that a file of weights fits a data set and all replicates."""
    from crnsim.experiment.given_weights import check_fit, is_npz

    about = dict(weights)
    # The weights of an .npz are those of every replicate; a result has few, and the first that it lacks ends this.
    n_replicates = 1 if is_npz(str(about.get("file", ""))) else settings.replicates
    for replicate in range(n_replicates if "file" in about else 0):
        try:
            check_fit(str(about["file"]), str(about["sha256"]), name, settings.layers, replicate, sweep.seed)
        except InputError as error:
            raise Mistake(("weights",), f"{error} (datasets.{name})") from None


def _check_source(sweep: Sweep, name: str) -> Parameters:
    """Check that a data set is one of ours, or that its file can be used; return what identifies it."""
    from crnsim.datasets import DATASETS

    path, given = ("datasets", name), sweep.datasets[name]
    if given.file is None:
        if name not in DATASETS:
            raise Mistake(path, f"unknown data set; {suggest(name, DATASETS)}; or give the 'file' of one")
        for key in ("target", "task"):
            if getattr(given, key) is not None:
                raise Mistake((*path, key), f"{name} has its own; only a data set with a 'file' is given one")
        return ()
    if name in DATASETS:
        raise Mistake(
            path, "the name of a data set that there is already; call the one in the file otherwise"
        )
    if not LABEL.fullmatch(name) or len(name) > LONGEST_LABEL:
        raise Mistake(
            path,
            f"does not fit a path; use at most {LONGEST_LABEL} letters, digits and _, and begin with a letter",
        )
    try:
        return resolve_source(given)
    except InputError as error:
        raise Mistake((*path, "file" if given.target else "target"), str(error)) from None
