"""What is no network is refused in one line that names the argument, and nothing that a user names becomes source."""

import copy
import json
import math
import os
import pickle
import re
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd import REFUSED, check_line, fuzzed, judged, odd_numbers, odd_values, odd_words

from crnsim import simulate
from crnsim.circuits import circuit_kind
from crnsim.entrance.arguments import shown
from crnsim.entrance.limits import LARGEST_COEFFICIENT, LONGEST_NAME
from crnsim.errors import InputError
from crnsim.interchange import FORMATS, Format, file_format, read_network, write_network
from crnsim.kinetics.codegen import generate
from crnsim.kinetics.kernels import compile_network
from crnsim.kinetics.structure import analyse
from crnsim.network import Network

WORDS_FOR_NO_NAME = [
    *("", " ", "a b", "n; x=1", "2A", "A-B", "A\nB", "A\0", "\ud800", "é", "²", "名", "A[0]", "lambda"),
    *("None", "__import__('os')", "x" * (LONGEST_NAME + 1), None, 3, 1.5, b"A", ["A"], {}, object()),
]


def network() -> Network:
    net = Network(dims={"n": 2, "m": 3}, parameters={"k": 1.0, "W": np.ones((2, 3))})
    net.add_species("A", "n")
    net.add_species("B")
    net.add_species("S", "n", "n")
    return net


def refuses(call, *said):
    """The call is refused with one line in which all of these words stand."""
    with pytest.raises(InputError) as error:
        call()
    check_line(str(error.value))
    for words in said:
        assert words in str(error.value)


# -- names become source --------------------------------------------------------------------------------


def named(names: list[str], wide: bool) -> str:
    """Source of a network of six names, in which an annihilating pair drives a chain and a slow sum."""
    n, m, a, b, c, d = names
    net = Network(dims={n: 2, m: 3}, parameters={"k": 1.0})
    for species, *dims in ((a, n), (b, n), (c, n, m), (d,)):
        net.add_species(species, *dims, slow=species == d)
    i, j = ("__", "_") if n.startswith("_") else ("i", "j")
    net.add_family("annihilation", f"{a}[{i}] + {b}[{i}] -> 0", "k")
    net.add_family("outer", f"{a}[{i}] + {d} -> {a}[{i}] + {d} + 2{c}[{i},{j}]", "k")
    net.add_family("sum", f"{c}[{i},{j}] -> {c}[{i},{j}] + {d}", "k")
    net.add_family("exchange", f"{b}[{i}] -> {a}[{i}]", "k")
    return generate(net, wide=wide)


@pytest.mark.parametrize("wide", [False, True])
def test_names_do_not_stand_in_the_source(wide):
    plain = named(["n", "m", "A", "B", "C", "D"], wide)
    nasty = ["__builtins__", "_", "exec", "eval", "x" * LONGEST_NAME, "size"]
    assert named(nasty, wide) == plain
    # Variables of the generated code itself, its dimensions and its arrays.
    assert named(["n1", "n0", "at1", "at0", "zero", "flux"], wide) == plain
    words = set(re.findall(r"\w+", named(nasty, wide)[1]))
    assert not words & {"__builtins__", "exec", "eval", "x" * LONGEST_NAME}


@pytest.mark.parametrize("word", WORDS_FOR_NO_NAME, ids=shown)
def test_a_word_that_is_no_name_is_refused_everywhere(word):
    net = network()
    if not isinstance(word, (list, dict)):
        refuses(lambda: Network(dims={word: 2}), "is not a name for a dimension")
        refuses(lambda: Network(parameters={word: 2}), "is not a name for a rate parameter")
    refuses(lambda: net.set_parameter(word, 1.0), "is not a name for a rate parameter")
    refuses(lambda: net.add_species(word), "is not a name for a species")
    refuses(lambda: net.add_species("C", word), "species 'C': unknown dimension")
    refuses(lambda: net.rows(word), "no species ")
    if word not in ("", " "):
        refuses(lambda: net.add_family("", f"A[{word}] -> 0", "k"))
    assert len(net.species) == 3
    assert not net.families


@pytest.mark.parametrize("name", ["nan", "NaN", "inf", "Infinity", "INF", "none", "TRUE", "false"], ids=shown)
def test_a_parameter_has_no_name_of_a_value(name):
    refuses(lambda: Network(parameters={name: 1.0}), f"'{name}' is not a name for a rate parameter")
    net = network()
    net.add_species(name)
    refuses(lambda: net.add_family("", f"{name} -> 0", name), "rate")


# -- wrong types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [["n"], "n", 3, {"n"}, b"n", [("n", 2)]], ids=shown)
def test_dims_parameters_initial_and_overrides_are_mappings(given):
    net = network()
    refuses(lambda: Network(dims=given), "dims is ", "must be a mapping")
    refuses(lambda: Network(parameters=given), "parameters is ", "must be a mapping")
    refuses(lambda: net.state(given), "initial is ", "must be a mapping")
    refuses(lambda: net.rate_constants(given), "overrides is ", "must be a mapping")
    refuses(lambda: list(net.reactions(given)), "must be a mapping")


@pytest.mark.parametrize(
    "length", [0, -1, 1.5, "2", True, None, [2], math.nan, math.inf, 10**400, 10**10], ids=shown
)
def test_the_length_of_a_dimension_is_a_whole_number(length):
    refuses(lambda: Network(dims={"n": length}), "length of dimension 'n' is ", "a whole number >= 1")
    assert Network(dims={"n": 2.0, "m": np.int32(3)}).dims == {"n": 2, "m": 3}


@pytest.mark.parametrize("slow", ["x", None, 1, 0.0, []], ids=shown)
def test_slow_is_true_or_false(slow):
    refuses(lambda: network().add_species("C", slow=slow), "slow of species 'C' is ")


@pytest.mark.parametrize(
    "label", [None, 3, b"x", "a\nb", "a\0", "\ud800", "\u202e", "x" * 300, ["x"]], ids=shown
)
def test_a_label_is_one_line_of_text(label):
    refuses(lambda: network().add_family(label, "B -> 0", "k"), "label ")


@pytest.mark.parametrize(
    "equation",
    [
        *(None, b"B -> 0", 3, ["B -> 0"], "B" * 10**6, "", "B", "B -> 0\0", "B -> \ud800", "B => 0"),
        *(
            "B -> B -> B",
            "0 -> 0",
            "->",
            "B -> A",
            "B -> A[9]",
            "B -> A[i",
            "B -> A[i,,j]",
            "S[i,] -> 0",
            "B -> 0 + B",
        ),
        *("0B -> 0", "00B -> 0", "B -> 0B", "²B -> 0", "-1B -> 0", "1.5B -> 0", "A[in] -> 0"),
    ],
    ids=shown,
)
def test_an_equation_that_is_none_is_refused(equation):
    refuses(lambda: network().add_family("", equation, "k"))


@pytest.mark.parametrize(
    "rate",
    [
        *(None, True, [], [1.0], {}, b"k", 1j, math.nan, math.inf, -1, -1e-300, 1e101, 10**400, 10**5000),
        *(
            "1e400",
            "-1",
            "0x10",
            "1_0",
            "²",
            "nan",
            "NaN",
            "inf",
            "-inf",
            "infinity",
            "",
            "k*",
            "k**2",
            "1 2",
        ),
        *("1e101", "k/2", "k+1", "W", "W[i]", "W[i,j]", "Z[i]", "k\0", "\ud800", "1" * 10**6, "None", "True"),
        *(np.array(1.0), np.array([1.0]), np.array("k"), object()),
    ],
    ids=shown,
)
def test_a_rate_that_is_none_is_refused(rate):
    refuses(lambda: network().add_family("", "B -> 0", rate), "rate")


@pytest.mark.parametrize(
    "rate",
    [2, 0.5, "2", "+.5e0", "1.e-3*k", np.float32(0.1), np.int64(3), Fraction(1, 4)],
    ids=shown,
)
def test_a_rate_is_any_number_or_product(rate):
    net = network()
    net.add_family("", "B -> 0", rate)
    assert net.rate_constants()[0] == pytest.approx(0.001 if rate == "1.e-3*k" else float(rate))


@pytest.mark.parametrize(
    "value",
    [
        *({}, "x", "1", b"1", None, {"A"}, True, 1j, math.nan, math.inf, -1, 1e101, 10**400, object()),
        *(["x", "y"], [[1, 2], [3]], [1, None], np.array(["1", "2"]), np.array([1j, 2]), [True, False]),
        *(np.array([1, None], dtype=object), np.array(["2020", "2021"], dtype="M8[Y]"), [1.0, math.nan]),
        *([1.0, -1.0], [1e101, 0], [10**400, 1]),
    ],
    ids=shown,
)
def test_numbers_are_numbers(value):
    net = network()
    refuses(lambda: net.state({"A": value}), "initial 'A' ")
    refuses(lambda: net.rate_constants({"k": value}), "rate parameter 'k' ")
    refuses(lambda: net.rate_constants({"W": value}), "rate parameter 'W' ")
    refuses(lambda: net.set_parameter("k", value), "rate parameter 'k' ")
    refuses(lambda: net.set_parameter("new", value), "rate parameter 'new' ")
    assert net.parameters == {"k": 1.0}
    assert list(net.arrays) == ["W"]


def test_what_is_read_of_a_network_cannot_be_set_past_its_checks():
    net = network()
    for change in (
        lambda: net.parameters.__setitem__("k", -5.0),
        lambda: net.parameters.update(k=-5.0),
        lambda: net.parameters.__ior__({"k": -5.0}),
        net.parameters.clear,
        lambda: net.arrays.pop("W"),
        lambda: net.dims.__setitem__("n", 0),
    ):
        refuses(change, "to be read only", "set_parameter")
    for name in ("parameters", "arrays", "dims"):
        with pytest.raises(AttributeError):
            setattr(net, name, {})
    for one in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):  # noqa: S301
        with pytest.raises(ValueError, match="read-only"):
            one.arrays["W"][0, 0] = -5.0
        one.set_parameter("k", 2.0)
        one.set_parameter("W", np.full((2, 3), 3.0))
        assert (one.parameters["k"], one.arrays["W"][0, 0], one.dims["n"]) == (2.0, 3.0, 2)
    assert json.loads(json.dumps(net.parameters)) == {"k": 2.0}
    assert pickle.loads(pickle.dumps(net.parameters)) == net.parameters == {"k": 2.0}  # noqa: S301


HUGE = [
    np.broadcast_to(1.0, (10**6, 10**6)), np.broadcast_to(np.float32(1), (10**6, 10**6)),
    [np.broadcast_to(1, (10**6, 10**6))], [[[0.0] * 10**4] * 10**4] * 10**4, range(10**12),
]  # fmt: skip


@pytest.mark.parametrize("huge", HUGE, ids=["floats", "single", "within", "lists", "range"])
def test_arrays_that_would_never_end_are_refused_before_they_are_read(huge):
    net, state, constants = network(), np.zeros(7), np.zeros(0)
    for call in (
        lambda: net.set_parameter("W", huge),
        lambda: Network(parameters={"W": huge}),
        lambda: net.state({"A": huge}),
        lambda: net.rate_constants({"W": huge}),
        lambda: net.fluxes(huge, constants),
        lambda: net.jacobian(state, huge),
        lambda: simulate(net, huge, initial={}),
        lambda: simulate(net, [0, 1], initial=huge),
        lambda: simulate(net, [0, 1], initial={}, rates=huge),
    ):
        began = time.monotonic()
        refuses(call, "GB")
        assert time.monotonic() - began < 2


def test_a_state_names_arrays_or_single_species():
    net = network()
    np.testing.assert_array_equal(
        net.state({"A": [1, Fraction(1, 2)], "S[1,0]": 10**20})[:5], [1, 0.5, 0, 0, 0]
    )
    assert net.state({"S[1,0]": 10**20})[net.rows("S")[1, 0]] == 1e20
    for name in ("S[2,0]", "S[1]", "A[-1]", 1, None, ("A", 0), "", "x" * 10**5):
        refuses(lambda name=name: net.state({name: 1}), "no species ")
    refuses(lambda: net.state({"A": [1, 2, 3]}), "initial 'A' has shape (3,); it must fit (2,)")
    refuses(lambda: net.state({"A": [[1, 2]]}), "initial 'A' has shape (1, 2)")
    refuses(lambda: net.set_parameter("empty", []), "'empty' is an array without a value")


def test_vectors_of_another_shape_are_refused():
    net = network()
    net.add_family("", "A[i] -> B", "k")
    kernel = compile_network(net)
    state, constants = net.state({"A": 1.0}), net.rate_constants()
    np.testing.assert_array_equal(
        kernel(list(state), constants), net.stoichiometry() @ net.fluxes(state, constants)
    )
    for wrong in (state[:-1], state[None], 1.0, None, "x", ["x"] * 7, state * 1j, [[1], [1, 2]], []):
        for call in (net.fluxes, net.jacobian, kernel):
            refuses(lambda call=call, wrong=wrong: call(wrong, constants), "state ")
            refuses(lambda call=call, wrong=wrong: call(state, wrong), "constants ")
        refuses(lambda wrong=wrong: kernel.solve_linear(state, constants, 0.1, wrong), "right ")
    refuses(lambda: kernel.bind(constants, 3), "n_species is 3; the network has 7")
    refuses(lambda: compile_network(None), "network is None")
    refuses(lambda: compile_network(net, wide="x"), "wide is 'x'")


# -- too much -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [21, 100_000, 10**9, 10**30, "9" * 3000], ids=shown)
def test_large_coefficients_are_refused(count):
    refuses(lambda: network().add_family("", f"{count}B -> 0", "k"), "reaction '", "at most 20")
    refuses(lambda: network().add_family("", f"0 -> {count}B", "k"), "reaction '", "at most 20")


def test_the_order_of_a_reaction_is_bounded():
    net = network()
    refuses(lambda: net.add_family("", " + ".join(["B"] * 21) + " -> 0", "k"), "at most 20")
    refuses(lambda: net.add_family("", "11B + 10A[i] -> 0", "k"), "all reactants together", "at most 20")
    net.add_family("", f"{LARGEST_COEFFICIENT}B -> 0", "k")
    kernel = compile_network(net)
    assert kernel(net.state({"B": 2.0}), net.rate_constants())[net.rows("B")] == -20 * 2.0**20


def test_sizes_are_estimated_before_arrays_are_made():
    net = Network(dims={"n": 10**9, "m": 10**4})
    refuses(lambda: net.add_species("A", "n"), "species 'A': 1e+09 species would take", "CRNSIM_MAX_GB")
    refuses(lambda: net.add_species("A", *["n"] * 8), "would take")
    refuses(lambda: net.add_species("A", *["m"] * 9), "species 'A' has 9 indices; at most 8")
    net.add_species("B", "m")
    refuses(
        lambda: net.add_family("", "B[i] + B[j] + B[k] -> 0", 1), "reaction 'B[i] + ", "reactions would take"
    )
    refuses(lambda: net.add_family("", " + ".join(f"B[{c}]" for c in "abcdefghi") + " -> 0", 1), "9 indices")
    assert net.n_species == 10**4
    assert net.n_reactions == 0


def test_rate_constants_that_multiply_beyond_range_are_refused():
    net = Network(parameters={"k": 1e60})
    net.add_species("A")
    net.add_family("", "A -> 0", "k*k")
    refuses(net.rate_constants, "reaction 'A -> 0': its rate constant 'k*k' overflows")


# -- files ----------------------------------------------------------------------------------------------


def test_odd_files_of_networks_are_refused(tmp_path):
    circuit = circuit_kind("feedforward").build((2, 1))
    for path in ("", None, 3, b"x.crn", "a\0.crn", "x" * 300 + ".crn", "\ud800.crn"):
        refuses(lambda path=path: file_format(path), "path")
        refuses(lambda path=path: write_network(circuit, path, "t", "text"), "path")
    refuses(lambda: write_network(circuit, tmp_path, "t", "text"), "this is a folder")
    refuses(lambda: write_network(circuit, ".", "t", "text"), "this is a folder")
    for title in (None, 3, "a\nA -> B", "a\0", "\ud800", "x" * 5000):
        refuses(lambda title=title: write_network(circuit, tmp_path / "x.crn", title), "title is ")
    for other in (None, 3, {}, "onepot"):
        refuses(lambda other=other: write_network(other, tmp_path / "x.crn", "t"), "network is ")
    for name in (None, 3, b"text", ["text"]):
        refuses(lambda name=name: file_format("x.crn", name), "name of a format is ")
    refuses(lambda: read_network(tmp_path / "x.nc"), "is only written, and not read")
    own = Format("own", ".own", "a format", print, lambda path: network())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FORMATS, "own", own)
        os.mkfifo(tmp_path / "pipe.own")
        refuses(lambda: read_network(tmp_path / "pipe.own", "own"), "this is a pipe")
        (tmp_path / "pipe.own").unlink()
    assert not list(tmp_path.iterdir())


# -- whatever -------------------------------------------------------------------------------------------


def mostly(plain, odd):
    """One of what makes sense, or, one time in six, something odd."""
    plain = st.sampled_from(plain) if isinstance(plain, list) else plain
    # `one_of` would take a branch of odd ones for each kind of them.
    return st.sampled_from([plain] * 5 + [odd]).flatmap(lambda chosen: chosen)


NAMES = st.one_of(st.sampled_from(["A", "B", "n", "k", "i", "_", "exec", "at0", "nan"]), odd_words())
TERMS = mostly(
    ["B", "2B", "A[i]", "A[j]", "3 A[ i ]", "S[i,j]", "S[j,i]", "S[i,i]", "C", "_[k]", "B[]", "A [exec]"],
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "", "0", "20", "21", "99999", "²", "-1"]),
        st.one_of(st.sampled_from(["A", "B", "S"]), NAMES),
        st.sampled_from(["", "", "[i]", "[i,j]", "[i,i]", "[]", "[ j ]", "[i", "[0]", "[i,]", "[lambda]"]),
    ),
)
SIDES = mostly(st.lists(TERMS, min_size=1, max_size=3).map(" + ".join), st.just("0"))
EQUATIONS = mostly(st.builds("{} -> {}".format, SIDES, SIDES), odd_values())
RATES = mostly(
    ["k", "2*k", "k*W[i,j]", "1e-3", 0.5, 3],
    st.one_of(
        st.lists(st.one_of(NAMES, odd_numbers().map(lambda v: ascii(v)[:400])), max_size=2).map("*".join),
        odd_values(),
    ),
)
LENGTHS = mostly(st.integers(1, 3), odd_numbers())


@st.composite
def built_from(draw):
    """How a network may be asked for: dims, parameters, species, families, and values of both."""
    words = mostly(["C", "D", "_"], NAMES)
    dims = draw(mostly(st.dictionaries(NAMES, LENGTHS, max_size=2), odd_values()))
    parameters = draw(st.dictionaries(mostly(["h", "V"], NAMES), odd_values(), max_size=2))
    of_dims = mostly(["n", "m"], odd_values())
    species = draw(st.lists(st.tuples(words, st.lists(of_dims, max_size=2)), max_size=3))
    families = draw(st.lists(st.tuples(mostly(["f"], odd_values()), EQUATIONS, RATES), max_size=3))
    values = mostly([1.0, 2, [1, 0.5]], odd_values())
    named = st.dictionaries(mostly(["A", "B", "S[0,1]", "k"], words), values, max_size=2)
    initial = draw(mostly(named, odd_values()))
    return dims, parameters, species, families, initial


def interpreted(net: Network, state, constants) -> np.ndarray:
    """Rates of change by the generated source, run by Python itself on one run instead of eight."""
    source = generate(net)[1]
    names = {
        "splat": float,
        "load": lambda table, row: table[row],
        "store": lambda table, row, value: table.__setitem__(row, value),
    }
    exec(source[source.index("def right_hand_side") :], names)
    rates = np.zeros(net.n_species)
    offset = [net.rows(one.name).flat[0] for one in net.species]
    sizes = ([net.n_dynamic, *net.dims.values()], offset, net.first_reactions)
    names["right_hand_side"](state, constants, rates, *sizes)
    return rates


@pytest.mark.fuzz
@fuzzed(100)
@given(built_from())
def test_networks_fuzzed(case):
    dims, parameters, species, families, initial = case
    net = judged("network dims", dims, lambda: Network(dims))
    net = network() if net is REFUSED or families else net
    # A network of 10^7 species takes more than the patience of a test, and not the memory of a machine.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRNSIM_MAX_GB", "0.02")
        for name, value in parameters.items():
            judged("network parameter", (name, value), lambda n=name, v=value: net.set_parameter(n, v))
        net.add_species("P")
        for name, of in species:
            judged("network species", (name, of), lambda n=name, o=of: net.add_species(n, *o))
        for family in families:
            judged("network family", (family, species), lambda f=family: net.add_family(*f))
    state = judged("network state", initial, lambda: net.state(initial))
    judged("network overrides", initial, lambda: net.rate_constants(initial))
    constants = judged("network constants", parameters, net.rate_constants)
    assert str(net)
    assert net.summary().isprintable() or "\n" in net.summary()
    by_families = not analyse(net).rings
    if by_families:
        for source in (generate(net), generate(net, wide=True)):
            compile(source[1], "generated", "exec")
    if constants is not REFUSED:
        state = net.state({"P": 1.0}) if state is REFUSED else state
        with np.errstate(over="ignore", invalid="ignore"):
            fluxes = net.fluxes(state, constants)
            assert net.jacobian(state, constants).shape == (net.n_species,) * 2
            if net.n_species + net.n_reactions < 1000 and np.all(fluxes < 1e100):
                expected, scale = net.stoichiometry() @ fluxes, 1e-12 * fluxes.sum()
                found = (
                    interpreted(net, state, constants)
                    if by_families
                    else compile_network(net)(state, constants)
                )
                np.testing.assert_allclose(found, expected, rtol=1e-12, atol=scale)
        assert all(str(one).isprintable() for one, _ in zip(net.reactions(), range(100), strict=False))


@pytest.mark.fuzz
@fuzzed(100)
@given(odd_values(), odd_values())
def test_values_of_networks_fuzzed(value, other):
    net = network()
    judged("network values", value, lambda: net.state({"A": value, "B": other}))
    judged("network values", value, lambda: net.rate_constants({"k": other, "W": value}))
    judged("network values", (value, other), lambda: net.fluxes(value, other))
    judged("network values", (value, other), lambda: net.jacobian(value, other))
    judged("network values", value, lambda: net.rows(value))
    judged("network values", value, lambda: net.add_species("C", slow=value))
