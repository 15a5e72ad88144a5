"""The figures: work-precision diagrams and scaling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from comparison import own_error

#: Colour of a peer, marker of its methods in turn.
_COLOURS = {
    "crnsim": "#111111",
    "SciPy": "#2a6fbb",
    "libroadrunner": "#c8553d",
    "SUNDIALS": "#8a5bb5",
    "diffrax": "#3a9a5b",
    "Numba": "#c79a1e",
}
_MARKERS = "osv^D<>P*X"
#: Names in a line of the legend.
_NAMES = 6


def work_precision(data: dict[str, Any], path: Path) -> None:
    """One small diagram per problem: milliseconds per member against achieved error."""
    problems = data["problems"]
    columns = min(4, len(problems))
    rows = -(-len(problems) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.1 * columns, 2.9 * rows + 1.2), squeeze=False)
    handles: dict[str, Any] = {}
    for axis, problem in zip(axes.flat, problems, strict=False):
        _diagram(axis, problem, handles, data["rtol"])
    for axis in axes.flat[len(problems) :]:
        axis.set_visible(False)
    for row in axes:
        row[0].set_ylabel("ms per member")
    figure.legend(
        handles.values(), handles.keys(), loc="lower center", ncols=_NAMES, fontsize=6.5, frameon=False
    )
    # A line of names is 0.14 inch high.
    below = (0.14 * -(-len(handles) // _NAMES) + 0.1) / figure.get_figheight()
    figure.tight_layout(rect=(0, below, 1, 1))
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _diagram(axis: Any, problem: dict[str, Any], handles: dict[str, Any], rtol: float) -> None:
    members = problem["members"]
    seen: dict[str, int] = {}
    for method in problem["methods"]:
        number = seen[method["peer"]] = seen.get(method["peer"], -1) + 1
        points = sorted((p for p in method["points"] if p["status"] == "ok"), key=lambda p: p["rtol"])
        if not points:
            continue
        name = f"{method['peer']} {method['method']}"
        (handles[name],) = axis.loglog(
            [p["error"] for p in points],
            [p["seconds"] / members * 1e3 for p in points],
            color=_COLOURS[method["peer"]],
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=3.5,
            linewidth=2.4 if name == "crnsim auto" else 1.2 if method["peer"] == "crnsim" else 0.8,
            linestyle=":" if "stacked" in method["method"] else "-",
        )
    error = own_error(problem, rtol)
    if error is not None:
        axis.axvline(error, color="0.7", linewidth=0.8, zorder=0)
    axis.set_title(f"{problem['problem']}, {members} member{'s' if members > 1 else ''}", fontsize=9)
    axis.set_xlabel("error / (1e-6 + 1e-3 |y|)", fontsize=8)
    axis.tick_params(which="both", labelsize=6.5)
    axis.grid(alpha=0.25, linewidth=0.5)


def scaling(data: dict[str, Any], path: Path) -> None:
    """Cost against size, against ensemble size and against ka."""
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.2))
    sizes = data["sizes"]
    reactions = [row["reactions"] for row in sizes]
    labels = (
        ("crnsim", "crnsim", "k"),
        ("folded", "NumPy, folded", "#2a6fbb"),
        ("dense", "NumPy, by hand", "#c8553d"),
    )
    for form, label, colour in (*labels, ("sparse", "NumPy, sparse", "#3a9a5b")):
        times = [row[f"{form}_us"] for row in sizes]
        axes[0].loglog(reactions, times, "o-", label=label, color=colour, markersize=3.5)
        axes[1].loglog(
            reactions,
            [t / r * 1e3 for t, r in zip(times, reactions, strict=True)],
            "o-",
            color=colour,
            markersize=3.5,
        )
    axes[0].set(xlabel="reactions", ylabel="us per right-hand side", title="one right-hand side")
    axes[1].set(xlabel="reactions", ylabel="ns per reaction", title="per reaction")
    colours = dict(zip(("xor", "iris", "digits"), ("k", "#2a6fbb", "#c8553d"), strict=True))
    for name in dict.fromkeys(row["problem"] for row in data["ensembles"]):
        rows = [r for r in data["ensembles"] if (r["problem"], r["method"]) == (name, "auto")]
        members, times = [r["members"] for r in rows], [r["ms_per_member"] for r in rows]
        axes[2].loglog(members, times, "o-", label=name, color=colours[name], markersize=3.5)
    axes[2].set(xlabel="members", ylabel="ms per member", title="one presentation, ensembles")
    for name in dict.fromkeys(row["problem"] for row in data["annihilation"]):
        for method, style in (("crnsim auto", "o-"), ("SciPy BDF", "s:")):
            rows = [r for r in data["annihilation"] if (r["problem"], r["method"]) == (name, method)]
            label, colour = f"{name}, {method}", colours[name]
            axes[3].loglog(
                [r["ka"] for r in rows],
                [r["ms"] for r in rows],
                style,
                label=label,
                color=colour,
                markersize=3.5,
            )
    axes[3].set(xlabel="ka", ylabel="ms", title="one presentation, annihilation")
    for axis in axes:
        axis.grid(alpha=0.25, linewidth=0.5)
        axis.tick_params(which="both", labelsize=6.5)
        axis.title.set_fontsize(9)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=7, frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)
