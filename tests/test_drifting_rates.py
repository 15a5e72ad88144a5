"""Rate constants that drift in time: an Ornstein-Uhlenbeck process for their logarithms, in pieces."""

from __future__ import annotations

import numpy as np
import pytest

import crnsim
from crnsim import CrnsimError, Noise, read_crn
from crnsim.noise.kinds import PIECES
from crnsim.noise.network import network_keys
from crnsim.solvers import solve
from crnsim.solvers.single import plain_protocol

SIGMA, MEMORY = 0.3, 2.0
DRIFT = {"rates": SIGMA, "rates_mode": "ou", "correlation_time": MEMORY}
PIECE = MEMORY / PIECES


def rate_constants(replicates, pieces, **options):
    """Rate constants of an inflow in each piece, by what has flown in, shape (replicates, pieces)."""
    times = np.arange(pieces + 1) * PIECE
    options = {"noise": DRIFT, "seed": 2, "rtol": 1e-9, "initial": {}} | options
    found = crnsim.simulate(read_crn("0 ->{1} X"), times, replicates=replicates, **options)
    return np.diff(found["concentration"].values[:, :, 0], axis=1) / PIECE


def test_factors_have_their_law_and_correlation():
    # Logarithms are normal, of standard deviation sigma, and correlated by exp(-t / memory).
    count = 4000
    state = (np.log(rate_constants(count, 8)) + SIGMA**2 / 2) / SIGMA
    assert np.abs(state.mean(axis=0)).max() < 4 / np.sqrt(count)
    assert np.abs(state.var(axis=0) - 1).max() < 4 * np.sqrt(2 / count)
    found = np.corrcoef(state.T)[0]
    expected = np.exp(-np.arange(8) / PIECES)
    assert np.abs(found - expected)[1:].max() < 4 / np.sqrt(count)
    # Given the present the past says nothing.
    residual = state[:, 2] - np.exp(-1 / PIECES) * state[:, 1]
    assert abs(np.corrcoef(residual, state[:, 0])[0, 1]) < 4 / np.sqrt(count)
    np.testing.assert_allclose(np.exp(SIGMA * state - SIGMA**2 / 2).mean(), 1.0, rtol=0, atol=0.02)


@pytest.mark.parametrize("method", ["bs23", "dp45", "rkc", "rosw", "rodas", "auto"])
def test_every_method_has_the_same_constants(method):
    expected = rate_constants(3, 6, method="dp45")
    np.testing.assert_allclose(rate_constants(3, 6, method=method, rtol=1e-7), expected, rtol=1e-5)


@pytest.mark.parametrize("method", ["ssa", "tau", "cle", "hybrid"])
def test_propensities_change_at_that_moment(method):
    few = rate_constants(3, 6, method=method, volume=1e7)
    # Some 4e6 molecules flow in in a piece.
    np.testing.assert_allclose(few, rate_constants(3, 6), rtol=5e-3)


def test_constants_drift_on_from_presentation_to_presentation():
    network = read_crn("0 ->{1} X; 0 ->{2} Y")
    count, long = 3000, 1.5 * PIECE  # a whole piece, and half of one
    protocol = plain_protocol(
        np.zeros((count, 2)), network.rate_constants()[None], span=long, grid=np.ones(1), rtol=1e-8, atol=1e-10,
        max_steps=10_000,
    )  # fmt: skip
    protocol.member["n_presentations"], protocol.member["record_slot"] = 3, -1
    protocol.member["noise_rates"] = SIGMA
    protocol.member["rate_interval"], protocol.member["rate_memory"] = PIECE, MEMORY
    keys = [network_keys(1, number) for number in range(count)]
    table = [[key("rate noise", name) for name in network.family_names] for key in keys]
    protocol = protocol._replace(
        order=np.zeros((count, 3), dtype=np.int32),
        rate_keys=np.array(table, dtype=np.uint64),
        checkpoint_after=np.arange(4),
    )
    record, reasons = solve(network, protocol)
    assert not any(reasons)
    made = np.diff(record.checkpoints, axis=1)
    # What is made in a presentation is that of its pieces, of covariances exp(sigma^2 exp(-t / memory)) - 1.
    begins = np.array([0.0, PIECE, long, long + PIECE, 2 * long, 2 * long + PIECE])
    lasts = np.array([PIECE, PIECE / 2] * 3)
    covariance = np.exp(SIGMA**2 * np.exp(-np.abs(begins[:, None] - begins) / MEMORY)) - 1
    blocks = (lasts[:, None] * lasts * covariance).reshape(3, 2, 3, 2).sum(axis=(1, 3))
    for column, rate in enumerate((1.0, 2.0)):
        found = np.cov(made[:, :, column].T) / rate**2
        np.testing.assert_allclose(found, blocks, rtol=0.15)
        np.testing.assert_allclose(made[:, :, column].mean(axis=0), rate * long, rtol=0.01)
    assert abs(np.corrcoef(made[:, 0, 0], made[:, 0, 1])[0, 1]) < 4 / np.sqrt(count)


def test_a_run_depends_on_its_number_alone():
    whole = rate_constants(9, 4)
    np.testing.assert_array_equal(whole[:2], rate_constants(2, 4))
    assert not np.array_equal(whole, rate_constants(9, 4, seed=3))
    # With kicks at the same moments, too.
    kicked = DRIFT | {"concentrations": 0.1, "interval": PIECE}
    network = read_crn("A <->{1}{2} B; init A 1")
    options = {"noise": kicked, "seed": 1, "rtol": 1e-8, "initial": network.initial}
    two = crnsim.simulate(network, [0, 3], replicates=9, **options)
    one = crnsim.simulate(network, [0, 3], replicates=1, **options)
    np.testing.assert_array_equal(one["concentration"][0], two["concentration"][0])


def test_a_pot_is_trained_while_its_constants_drift():
    circuit, options = crnsim.onepot((2, 2, 1)), {"running_time": 5.0, "epochs": 2, "seed": 1}
    drift = crnsim.train(circuit, "and", noise=DRIFT, **options)
    assert not drift["status"].any()
    quiet = crnsim.train(circuit, "and", **options)
    static = crnsim.train(circuit, "and", noise={"rates": SIGMA}, **options)
    weights = [one["weights"].values[0, -1] for one in (drift, quiet, static)]
    assert np.abs(weights[0] - weights[1]).max() > 1e-3
    assert np.abs(weights[0] - weights[2]).max() > 1e-3


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        (DRIFT | {"correlation_time": 0}, "correlation_time"),
        (DRIFT | {"correlation_time": 1e-9}, "acts"),
        (DRIFT | {"rates_mode": "OU"}, "rates_mode"),
    ],
)
def test_what_makes_no_sense_is_one_line(noise, words):
    with pytest.raises(CrnsimError) as caught:
        crnsim.simulate(read_crn("A ->{1} B"), [0, 1], noise=noise, initial={"A": 1})
    assert words in str(caught.value)
    with pytest.raises(CrnsimError, match="rate constants that change"):
        crnsim.simulate(read_crn("A ->{1} B"), [0, 1], noise=Noise(**DRIFT), method="LSODA", initial={"A": 1})
