"""A picture of a network: species and reactions, what is used up and made, and what takes part unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crnsim.entrance.objects import check_instance
from crnsim.errors import InputError
from crnsim.network.core import Core
from crnsim.network.families import Family

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Species and reactions that are drawn one by one, at most; of more, arrays of species and families are.
MOST_DRAWN = 40
#: Characters of a rate that stands in a picture, at most.
LONGEST_RATE = 9
#: Families that are drawn, at most; of more, what they are for.
MOST_FAMILIES = 60
#: Nodes that are placed by the lengths of all ways between them, which takes long for many.
MOST_CAREFUL = 80
#: Nodes of a picture, at most.
MOST_NODES = 250
_BEND = 0.18
_SPECIES, _REACTION, _LINE, _CATALYST = "#2f6fb2", "#c9a227", "#555555", "#2f8f6b"


def drawn_graph(network: Core) -> Any:
    """Return what is drawn, as a graph: of nodes with a ``kind`` and a ``text``, and edges that may be ``catalytic``.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes are species and reactions of a small network, a reversible one once, with lines that go ``both`` ways;
        arrays of species and families of a larger one; arrays and what families are for where there are many families.
    """
    import networkx

    graph = networkx.MultiDiGraph()
    single = network.n_reactions <= MOST_DRAWN and network.n_species <= MOST_DRAWN
    if single:
        _add_reactions(graph, network)
    else:
        by_label = len(network.families) > MOST_FAMILIES
        for number, family in enumerate(network.families):
            node: tuple[str, str | int] = ("reaction", family.label if by_label else number)
            if node not in graph:
                graph.add_node(node, kind="reaction", text=family.label if by_label else f"×{family.size}")
            _connect(graph, node, _arrays(family, 0), _arrays(family, 1), once=by_label)
    for label in network.labels if single else (species.name for species in network.species):
        if ("species", label) not in graph:
            graph.add_node(("species", label), kind="species", text=label)
    return graph


def _add_reactions(graph: Any, network: Core) -> None:
    """Add every reaction with its rate; one that goes both ways stands once."""
    rates = [family for family in network.families for _ in range(family.size)]
    there: dict[Any, Any] = {}
    for number, (reaction, family) in enumerate(zip(network.reactions(), rates, strict=True)):
        left, right = dict(_swapped(reaction.reactants)), dict(_swapped(reaction.products))
        ends = frozenset(left.items()), frozenset(right.items())
        rate = "*".join(family.rate) if family.size == 1 else f"{reaction.rate:.3g}"
        text = rate if len(rate) <= LONGEST_RATE else ""
        back = there.pop(ends[::-1], None)
        if back is None:
            node = ("reaction", number)
            graph.add_node(node, kind="reaction", text=text)
            _connect(graph, node, left, right)
            there[ends] = node
            continue
        both = (graph.nodes[back]["text"], text)
        graph.nodes[back]["text"] = ", ".join(both) if all(both) else ""
        for _, _, data in (*graph.in_edges(back, data=True), *graph.out_edges(back, data=True)):
            data["both"] = not data["catalytic"]


def _swapped(side: tuple[tuple[int, str], ...]) -> list[tuple[str, int]]:
    return [(label, count) for count, label in side]


def _arrays(family: Family, side: int) -> dict[str, int]:
    """Molecules by array of species on one side of a family."""
    counts: dict[str, int] = {}
    for term in (family.reactants, family.products)[side]:
        counts[term.name] = counts.get(term.name, 0) + term.count
    return counts


def _connect(
    graph: Any, node: Any, left: dict[str, int], right: dict[str, int], *, once: bool = False
) -> None:
    """Add the lines of a reaction; a species on both sides alike is a catalyst."""
    for label in dict.fromkeys([*left, *right]):
        species = ("species", label)
        graph.add_node(species, kind="species", text=label)
        before, after = left.get(label, 0), right.get(label, 0)
        ways = [(species, node, before, before == after)] if before else []
        ways += [(node, species, after, False)] if after and before != after else []
        for start, end, count, catalytic in ways:
            known = [data["catalytic"] for data in (graph.get_edge_data(start, end) or {}).values()]
            if not (once and catalytic in known):
                graph.add_edge(start, end, count=count, catalytic=catalytic, both=False)


def check_drawable(graph: Any) -> None:
    """Raise InputError if there are more nodes than a person could tell apart, which would take minutes to place."""
    if len(graph) > MOST_NODES:
        raise InputError(
            f"a picture of {len(graph)} species and reactions is no help; at most {MOST_NODES} are drawn"
        )


def draw(network: Core, ax: Axes | None = None) -> Axes:
    """Draw a network; see `crnsim.Network.draw`."""
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    if ax is not None:
        check_instance("ax", ax, Axes, "matplotlib axes, such as those of matplotlib.pyplot.subplots()")
    graph = drawn_graph(network)
    check_drawable(graph)
    places = _places(graph)
    xs, ys = ([place[axis] for place in places.values()] or [0.0] for axis in (0, 1))
    width, height = max(xs) - min(xs) + 1.0, max(ys) - min(ys) + 1.0
    if ax is None:
        ax = plt.subplots(figsize=_inches(width, height), layout="constrained")[1]
    for start, end, data in graph.edges(data=True):
        _draw_line(ax, graph, places, start, end, data)
    for node, data in graph.nodes(data=True):
        species = data["kind"] == "species"
        ax.text(
            *places[node],
            data["text"] or " ",
            ha="center",
            va="center",
            fontsize=9 if species else 7,
            color="white" if species else "black",
            parse_math=False,
            bbox={
                "boxstyle": "round,pad=0.3" if species else "square,pad=0.2",
                "facecolor": _SPECIES if species else _REACTION,
                "edgecolor": "none",
            },
            zorder=3,
        )
    ax.set_xlim(min(xs) - 0.7, max(xs) + 0.7)
    ax.set_ylim(min(ys) - 0.7, max(ys) + 0.7)
    ax.set_axis_off()
    return ax


def picture_size(network: Core) -> tuple[float, float]:
    """Width and height in inches that suit the picture of a network."""
    graph = drawn_graph(network)
    check_drawable(graph)
    places = _places(graph).values()
    xs, ys = ([place[axis] for place in places] or [0.0] for axis in (0, 1))
    return _inches(max(xs) - min(xs) + 1.0, max(ys) - min(ys) + 1.0)


def _inches(width: float, height: float) -> tuple[float, float]:
    return min(max(0.75 * width, 4.0), 16.0), min(max(0.75 * height, 3.0), 16.0)


def _draw_line(
    ax: Axes, graph: Any, places: dict[Any, Any], start: Any, end: Any, data: dict[str, Any]
) -> None:
    """Draw an arrow, bent where there is one in the other direction too; a dashed line from a catalyst."""
    bend = _BEND if graph.has_edge(end, start) else 0.0
    ax.annotate(
        "",
        xy=places[end],
        xytext=places[start],
        arrowprops={
            "arrowstyle": "-" if data["catalytic"] else "<|-|>" if data["both"] else "-|>",
            "mutation_scale": 13,
            "linestyle": "--" if data["catalytic"] else "-",
            "color": _CATALYST if data["catalytic"] else _LINE,
            "linewidth": 1.0,
            "shrinkA": 11,
            "shrinkB": 11,
            "connectionstyle": f"arc3,rad={bend}",
        },
        zorder=1,
    )
    if data["count"] > 1:
        ax.text(
            *_on_line(
                places[start], places[end], bend, 0.4 if graph.nodes[start]["kind"] == "species" else 0.6
            ),
            str(data["count"]),
            fontsize=8,
            color=_LINE,
            ha="center",
            va="center",
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"},
            zorder=2,
        )


def _on_line(
    start: tuple[float, float], end: tuple[float, float], bend: float, share: float
) -> tuple[float, float]:
    """Return the point after a share of a line, which is a quadratic curve where it is bent, as matplotlib draws it."""
    (x0, y0), (x1, y1) = start, end
    middle = 0.5 * (x0 + x1) + bend * (y1 - y0), 0.5 * (y0 + y1) - bend * (x1 - x0)
    a, b, c = (1 - share) ** 2, 2 * share * (1 - share), share**2
    return a * x0 + b * middle[0] + c * x1, a * y0 + b * middle[1] + c * y1


def _places(graph: Any) -> dict[Any, tuple[float, float]]:
    """Where nodes stand, about 1 apart: each connected part for itself, one beside the other."""
    import networkx

    found: dict[Any, tuple[float, float]] = {}
    left = 0.0
    parts = sorted(networkx.connected_components(graph.to_undirected(as_view=True)), key=len, reverse=True)
    for part in parts:
        # In the order in which they were added: sets have none, and the same network shall look the same.
        inside = networkx.Graph()
        inside.add_nodes_from(node for node in graph if node in part)
        inside.add_edges_from((a, b) for a, b in graph.edges() if a in part)
        size = max(len(part), 1) ** 0.5
        spots = _spots(inside, 0.95 * size)
        lowest = min(float(x) for x, _ in spots.values())
        for node, (x, y) in spots.items():
            found[node] = (left + float(x) - lowest, float(y))
        left = max(found[node][0] for node in part) + 1.2
    return found


def _spots(part: Any, scale: float) -> Any:
    """Where the nodes of a connected part stand: carefully for few, quickly for many; the same every time."""
    import networkx

    if len(part) == 1:
        return dict.fromkeys(part, (0.0, 0.0))
    if len(part) <= MOST_CAREFUL:
        return networkx.kamada_kawai_layout(part, scale=scale)
    begun = networkx.circular_layout(part)
    return networkx.spring_layout(part, pos=begun, seed=0, iterations=150, scale=scale)
