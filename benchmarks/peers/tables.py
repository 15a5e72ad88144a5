"""Markdown tables of what was measured."""

from __future__ import annotations

from typing import Any

from comparison import AIMS, RIGHT_HAND_SIDE_AIMS, at_error, best, nominal, own_error
from reference import AGREEMENT


def print_tables(data: dict[str, Any]) -> None:
    """Print everything that `run.py` measured."""
    print_machine(data)
    if data.get("right_hand_sides"):
        print_right_hand_sides(data["right_hand_sides"])
    print_summary(data)
    for problem in data["problems"]:
        print_problem(problem, data["rtol"])


def print_machine(data: dict[str, Any]) -> None:
    """Print the machine and the versions in a sentence."""
    m = data["machine"]
    versions = ", ".join(f"{name} {m[name]}" for name in list(m)[list(m).index("python") :])
    wall = f" The whole took {data['wall_seconds'] / 60:.0f} min." if "wall_seconds" in data else ""
    print(
        f"One core of {m['processor']} ({m['cores']} cores; {m['vector units']}), {m['system']}; {versions}.{wall}"
        + (" A quick run: few rounds." if data.get("quick") else "")
    )


def print_right_hand_sides(rows: list[dict[str, Any]]) -> None:
    """Print one evaluation: microseconds per member and ratios."""
    print("\n### One right-hand side\n")
    print(
        "Microseconds per member; every reaction has a rate constant of its own. Ratios to NumPy with a sparse "
        "stoichiometry matrix: median (and quartiles of the rounds).\n"
    )
    _head(
        "pot", "reactions", "crnsim, 1", "crnsim, ensemble", "NumPy sparse", "folded", "by hand",
        "ratio, 1", "ratio, ensemble",
    )  # fmt: skip
    for row in rows:
        many = row["ensemble"]

        def crnsim(members: int, row: dict[str, Any] = row) -> str:
            entry = row[f"sparse_{members}"]
            return f"{entry['baseline_seconds'] / entry['evaluations'] * 1e6:.3g}"

        def numpy(form: str, row: dict[str, Any] = row) -> str:
            entry = row[f"{form}_1"]
            return f"{entry['seconds'] / entry['evaluations'] * 1e6:.3g}"

        def ratio(members: int, row: dict[str, Any] = row) -> str:
            aim = RIGHT_HAND_SIDE_AIMS.get((row["problem"], members))
            return _spread(row[f"sparse_{members}"]) + (f", aim {aim}" if aim else "")

        _row(
            row["problem"], row["reactions"], crnsim(1), f"{crnsim(many)} ({many} members)",
            *(numpy(form) for form in ("sparse", "folded", "dense")),
            ratio(1), ratio(many),
        )  # fmt: skip


def print_summary(data: dict[str, Any]) -> None:
    """Print the best method of each peer."""
    rtol = data["rtol"]
    print("\n### The best method of each peer\n")
    print(
        f"How many times longer than crnsim `auto` at rtol {rtol:g}: at the same nominal tolerance (or the loosest at "
        f"which it agrees with the reference to {AGREEMENT:g} tolerances), and at the error that crnsim achieves.\n"
    )
    _head(
        "pot",
        "members",
        "crnsim, ms per member",
        "its error",
        "peer",
        "at equal tolerance",
        "at equal error",
        "aim",
    )
    for problem in data["problems"]:
        own = next((m for m in problem["methods"] if (m["peer"], m["method"]) == ("crnsim", "auto")), None)
        point = own["points"][0] if own and own["points"] else None
        if point is None or point["status"] != "ok":
            continue
        for peer in dict.fromkeys(m["peer"] for m in problem["methods"] if m["peer"] != "crnsim"):
            at_tolerance, at_equal = best(problem, peer, rtol, AGREEMENT)
            first = "none agrees"
            if at_tolerance:
                _, method, found = at_tolerance
                tolerance = "" if found["rtol"] == rtol else f" at {found['rtol']:g}"
                first = f"{_spread(found)}, {method}{tolerance}"
            second = f"{at_equal[0]:.3g}, {at_equal[1]}" if at_equal else "not reached"
            aim = AIMS.get((problem["problem"], problem["members"]), {}).get(peer, "")
            own_ms = point["seconds"] / problem["members"] * 1e3
            _row(
                problem["problem"], problem["members"], f"{own_ms:.3g}", f"{point['error']:.2g}", peer,
                first, second, aim,
            )  # fmt: skip


def print_problem(problem: dict[str, Any], rtol: float) -> None:
    """Print all methods on one problem."""
    layers = "-".join(map(str, problem["layers"]))
    report = problem["reference"]
    print(f"\n### {problem['problem']} {layers}, {problem['members']} member(s)\n")
    print(
        f"{problem['species']} species, {problem['reactions']} reactions. Reference: {report['method']}; "
        f"{report['second']} differs by {report['difference']:.1g} tolerances.\n"
    )
    _head(
        "method",
        "rtol",
        "ms per member",
        "error",
        "ratio",
        "ratio at equal error",
        "prepared in (s)",
        "remark",
    )
    aim = own_error(problem, rtol)
    for method in problem["methods"]:
        name = f"{method['peer']} {method['method']}"
        if "not_possible" in method:
            _row(name, "", "", "", "", "", "", f"not run: {method['not_possible']}")
            continue
        point = nominal(method, rtol)
        remarks = [
            f"{p['status']} at {p['rtol']:g}: {p.get('reason', '')}"
            for p in method["points"]
            if p["status"] != "ok"
        ]
        prepared = f"{method['prepare_seconds']:.2g}"
        if point is None or point["status"] != "ok":
            _row(name, f"{rtol:g}", "", "", "", "", prepared, "; ".join(remarks[:2]))
            continue
        if point["error"] > AGREEMENT:
            remarks.insert(0, f"error above {AGREEMENT:g} tolerances")
        if method.get("form"):
            remarks.insert(0, method["form"])
        if point["members_run"] < point["members"]:
            remarks.append(f"timed on {point['members_run']} members")
        ratio = at_error(method, aim) if aim is not None else None
        _row(
            name, f"{point['rtol']:g}", f"{point['seconds'] / point['members'] * 1e3:.3g}", f"{point['error']:.2g}",
            _spread(point), "not reached" if ratio is None else f"{ratio:.3g}", prepared, "; ".join(remarks[:3]),
        )  # fmt: skip


def _spread(ratio: dict[str, Any]) -> str:
    """Median (and quartiles)."""
    return f"{ratio['ratio']:.3g} ({ratio['low']:.3g} to {ratio['high']:.3g})"


def _head(*names: str) -> None:
    _row(*names)
    _row(*["---"] * len(names))


def _row(*cells: object) -> None:
    print("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |")
