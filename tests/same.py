"""Whether two networks are the same, and random networks of the whole grammar."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from crnsim import Network

#: Names that other tools would take for something else, that differ in case only, or look like parts of others.
NAMES = [
    "A",
    "a",
    "B",
    "X",
    "x",
    "time",
    "gamma",
    "e",
    "pi",
    "X_0",
    "W1p",
    "init",
    "dim",
    "label",
    "k",
    "_",
    "Na_2",
]
NUMBERS = [0.0, 1.0, 1 / 3, 2.5, 1e-5, 1.8751574012156422e-05, 123456789.123456789, 7e22, 1e-100, 3]


def declared(network):
    """Arrays of species in the order in which they were declared."""
    return sorted(network.species, key=lambda one: one.place)


def assert_same(network, other, *, families=False):
    """The same species, reactions, rate constants and start; and, if asked for, the same families and parameters."""
    labels = [[label for one in declared(net) for label in one.labels()] for net in (network, other)]
    assert labels[0] == labels[1]
    assert [(r.reactants, r.products, r.label) for r in network.reactions()] == [
        (r.reactants, r.products, r.label) for r in other.reactions()
    ]
    np.testing.assert_array_equal(network.rate_constants(), other.rate_constants())
    starts = [dict(zip(net.labels, net.state(net.initial).tolist(), strict=True)) for net in (network, other)]
    assert starts[0] == starts[1]
    if families:
        assert network.labels == other.labels
        assert declared(network) == declared(other)
        assert dict(network.dims) == dict(other.dims)
        assert network.families == other.families
        assert dict(network.parameters) == dict(other.parameters)
        assert {n: a.tolist() for n, a in network.arrays.items()} == {
            n: a.tolist() for n, a in other.arrays.items()
        }


@st.composite
def networks(draw):
    """A network with arrays, fixed indices, diagonals, arrays of parameters, labels and a start."""
    dims = {f"d{n}": draw(st.integers(1, 3)) for n in range(draw(st.integers(0, 2)))}
    network = Network(dims=dims)
    numbers = st.sampled_from(NUMBERS)
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    shapes = {
        name: draw(st.lists(st.sampled_from(sorted(dims)), max_size=2)) if dims else [] for name in names
    }
    for name, shape in shapes.items():
        network.add_species(name, *shape, slow=draw(st.booleans()))
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True)):
        network.set_parameter(name, draw(numbers))
    if dims:
        dim = draw(st.sampled_from(sorted(dims)))
        network.set_parameter("w", draw(st.lists(numbers, min_size=dims[dim], max_size=dims[dim])))
    for _ in range(draw(st.integers(0, 5))):
        letters: dict[str, str] = {}

        def term(letters=letters):
            name = draw(st.sampled_from(names))
            places = []
            for number, of in enumerate(shapes[name]):
                letter = draw(st.sampled_from(["i", "j", str(draw(st.integers(0, dims[of] - 1)))]))
                if not letter.isdigit() and letters.setdefault(letter, of) != of:
                    letter = f"{of}{number}"
                    letters[letter] = of
                places.append(letter)
            count = draw(st.sampled_from(["", "", "2", "3 "]))
            subscript = f"[{','.join(places)}]" if places else ""
            return f"{count}{name}{subscript}"

        sides = [" + ".join(term() for _ in range(draw(st.integers(0, 2)))) or "0" for _ in range(2)]
        if sides == ["0", "0"]:
            continue
        factors = [draw(st.sampled_from([*network.parameters, "0.1", "1e-3", "2", "0.3333333333333333"]))]
        if network.arrays and draw(st.booleans()):
            of = next(name for name, length in dims.items() if network.arrays["w"].shape == (length,))
            same = [letter for letter, dim in letters.items() if dims[dim] == dims[of]]
            factors.append(f"w[{draw(st.sampled_from([*same, '0']))}]")
        label = draw(st.sampled_from(["", "decay", 'say "no" // ; # [', "∅ → β"]))
        network.add_family(label, " -> ".join(sides), "*".join(factors))
    for name in draw(st.lists(st.sampled_from(names), unique=True)):
        network.set_initial({name: draw(numbers)})
    return network
