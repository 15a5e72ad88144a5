"""The linear noise approximation against closed forms, exact laws of first order, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

import crnsim
from crnsim import CrnsimError, read_crn

#: Along a trajectory steps keep the covariance within some thousandth of its size.
CLOSE = 2e-3


def unit(p, m):
    return read_crn(
        f"0 ->{{0.1}} X; P + X ->{{1}} P + 2X; M + X ->{{1}} M; 2X ->{{1}} X; init P {p}; init M {m}; init X 1"
    )


@pytest.mark.parametrize(
    ("p", "m", "variance"),
    [(1, 0, 1.007093e-2), (2, 1, 1.929670e-2), (4, 3, 3.774824e-2), (0, 1, 8.451543e-4)],
)
def test_a_squareplus_unit(p, m, variance):
    # (h + p x) / (s Omega) with s = 2 x + m - p at the fixed point; seven digits are given.
    rest = crnsim.linear_noise(unit(p, m), None, volume=100)
    assert float(rest["variance"].sel(species="X")) == pytest.approx(variance, rel=1e-6)
    x = 0.5 * (p - m + math.sqrt((p - m) ** 2 + 0.4))
    assert float(rest["mean"].sel(species="X")) == pytest.approx(x, rel=1e-7)
    assert float(rest["mean"].sel(species="P")) == p
    late = crnsim.linear_noise(unit(p, m), [0, 40], volume=100, species=["X"])
    assert float(late["variance"][-1, 0]) == pytest.approx(variance, rel=1e-4)


@pytest.mark.parametrize(("p", "m"), [(1, 0), (2, 1), (4, 3), (0, 1)])
def test_a_unit_of_a_thousand_molecules(p, m):
    # Against its exact law, that of a birth-death process.
    volume, n = 1000, np.arange(1, 4000)
    up, down = 0.1 * volume + p * (n[:-1]), m * (n[:-1] + 1) + (n[:-1] + 1) * n[:-1] / volume
    weights = np.concatenate([[0.0], np.cumsum(np.log(up) - np.log(down))])
    law = np.exp(weights - weights.max())
    law /= law.sum()
    variance = (law @ n**2 - (law @ n) ** 2) / volume**2
    predicted = crnsim.linear_noise(unit(p, m), None, volume=volume)["variance"].sel(species="X")
    assert float(predicted) == pytest.approx(variance, rel=0.05)


def test_networks_of_first_order_are_exact():
    times = np.array([0.0, 0.2, 0.7, 3.0])
    pair = crnsim.linear_noise(read_crn("A <->{1.5}{0.5} B; init A 4"), times, volume=10)
    p = 0.75 * (1 - np.exp(-2 * times))
    np.testing.assert_allclose(
        pair["variance"].sel(species="B"), 4 * p * (1 - p) / 10, rtol=CLOSE, atol=1e-12
    )
    np.testing.assert_allclose(
        pair["covariance"].sel(species="A", other="B"), -4 * p * (1 - p) / 10, rtol=CLOSE, atol=1e-12
    )
    birth = crnsim.linear_noise(read_crn("0 ->{2} X; X ->{0.5} 0"), times, volume=5, initial={})
    np.testing.assert_allclose(
        birth["variance"][:, 0], 4 * (1 - np.exp(-0.5 * times)) / 5, rtol=CLOSE, atol=1e-12
    )
    on, off, made = 0.3, 0.5, 8.0
    gene = crnsim.linear_noise(
        read_crn(f"G0 <->{{{on}}}{{{off}}} G1; G1 ->{{{made}}} G1 + X; X ->{{1}} 0; init G0 1"),
        None,
        volume=1,
    )
    share = on / (on + off)
    exact = made * share + made**2 * share * (1 - share) / (1 + on + off)
    assert float(gene["variance"].sel(species="X")) == pytest.approx(exact, rel=1e-6)


def test_what_is_conserved_does_not_fluctuate():
    network = read_crn("A + E <->{2}{0.5} C; C ->{1} E + B; B ->{0.3} A; init A 3; init E 1")
    rest = crnsim.linear_noise(network, None, volume=50)
    names = network.labels
    covariance = rest["covariance"].values
    for law in network.conservation_laws():
        weights = np.array([law.get(name, 0) for name in names], dtype=float)
        assert abs(weights @ covariance @ weights) < 1e-12
    late = crnsim.linear_noise(network, [0, 60], volume=50)
    np.testing.assert_allclose(late["covariance"][-1], covariance, rtol=1e-3, atol=1e-6)


def test_a_pot_is_as_simulated():
    circuit = crnsim.onepot((2, 2, 1))
    network, rng = circuit.network, np.random.default_rng(0)
    start = circuit.start(
        [(rng.normal(size=(2, 2)), rng.normal(size=2)), (rng.normal(size=(1, 2)), rng.normal(size=1))]
    )
    start[circuit.shown_rails()[0][:, 0]] = 1.0
    volume = 1000.0
    start = dict(zip(network.labels, (np.rint(start * volume) / volume).tolist(), strict=True))
    names = ["Z2p[0]", "Z2m[0]", "X1[0]", "D1[1]"]
    predicted = crnsim.linear_noise(network, [0, 6], volume=volume, initial=start, species=names)
    found = crnsim.ensemble(
        network, [0, 6], volume=volume, initial=start, replicates=256, seed=2, species=names, quantiles=[]
    )
    # The standard error of a standard deviation from 256 runs is 4.4 %.
    np.testing.assert_allclose(
        found["standard_deviation"][-1], predicted["standard_deviation"][-1], rtol=4 * 0.044
    )
    error = predicted["standard_deviation"].values[-1] / 16
    assert np.all(np.abs(found["mean"][-1] - predicted["mean"][-1]) < 4 * error + 10 / volume)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("X ->{1} 2X; init X 1", {"t": None}, "no fixed point|could not be integrated"),
        ("X ->{1} 2X; X + Y ->{1} 2Y; Y ->{1} 0; init X 1; init Y 1", {"t": None}, "grow at the fixed point"),
        ("X ->{1} 0; init X 1", {"volume": 0}, "volume is 0"),
        ("X ->{1} 0; init X 1", {"t": [1, 0]}, "increasing"),
        ("X ->{1} 0", {}, "initial is not given"),
        ("X ->{k} 0; k = 1; init X 1", {"rates": {"k": [1.0, 2.0]}}, "that of one run"),
        ("X ->{1} 0; init X 1", {"species": ["Q"]}, "no species 'Q'"),
    ],
)
def test_what_has_no_linear_noise_is_one_line(text, options, words):
    with pytest.raises(CrnsimError, match=words) as caught:
        crnsim.linear_noise(read_crn(text), **{"t": [0, 1], "volume": 10} | options)
    assert "\n" not in str(caught.value)


def test_what_dies_out_comes_to_rest_and_what_has_not_begun_does_not():
    gone = crnsim.linear_noise(read_crn("A ->{1} B; B ->{0.5} 0; init A 1"), None, volume=10)
    np.testing.assert_allclose(gone["variance"], 0.0, rtol=0, atol=1e-6)
    with pytest.raises(CrnsimError, match="no fixed point"):
        crnsim.linear_noise(read_crn("A ->{1e-12} B; init A 1"), None, volume=10)


def test_what_grows_without_bound_ends_in_words():
    for text, times, words in (
        ("2X ->{1} 3X", [0, 1, 5], "evaluations|could not be integrated"),
        ("2X ->{1} 3X", None, "evaluations|could not be integrated"),
        ("X ->{1e100} Y", [0, 1], "1e-50"),
    ):
        with pytest.raises(CrnsimError, match=words):
            crnsim.linear_noise(read_crn(text), times, volume=100, initial={"X": 1.0})


def test_of_a_large_network_species_are_chosen():
    network, start = crnsim.onepot((30, 20, 5)).network, {"One": 1.0}
    for species in (None, network.labels[:101]):
        with pytest.raises(CrnsimError, match="choose up to 100 of them"):
            crnsim.linear_noise(network, [0, 1], volume=10, initial=start, species=species)


@pytest.mark.parametrize("times", [[0, 0.5, 4], [2, 3], None])
def test_few_species_backwards_in_time_are_those_of_all(times, monkeypatch):
    text = (
        "0 ->{0.1} X; P + X ->{1} P + 2X; M + X ->{1} M; 2X ->{1} X; X ->{0.3} X + Y; Y ->{0.2} 0; C <->{1}{2} D\n"
        "init P 2; init M 1; init X 0.4; init C 1"
    )
    network = read_crn(text)
    options = {"volume": 100, "species": ["Y", "P", "X", "C", "D"]}
    whole = crnsim.linear_noise(network, times, **options)
    monkeypatch.setattr("crnsim.simulation.lna.MOST_SPECIES", 1)
    few = crnsim.linear_noise(network, times, **options)
    assert few.sizes == whole.sizes
    np.testing.assert_allclose(few["mean"], whole["mean"], rtol=1e-5, atol=1e-12)
    # Both have steps whose error is some 1e-3 of a variance.
    largest = float(np.abs(whole["covariance"]).max())
    np.testing.assert_allclose(few["covariance"], whole["covariance"], rtol=2e-3, atol=1e-3 * largest)
    with pytest.raises(CrnsimError, match=r"never end|no fixed point"):
        crnsim.linear_noise(read_crn("0 ->{1} X; X <->{1}{1} Y"), None, volume=10, initial={}, species=["X"])


def test_a_large_pot_is_as_simulated():
    circuit, rng = crnsim.onepot((40, 10, 3)), np.random.default_rng(0)
    network = circuit.network
    assert network.n_dynamic > 500
    shapes = ((10, 40), (3, 10))
    start = circuit.start([(rng.normal(size=s) / np.sqrt(s[1]), rng.normal(size=s[0])) for s in shapes])
    start[circuit.shown_rails()[0][:, 0]] = rng.uniform(size=40)
    volume, names = 1000.0, ["Z2p[0]", "Z2m[2]", "X1[0]", "D1[1]"]
    start = dict(zip(network.labels, (np.rint(start * volume) / volume).tolist(), strict=True))
    options = {"volume": volume, "initial": start, "species": names}
    predicted = crnsim.linear_noise(network, [0, 4], **options)
    found = crnsim.ensemble(network, [0, 4], replicates=256, seed=2, quantiles=[], **options)
    np.testing.assert_allclose(
        found["standard_deviation"][-1], predicted["standard_deviation"][-1], rtol=4 * 0.044
    )


def test_what_grows_without_bound_has_no_fixed_point():
    with pytest.raises(CrnsimError, match="grow without bound"):
        crnsim.linear_noise(read_crn("A ->{1} 2A; init A 1"), None, volume=10)


#: Species that make a network one of those of which covariances are taken of few.
MANY_MORE = "".join(f"; X{i} ->{{1}} Y{i}" for i in range(300))


def test_what_creeps_to_rest_has_no_stationary_noise():
    # dA/dt = (1 - A)^3: the rate of its relaxation is 0 where it ends.
    for start in (0.0, 2.0):
        network = read_crn("0 ->{1} A; 2A ->{3} 3A; 3A ->{1} 2A; A ->{3} 0")
        with pytest.raises(CrnsimError, match="no fixed point"):
            crnsim.linear_noise(network, None, volume=100, initial={"A": start})
    large = read_crn("0 ->{1} A; 2A ->{3} 3A; 3A ->{1} 2A; A ->{3} 0" + MANY_MORE)
    with pytest.raises(CrnsimError, match="no fixed point"):
        crnsim.linear_noise(large, None, volume=100, initial={}, species=["A"])


@pytest.mark.parametrize("k", [1e4, 1e8, 1e12])
def test_what_is_rare_fluctuates_as_exactly_as_what_is_frequent(k):
    network = read_crn(f"A <->{{{k}}}{{1}} B; 0 ->{{1}} A; B ->{{1}} 0")
    found = crnsim.linear_noise(network, [0, 1, 50], volume=100, initial={})
    np.testing.assert_allclose(found["variance"][-1], [2e-2 / k, 1e-2], rtol=2e-3)
    if k < 1e12:  # where the slowest relaxation is lost beside the fastest one
        at_rest = crnsim.linear_noise(network, None, volume=100, initial={})
        np.testing.assert_allclose(at_rest["variance"], [2e-2 / k, 1e-2], rtol=1e-6)


def test_few_of_a_rare_species_of_a_large_network():
    network = read_crn("A <->{1e8}{1} B; 0 ->{1} A; B ->{1} 0" + MANY_MORE)
    options = {"volume": 100, "initial": {}, "species": ["A", "B"]}
    for times in (None, [0, 50]):
        found = crnsim.linear_noise(network, times, **options)
        variance = found["variance"].values if times is None else found["variance"].values[-1]
        np.testing.assert_allclose(variance, [2e-10, 1e-2], rtol=1e-2)


def test_stiff_equations_are_integrated_all_the_same():
    network = read_crn("A <->{1e9}{1e-9} B; 0 ->{1e-6} A; B ->{1e-6} 0")
    found = crnsim.linear_noise(network, [0, 1, 50], volume=100, initial={})
    np.testing.assert_allclose(found["mean"][1:, 1], [1e-6, 5e-5], rtol=1e-4)
    np.testing.assert_allclose(found["variance"], found["mean"] / 100, rtol=1e-3)


def test_means_are_not_below_zero():
    network = read_crn("A + B ->{1} 0; init A 1; init B 2")
    assert float(crnsim.linear_noise(network, np.linspace(0, 50, 101), volume=100)["mean"].min()) >= 0
