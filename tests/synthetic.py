"""Made-up summaries, plans and accounts after the schema of the file format, for tests of what reads them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from crnsim.outcomes import OUTCOMES
from crnsim.sweep.plan.plan_file import ChunkEntry, GroupEntry, PlanFile
from crnsim.sweep.run.chunk_files import Account

KINDS = ("rates", "static_rates", "concentrations", "inputs", "intrinsic")

# (running time, noise kind, magnitude, replicate) -> (score, outcome)
Score = Callable[[float, str, float, int], "float | tuple[float, str]"]


@dataclass
class Made:
    """What a synthetic summary is made of; `score` decides every number that robustness is computed from."""

    score: Score
    dataset: str = "xor"
    label: str = "smooth"
    role: str = "smooth"
    activation: str = "squareplus"
    h: float | None = 0.1
    h_eff: float | None = None
    layers: tuple[int, ...] = (2, 6, 1)
    running_times: Sequence[float] = (30.0, 100.0)
    noise: dict[str, Sequence[float]] = field(default_factory=lambda: {"rates": (0.05, 0.1)})
    cross: bool = False
    replicates: int = 10
    epochs: int = 40
    seed: int = 0
    trajectories: int = 0
    targets: int = 1
    agreement: Score | None = None


def cells(made: Made) -> list[tuple[float, dict[str, float]]]:
    """Return (running time, magnitudes by kind) of every cell in plan order."""
    if made.cross:
        axes = [(kind, (0.0, *made.noise.get(kind, ()))) for kind in KINDS]
        levels = [{}]
        for kind, values in axes:
            levels = [level | {kind: value} for level in levels for value in values]
    else:
        levels = [dict.fromkeys(KINDS, 0.0)]
        levels += [dict.fromkeys(KINDS, 0.0) | {kind: m} for kind in KINDS for m in made.noise.get(kind, ())]
    return [(float(time), level) for time in made.running_times for level in levels]


def kind_of(level: dict[str, float]) -> str:
    return "+".join(kind for kind in KINDS if level[kind] > 0) or "none"


def key_of(*words: object) -> str:
    return hashlib.blake2b(repr(words).encode(), digest_size=16).hexdigest()


def summary(made: Made) -> xr.Dataset:
    """Return one merged summary; numbers that no metric reads are plausible noise from a fixed stream."""
    rng = np.random.default_rng(12345)
    rows = [(t, level, r) for t, level in cells(made) for r in range(made.replicates)]
    results = []
    for time, level, replicate in rows:
        kind = kind_of(level)
        given = made.score(time, kind, max(level.values()), replicate)
        results.append(given if isinstance(given, tuple) else (given, "ok"))
    score = np.array([value if outcome == "ok" else 0.0 for value, outcome in results])
    outcome = np.array([outcome for _, outcome in results], dtype=object)
    ok = outcome == "ok"
    n = len(rows)
    h_eff = made.h_eff if made.h_eff is not None else made.h
    point = {
        "point_key": np.array([key_of(made.dataset, made.label, *map(str, row)) for row in rows]),
        "running_time": np.array([time for time, _, _ in rows], dtype="f8"),
        "noise_kind": np.array([kind_of(level) for _, level, _ in rows]),
        **{f"noise_{kind}": np.array([level[kind] for _, level, _ in rows], dtype="f8") for kind in KINDS},
        "replicate": np.array([r for _, _, r in rows], dtype="i4"),
        "seed": np.full(n, made.seed, dtype="i8"),
    }
    regression = made.dataset == "regression"
    chance = {"xor": 0.5, "iris": 1 / 3}.get(made.dataset, 0.0)
    mse = np.where(ok, 0.1 * (1 - score) + 0.001, np.nan)
    nan = np.full(n, np.nan)
    accuracy = nan if regression else np.where(ok, chance + (1 - chance) * score, np.nan)
    nrmse = np.where(ok, np.sqrt(1 - score), np.nan) if regression else nan
    numbers = {
        "score": score, "accuracy": accuracy, "mse": mse, "nrmse": nrmse,
        "algebraic_score": np.where(ok, score, np.nan), "algebraic_accuracy": accuracy,
        "algebraic_mse": mse, "algebraic_nrmse": nrmse,
        "output_error": np.where(ok, 0.01, np.nan),
        "h_eff": np.full(n, np.nan if h_eff is None else h_eff),
    }  # fmt: skip
    if made.agreement:
        close = [
            made.agreement(time, kind_of(level), max(level.values()), replicate)
            for time, level, replicate in rows
        ]
        numbers["agreement"] = np.array(close)
    data: dict[str, Any] = {name: ("point", values.astype("f8")) for name, values in numbers.items()}
    status = np.array([OUTCOMES.index(name) for name in outcome], dtype="i1")
    flags = {"flag_values": np.arange(len(OUTCOMES), dtype="i1"), "flag_meanings": " ".join(OUTCOMES)}
    reason = [
        "" if good else f"maximum concentration 1e4 passed at presentation {17 + i % 9}"
        for i, good in enumerate(ok)
    ]
    data |= {
        "status": ("point", status, flags),
        "reason": ("point", np.array(reason)),
        "steps": ("point", rng.integers(10_000, 90_000, n)),
        "rejected": ("point", rng.integers(10, 900, n)),
        "evaluations": ("point", rng.integers(30_000, 270_000, n)),
        "contacts": ("point", np.zeros(n, dtype=np.int64)),
    }
    dataset = xr.Dataset(
        data | _learning(made, score, ok, rng), coords={k: ("point", v) for k, v in point.items()}
    )
    if made.trajectories:
        dataset = dataset.merge(_trajectories(made, _longest(point, made)))
    dataset.attrs = _attrs(made)
    return dataset


def _learning(made: Made, score: np.ndarray, ok: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    n, epochs = len(score), made.epochs
    epoch = np.arange(1, epochs + 1, dtype="i4")
    rate = 6.0 * (0.2 + score[:, None]) / epochs
    loss = 0.25 * np.exp(-rate * epoch) * np.exp(0.25 * rng.standard_normal((n, epochs))) + 0.002 * (
        1.5 - score[:, None]
    )
    ends = rng.integers(epochs // 5, epochs, n)
    loss[(epoch > ends[:, None]) & ~ok[:, None]] = np.nan
    checkpoint = np.linspace(0, epochs, 6).astype("i4")
    names = [
        f"{kind}{layer}[{i}{',' + str(j) if kind == 'W' else ''}]"
        for layer, (fan_in, fan_out) in enumerate(zip(made.layers, made.layers[1:], strict=False), start=1)
        for kind in ("W", "B") for i in range(fan_out) for j in range(fan_in if kind == "W" else 1)
    ]  # fmt: skip
    growth = 1 - np.exp(-4 * checkpoint / max(epochs, 1))
    test = (score[:, None] * growth).astype("f4")
    test[~ok, 2:] = np.nan
    samples = 4
    return {
        "train_loss": (("point", "epoch"), loss.astype("f4")),
        "epoch": ("epoch", epoch),
        "weights": (("point", "checkpoint", "weight"), rng.standard_normal((n, 6, len(names)))),
        "checkpoint": ("checkpoint", checkpoint),
        "weight": ("weight", np.array(names)),
        "test_score": (("point", "checkpoint"), test),
        "output": (("point", "sample", "target"), rng.random((n, samples, made.targets)).astype("f4")),
        "expected": (("point", "sample", "target"), np.ones((n, samples, made.targets), dtype="f4")),
        "sample": ("sample", np.arange(samples, dtype="i4")),
        "target": ("target", np.array([f"class {i}" for i in range(made.targets)])),
    }


def _longest(point: dict[str, np.ndarray], made: Made) -> np.ndarray:
    """Return the keys of two points at the longest running time: noise-free, and at the last noise level."""
    last = (point["running_time"] == max(made.running_times)) & (point["replicate"] < made.trajectories)
    return point["point_key"][last][[0, -1]]


def _trajectories(made: Made, keys: np.ndarray) -> xr.Dataset:
    """Relaxations that look like a pot: inputs jump, outputs follow, errors peak and fade, weights drift."""
    presentation = np.array([0, 1, 2, 3, 156, 157, 158, 159], dtype="i4")
    fraction = np.linspace(0, 1, 41)
    time = fraction * 100.0
    inputs = [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]
    last = len(made.layers) - 1
    species = ["X0p[0]", "X0p[1]", "Tp[0]", "Tm[0]", f"Z{last}p[0]", f"Z{last}m[0]", "Ep[0]", "Em[0]"]
    species += [f"W{last}{rail}[0,{j}]" for j in range(3) for rail in "pm"] + ["H1[0]", "H1[1]"]
    blocks = []
    for k, number in enumerate(presentation):
        a, b, t = inputs[k % 4]
        learned = 0.25 if number < 100 else 0.97
        value = 0.5 + (t - 0.5) * learned
        rise = 1 - np.exp(-time / 9.0)
        out = 0.5 + (value - 0.5) * rise
        error = np.clip(np.abs(t - value), 0.01, None) * rise * np.exp(-time / 400)
        drift = 0.002 * time * (1 - learned)
        columns = [np.full(41, a * 0.999 + 0.001), np.full(41, b * 1.0), np.full(41, t * 1.0), np.zeros(41)]
        columns += [out + 0.3 * rise, np.full(41, 0.3) * rise, 0.2 + error, np.full(41, 0.2)]
        columns += [
            0.8 + 0.2 * j + sign * (drift + 0.2 * (number > 100)) for j in range(3) for sign in (1, -1)
        ]
        columns += [rise, 0.5 * rise]
        blocks.append(np.stack(columns, axis=1))
    cube = np.stack(blocks).astype("f4")
    values = np.repeat(cube[None], len(keys), axis=0)
    coords = {
        "recorded": keys,
        "presentation": presentation,
        "fraction": fraction,
        "species": np.array(species),
    }
    return xr.Dataset(
        {"trajectory": (("recorded", "presentation", "fraction", "species"), values)}, coords=coords
    )


def signals(made: Made) -> str:
    """Return which of the recorded species are worth showing, as a result with trajectories says it."""
    last = len(made.layers) - 1
    told = [
        ("Inputs", "Set at the start of each presentation.", [["X0p[0]", None], ["X0p[1]", None]]),
        ("Output and target", "Both on two rails.", [[f"Z{last}p[0]", f"Z{last}m[0]"], ["Tp[0]", "Tm[0]"]]),
        ("Error", "Plus rail minus minus rail.", [["Ep[0]", "Em[0]"]]),
        ("Weights of the last layer", "Slow.", [[f"W{last}p[0,{j}]", f"W{last}m[0,{j}]"] for j in range(3)]),
    ]
    return json.dumps([{"title": title, "note": note, "species": pairs} for title, note, pairs in told])


def _attrs(made: Made) -> dict[str, Any]:
    of_circuit = {"k": 1.0, "ka": 20.0, "kw": 1.0, "decay": 0.0}
    of_unit = activation_parameters(made)
    recorded = {"signals": signals(made)} if made.trajectories else {}
    return recorded | {
        "schema": "1", "dataset": made.dataset, "circuit": "onepot", "activation": made.activation,
        "activation_label": made.label, "role": made.role, "sweep": "made-up", "config": "{}",
        "mode": "training", "given_weights": "{}", "dual_rail": 0, "learning_parameter": "eps", "method": "auto",
        "layers": json.dumps(made.layers), "parameters": json.dumps({"kz": 2.0} | of_circuit | of_unit),
        "circuit_parameters": json.dumps(of_circuit), "activation_parameters": json.dumps(of_unit),
        "code_version": "0.1.0", "code_hash": "c0de" * 4, "libraries": "numpy 2.0, numba 0.61",
        "learning_rate": 0.2, "epochs": made.epochs, "rtol": 1e-3, "atol": 1e-6, "max_steps": 4000,
    }  # fmt: skip


def plan(summaries: Sequence[Made], *, title: str = "A made-up sweep", name: str = "made-up") -> PlanFile:
    """Return the plan of the sweep that these summaries complete."""
    first = summaries[0]
    activations: dict[str, Any] = {}
    datasets: dict[str, Any] = {}
    for m in summaries:
        activations[m.label] = {"name": m.activation, "role": m.role or None, **activation_parameters(m)}
        entry = datasets.setdefault(m.dataset, {"activations": []})
        entry["activations"].append(m.label)
        entry |= {
            "layers": list(m.layers), "epochs": m.epochs, "running_times": list(m.running_times),
            "replicates": m.replicates, "learning_rate": 0.2, "noise": noise_config(m),
        }  # fmt: skip
    config = {
        "name": name, "title": title, "seed": first.seed,
        "circuit": "onepot", "circuit_parameters": {"ka": 20.0},
        "activations": activations, "running_times": list(first.running_times), "noise": {"cross": False},
        "replicates": first.replicates, "datasets": datasets,
        "solver": {"rtol": 1e-3, "atol": 1e-6, "max_steps": None},
        "trajectories": {"replicates": 1, "cells": "extremes"},
        "chunks": {"cells": 12, "replicates": 50, "workers": 2, "batch": 8},
    }  # fmt: skip
    groups = tuple(group_entry(m, f"results/{name}") for m in summaries)
    total = sum(group.n_points for group in groups)
    return PlanFile(
        sweep=name, title=title, config_path=f"config/sweeps/{name}.yaml", config=config,
        code_hash="c0de" * 4, groups=groups, n_points=total, estimated_core_seconds=0.4 * total,
    )  # fmt: skip


def activation_parameters(made: Made) -> dict[str, float]:
    return {"kz": 1500.0} if made.h is None else {"h": made.h}


def group_entry(made: Made, base: str) -> GroupEntry:
    """Return the plan's entry of one group, cut into two chunks."""
    n_cells = len(cells(made))
    chunks = []
    for first, last in ((0, n_cells // 2), (n_cells // 2, n_cells)):
        key = key_of(made.dataset, made.label, first)
        chunks.append(ChunkEntry(
            key=key, path=f"{base}/chunks/{made.dataset}/onepot-{made.label}/{key}.nc",
            n_points=(last - first) * made.replicates, n_cells=last - first,
            cells=(first, last), replicates=(0, made.replicates), estimated_core_seconds=1.0, estimated_mb=300,
        ))  # fmt: skip
    return GroupEntry(
        dataset=made.dataset, source={}, circuit="onepot", label=made.label, role=made.role,
        activation=made.activation, activation_parameters=activation_parameters(made), circuit_parameters={},
        layers=made.layers, mode="training", given_weights={}, tuned={}, epochs=made.epochs, learning_rate=0.2,
        running_times=made.running_times, replicates=made.replicates, n_cells=n_cells,
        n_points=n_cells * made.replicates,
        summary=f"{base}/summary/{made.dataset}-onepot-{made.label}.nc",
        network=f"{base}/networks/{made.dataset}-onepot-{made.label}.nc", chunks=tuple(chunks),
    )  # fmt: skip


def noise_config(made: Made) -> dict[str, Any]:
    options = {
        "rates": {"mode": "static"},
        "static_rates": {},
        "concentrations": {"scope": "signals", "interval": 5.0},
        "inputs": {},
        "intrinsic": {},
    }
    axes = {kind: {"magnitudes": list(m)} | options[kind] for kind, m in made.noise.items() if m}
    return {kind: axes.get(kind) for kind in KINDS} | {"cross": made.cross}


def accounts(made_plan: PlanFile) -> list[Account]:
    """Return what stands beside every chunk of a plan; the first chunk was reused in part."""
    result = []
    for group in made_plan.groups:
        for i, chunk in enumerate(group.chunks):
            reused = 12 if not result else 0
            computed = chunk.n_points - reused
            result.append(Account(
                key=chunk.key, points=chunk.n_points, computed=computed, reused=reused,
                seconds_wall=0.21 * computed, seconds_core=0.4 * computed, host=f"node{i}", workers=2,
            ))  # fmt: skip
    return result


def realistic() -> list[Made]:
    """Return a whole sweep: three data sets, three activations, failures, decided and undecided verdicts."""
    noise = {"rates": (0.02, 0.05, 0.1), "concentrations": (0.02, 0.05, 0.1)}
    made = []
    kinds = {
        "smooth": ("squareplus", 0.1, 0.1),
        "sharp": ("squareplus", 0.0001, 0.0001),
        "relu": ("relu", None, 0.0052),
    }
    for label, (activation, h, h_eff) in kinds.items():
        role = "baseline" if label == "relu" else label
        made.append(Made(
            _pot(label, "xor"), "xor", label, role, activation, h, h_eff, (2, 6, 1), (20, 30, 60, 100), noise,
            epochs=200, trajectories=1 if label == "smooth" else 0,
        ))  # fmt: skip
    for label in ("smooth", "sharp"):
        activation, h, h_eff = kinds[label]
        few = {"rates": (0.05, 0.1), "concentrations": (0.05, 0.1)}
        made.append(Made(
            _pot(label, "iris"), "iris", label, label, activation, h, h_eff, (4, 8, 3), (50, 100), few,
            replicates=5, epochs=60, targets=3,
        ))  # fmt: skip
    for label in ("smooth", "sharp"):
        activation, h, h_eff = kinds[label]
        made.append(Made(
            _pot(label, "regression"), "regression", label, label, activation, h, h_eff, (1, 8, 1), (50, 100),
            {"rates": (0.02, 0.05), "inputs": (0.05, 0.1, 0.2)}, replicates=12, epochs=120,
        ))  # fmt: skip
    return made


def large() -> list[Made]:
    """Return a sweep as large as the default one or somewhat larger: up to five designs, three kinds of noise."""
    designs = {
        "smooth": ("squareplus", 0.1, 0.1), "smoother": ("squareplus", 0.3, 0.3), "sharp": ("squareplus", 1e-4, 1e-4),
        "relu": ("relu", None, 0.0052), "leaky": ("leaky_relu", None, 0.0052),
    }  # fmt: skip
    roles = {"smooth": "smooth", "smoother": "", "sharp": "sharp"}
    sets = {"xor": ((2, 6, 1), 5, 1), "iris": ((4, 8, 3), 4, 3), "regression": ((1, 8, 1), 4, 1)}
    noise = {"rates": (0.05, 0.1, 0.2), "concentrations": (0.1, 0.5, 1.0), "inputs": (0.05, 0.1)}
    return [
        Made(
            _pot({"smoother": "smooth", "leaky": "relu"}.get(label, label), dataset), dataset, label,
            roles.get(label, "baseline"), *designs[label], layers, (20, 40, 80), noise,
            trajectories=1 if label == "smooth" else 0, targets=targets,
        )
        for dataset, (layers, count, targets) in sets.items()
        for label in list(designs)[:count]
    ]  # fmt: skip


def _pot(label: str, dataset: str) -> Score:
    """Return scores that look like a pot's: noise and short times cost, 10 % of rate noise blows pots up."""
    sharpness = {"smooth": 0.0, "relu": 0.5, "sharp": 1.0}[label]

    def score(time: float, kind: str, magnitude: float, replicate: int) -> float | tuple[float, str]:
        rng = np.random.default_rng([replicate, int(time), int(magnitude * 1000), len(kind), len(dataset)])
        draw, blow = rng.random(2)
        weight = {"none": 0.0, "rates": 6.0, "concentrations": 2.5, "inputs": 1.0}[kind]
        depth = 14.0 + 16.0 * sharpness
        level = 1 / (1 + math.exp(-(time - depth) / 7.0)) - weight * magnitude * (1.0 + 0.5 * sharpness)
        if kind == "rates" and blow < 7 * (magnitude - 0.03):
            return 0.0, "diverged"
        if kind == "concentrations" and magnitude >= 0.1 and blow > 0.985:
            return 0.0, "step_limit"
        level = min(max(level + 0.25 * (draw - 0.5), 0.0), 1.0)
        return round(2 * level) / 2 if dataset == "xor" else min(level, 0.97)

    return score


def crowded() -> list[Made]:
    """Return a sweep with many designs: smoothing as an axis, several baselines, four data sets."""
    noise = {"rates": (0.02, 0.05, 0.1, 0.2), "concentrations": (0.05, 0.1, 0.3)}
    smoothing = {"smooth": 0.1, "h03": 0.3, "h003": 0.03, "h001": 0.01, "h0001": 0.001, "sharp": 0.0001}
    relus = {
        "relu_50": 0.02,
        "relu_150": 0.0052,
        "relu_500": 0.0016,
        "leaky": 0.0052,
        "tanh": 0.1,
        "bent": 0.1,
    }
    sets = {"xor": (2, 6, 1), "iris": (4, 8, 3), "digits": (64, 20, 10), "regression": (1, 8, 1)}
    made = []
    for dataset, layers in sets.items():
        for label, h in smoothing.items():
            role = label if label in ("smooth", "sharp") else ""
            made.append(Made(
                _bent(math.log10(0.3 / h) / 3.5, dataset), dataset, label, role, "squareplus", h, h, layers,
                (20, 40, 60, 100), noise, epochs=40,
            ))  # fmt: skip
        for label, h_eff in relus.items():
            role = "" if label in ("tanh", "bent") else "baseline"
            name = "relu" if label.startswith("relu") else label
            made.append(Made(
                _bent(0.4 + 0.1 * len(label), dataset), dataset, label, role, name, None, h_eff, layers,
                (20, 40, 60, 100), noise, epochs=40,
            ))  # fmt: skip
    return made


def _bent(sharpness: float, dataset: str) -> Score:
    """Return scores that fall with noise, short times and sharpness, a little differently in each replicate."""

    def score(time: float, kind: str, magnitude: float, replicate: int) -> float | tuple[float, str]:
        draw = np.random.default_rng([replicate, int(time), int(magnitude * 1000), len(dataset)]).random()
        weight = {"none": 0.0, "rates": 3.0, "concentrations": 0.4}[kind] * len(dataset) / 6
        level = 1 / (1 + math.exp(-(time - 10.0 - 14.0 * sharpness) / 8.0))
        level += 0.04 * (draw - 0.5) - weight * magnitude * (0.3 + sharpness)
        return (0.0, "diverged") if draw > 0.97 and kind == "rates" else min(max(level, 0.0), 1.0)

    return score
