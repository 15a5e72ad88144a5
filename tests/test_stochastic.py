"""Single molecules: exact laws, the convention for rate constants, and what must not depend on anything else.

Where a law is compared with 10^4 runs, the seed is fixed, and a p-value below 1e-4, or a distance of more than four
standard errors, is a failure: with other seeds some two of a thousand such comparisons would be.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from scipy import linalg, sparse, stats
from scipy.sparse.linalg import expm_multiply

import crnsim
from crnsim import CrnsimError, Noise, read_crn
from crnsim.cli import main
from crnsim.outcomes import OUTCOMES
from crnsim.simulation import simulate_replicate

MANY = 10_000
SMALLEST_P = 1e-4


def molecules(network, time, volume, species, *, replicates=MANY, seed=1, **options):
    """Numbers of molecules at the end, shape (replicates,) or (replicates, species)."""
    network = read_crn(network) if isinstance(network, str) else network
    options = {"initial": network.initial} | options
    run = crnsim.simulate(
        network, [0.0, time], method="ssa", volume=volume, seed=seed, replicates=replicates, **options
    )
    assert not run["status"].any()
    found = run["concentration"].sel(species=species).values[:, -1] * volume
    whole = np.rint(found)
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-6)
    return whole.astype(int)


def same_law(counts, law):
    """Compare numbers of molecules with their probabilities, from 0 on, by chi-square."""
    law = np.asarray(law, dtype=float)
    law = np.append(law, max(1.0 - law.sum(), 0.0))
    seen = np.bincount(np.minimum(counts, len(law) - 1), minlength=len(law))
    # Neighbours are put together until some twenty of each are expected.
    edges, total = [0], 0.0
    for number, p in enumerate(law):
        total += p * len(counts)
        if total >= 20:
            edges.append(number + 1)
            total = 0.0
    edges[-1] = len(law)
    observed, expected = (np.add.reduceat(v, edges[:-1]) for v in (seen, law * len(counts)))
    assert stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > SMALLEST_P


def same_moments(counts, mean, variance):
    """Compare mean and variance with those expected, within four standard errors, the latter by the kurtosis seen."""
    n = len(counts)
    assert abs(counts.mean() - mean) < 4 * math.sqrt(variance / n)
    centred = counts - counts.mean()
    spread = math.sqrt(max(np.mean(centred**4) - np.mean(centred**2) ** 2, 1e-12) / n)
    assert abs(counts.var(ddof=1) - variance) < 4 * spread


def master_equation(rates, changes, start, time, size):
    """Probabilities of numbers of one species, from its birth and death rates (functions of the number)."""
    n = np.arange(size)
    generator = sparse.lil_array((size, size))
    for rate, change in zip(rates, changes, strict=True):
        for number in n:
            to = number + change
            if 0 <= to < size:
                generator[to, number] += rate(number)
                generator[number, number] -= rate(number)
    begin = np.zeros(size)
    begin[start] = 1.0
    return expm_multiply(generator.tocsr() * time, begin)


# -- exact laws -----------------------------------------------------------------------------------------


def test_birth_and_death_is_poisson():
    text = "0 ->{2} X; X ->{0.5} 0; init X 0"
    for time in (1.0, 40.0):
        mean = 5 * 4 * (1 - math.exp(-0.5 * time))
        found = molecules(text, time, 5, "X", initial={})
        same_law(found, stats.poisson(mean).pmf(np.arange(60)))
        same_moments(found, mean, mean)


def test_two_states_are_binomial():
    found = molecules("A <->{1.5}{0.5} B; init A 4", 0.7, 10, "B")
    p = 0.75 * (1 - math.exp(-2 * 0.7))
    same_law(found, stats.binom(40, p).pmf(np.arange(41)))
    same_moments(found, 40 * p, 40 * p * (1 - p))


def test_a_chain_of_first_order_is_multinomial():
    # T. Jahnke, W. Huisinga, J. Math. Biol. 54 (2007), 1, doi 10.1007/s00285-006-0034-x.
    found = molecules("A ->{1} B; B ->{0.5} C; C ->{0.2} 0; init A 3", 1.5, 10, ["A", "B", "C"])
    rates = np.array([[-1, 0, 0], [1, -0.5, 0], [0, 0.5, -0.2]])
    p = linalg.expm(1.5 * rates)[:, 0]
    for column, one in enumerate(p):
        same_law(found[:, column], stats.binom(30, one).pmf(np.arange(31)))
    covariance = np.cov(found.T)
    expected = 30 * (np.diag(p) - np.outer(p, p))
    np.testing.assert_allclose(covariance, expected, rtol=0, atol=4 * 30 * 0.35 / math.sqrt(MANY))


def test_a_gene_that_is_on_and_off():
    # J. Peccoud, B. Ycart, Theor. Popul. Biol. 48 (1995), 222, doi 10.1006/tpbi.1995.1027.
    on, off, made = 0.3, 0.5, 8.0
    found = molecules(
        f"G0 <->{{{on}}}{{{off}}} G1; G1 ->{{{made}}} G1 + X; X ->{{1}} 0; init G0 1", 40.0, 1, "X"
    )
    share = on / (on + off)
    variance = made * share + made**2 * share * (1 - share) / (1 + on + off)
    same_moments(found, made * share, variance)
    # Given the share of time that the gene was on the number is Poisson; that share is a beta variable.
    grid = (np.arange(4000) + 0.5) / 4000
    weights = stats.beta(on, off).cdf(grid + 0.5 / 4000) - stats.beta(on, off).cdf(grid - 0.5 / 4000)
    law = [float(weights @ stats.poisson(made * grid).pmf(k)) for k in range(30)]
    same_law(found, law)


def test_dimerisation_follows_the_master_equation():
    # 2A -> B fires at k n (n - 1) / Omega, and uses up two: with half of it, or with n^2, the law is another.
    volume, n = 8, 25
    found = molecules("2A <->{0.3}{0.4} B; init A 3.125", 1.2, volume, "B")
    law = master_equation(
        [lambda b: 0.3 * (n - 2 * b) * (n - 2 * b - 1) / volume, lambda b: 0.4 * b],
        [1, -1], 0, 1.2, n // 2 + 1,
    )  # fmt: skip
    same_law(found, law)
    for wrong in (
        lambda b: 0.15 * (n - 2 * b) * (n - 2 * b - 1) / volume,
        lambda b: 0.3 * (n - 2 * b) ** 2 / volume,
    ):
        with pytest.raises(AssertionError):
            same_law(found, master_equation([wrong, lambda b: 0.4 * b], [1, -1], 0, 1.2, n // 2 + 1))


def test_a_bistable_network_of_third_order():
    # Schloegl's: 2X <-> 3X, 0 <-> X; fires at k n (n - 1) / Omega and k n (n - 1) (n - 2) / Omega^2.
    volume, k = 10, (3.0, 0.6, 0.25, 2.95)
    found = molecules(
        f"2X <->{{{k[0]}}}{{{k[1]}}} 3X; 0 <->{{{k[2]}}}{{{k[3]}}} X; init X 1.2", 2.0, volume, "X"
    )
    law = master_equation(
        [
            lambda n: k[0] * n * (n - 1) / volume + k[2] * volume,
            lambda n: k[1] * n * (n - 1) * (n - 2) / volume**2 + k[3] * n,
        ],
        [1, -1], 12, 2.0, 160,
    )  # fmt: skip
    same_law(found, law)


#: Stationary law of one squareplus unit with h = 0.1, from the weights of its birth-death process.
UNITS = [
    (100, 1, 0, 1.092332, 1.006568e-2, None),
    (100, 2, 1, 1.084336, 1.939458e-2, None),
    (100, 4, 3, 1.067703, 3.839060e-2, None),
    (100, 0, 1, 0.091668, 8.460865e-4, None),
    (10, 2, 1, 0.985547, 0.212799, 0.0159),
    (10, 4, 3, 0.690433, 0.382779, 0.2045),
]


@pytest.mark.parametrize(("volume", "p", "m", "mean", "variance", "nothing"), UNITS)
def test_a_squareplus_unit(volume, p, m, mean, variance, nothing):
    text = f"0 ->{{0.1}} X; P + X ->{{1}} P + 2X; M + X ->{{1}} M; 2X ->{{1}} X; init P {p}; init M {m}; init X 1"
    found = molecules(text, 20.0, volume, "X")
    same_moments(found / volume, mean, variance)
    n = np.arange(1, 4 * volume)
    steps = np.log(0.1 * volume + p * (n - 1)) - np.log(m * n + n * (n - 1) / volume + 1e-300)
    if not m:  # nothing ends the last molecule
        steps = np.log(0.1 * volume + p * n[:-1]) - np.log((n[:-1] + 1) * n[:-1] / volume)
    weights = np.exp(np.concatenate([[0.0], np.cumsum(steps)]))
    law = weights / weights.sum()
    same_law(found, law if m else np.concatenate([[0.0], law]))
    if nothing is not None:
        assert abs(np.mean(found == 0) - nothing) < 4 * math.sqrt(nothing / MANY) + 1e-4


def test_many_molecules_follow_the_rate_equations():
    text = (
        "X + Y ->{1} 2Y; 2X ->{0.3} Z; 3Z ->{0.2} X; Y ->{0.5} Z; 0 ->{0.1} X; A + 2Y ->{0.4} A + Z\n"
        "init X 1; init Y 0.5; init A 0.7"
    )
    volume = 1e5
    found = molecules(text, 2.0, volume, ["X", "Y", "Z"], replicates=64) / volume
    exact = crnsim.simulate(read_crn(text), [0.0, 2.0], rtol=1e-9)["concentration"]
    exact = exact.sel(species=["X", "Y", "Z"]).values[0, -1]
    error = found.std(axis=0, ddof=1) / 8
    # The mean differs from the rate equations by order 1 / Omega.
    assert np.all(np.abs(found.mean(axis=0) - exact) < 4 * error + 3 / volume)


# -- traps ----------------------------------------------------------------------------------------------


def test_one_molecule_does_not_meet_itself():
    network = crnsim.Network(dims={"n": 2})
    network.add_species("X", "n")
    network.add_family("meet", "X[i] + X[j] -> 0", 1.0)
    alone = molecules(network, 1e6, 1, ["X[0]", "X[1]"], replicates=50, initial={"X[0]": 1.0})
    assert np.all(alone == [1, 0])
    both = molecules(network, 1e6, 1, ["X[0]", "X[1]"], replicates=50, initial={"X": 1.0})
    assert np.all(both == [0, 0])
    odd = molecules("3X ->{1} 0; init X 5", 1e6, 1, "X", replicates=20)
    assert np.all(odd == 2)


def test_nothing_that_can_react_is_the_end_of_it():
    run = crnsim.simulate(read_crn("A ->{1} B; init A 3"), [0, 10, 1e5], volume=1, seed=0, replicates=5)
    np.testing.assert_array_equal(run["concentration"][:, -1], [[0, 3]] * 5)
    assert run["steps"].values.tolist() == [3] * 5
    still = crnsim.simulate(read_crn("A + B ->{1} B; init A 1"), [0, 1], volume=10, seed=0)
    assert (int(still["status"][0]), int(still["steps"][0])) == (0, 0)


def test_a_fraction_of_a_molecule_is_one_or_none():
    found = molecules("A ->{0} B; init A 0.3; init B 2.5", 1.0, 1, ["A", "B"])
    assert set(np.unique(found[:, 0])) == {0, 1}
    assert set(np.unique(found[:, 1])) == {2, 3}
    assert abs(found[:, 0].mean() - 0.3) < 4 * math.sqrt(0.21 / MANY)
    assert abs(found[:, 1].mean() - 2.5) < 4 * math.sqrt(0.25 / MANY)
    # What is a whole number but for rounding is one.
    assert np.all(molecules("A ->{0} B; init A 0.3", 1.0, 10, "A", replicates=100) == 3)


def test_a_species_that_runs_out_does_not_stop_others():
    found = molecules("A ->{50} 0; B ->{1} C; init A 0.2; init B 2", 1.0, 10, ["A", "C"])
    assert not found[:, 0].any()
    same_moments(found[:, 1], 20 * (1 - math.exp(-1)), 20 * math.exp(-1) * (1 - math.exp(-1)))


def test_sums_of_propensities_do_not_drift():
    from crnsim.kinetics.kernels import no_kinetics
    from crnsim.solvers.protocol import new_record
    from crnsim.solvers.single import plain_protocol
    from crnsim.solvers.stochastic import exact, propensities
    from crnsim.solvers.stochastic.tables import tables_of
    from crnsim.solvers.stochastic.work import new_work

    network = crnsim.onepot((2, 6, 1)).network
    start = np.full((1, network.n_species), 0.37)
    protocol = plain_protocol(
        start, network.rate_constants()[None], span=1e9, grid=np.ones(1), rtol=1e-6, atol=1e-9, max_steps=10_000
    )  # fmt: skip
    protocol.member["volume"] = 50.0
    record, tables = new_record(protocol), tables_of(network)
    work = new_work(network, tables, protocol)
    exact.follow(
        no_kinetics(network), tables, protocol, record, work, np.array([[1, 2]], dtype=np.uint64), 0, 1
    )
    assert OUTCOMES[record.run["status"][0]] == "step_limit"
    assert int(record.run["steps"][0]) == 10_000_000
    kept = work.partial.copy(), work.block.copy(), work.tree.copy()
    propensities.set_all(tables, work)
    for before, after in zip(kept, (work.partial, work.block, work.tree), strict=True):
        np.testing.assert_array_equal(before, after)
    # They are those of the law of mass action.
    n, volume = work.molecules[:-1], 50.0
    expected = 0.0
    for reaction, changed in zip(network.reactions(), network.stoichiometry().T.tocsr(), strict=True):
        value = reaction.rate * volume
        for count, name in reaction.reactants:
            for taken in range(count):
                value *= (n[network.row(name)] - taken) / volume
        expected += value if changed.nnz else 0.0
    np.testing.assert_allclose(work.tree[tables.level_at[-2] :].sum(), expected, rtol=1e-12)


# -- what a run depends on ------------------------------------------------------------------------------

OSCILLATOR = "X ->{1} 2X; X + Y ->{1} 2Y; Y ->{1} 0; init X 1; init Y 1"


def test_a_run_depends_on_its_number_and_nothing_else(monkeypatch):
    network, options = read_crn(OSCILLATOR), {"volume": 30.0, "seed": 4}
    whole = crnsim.simulate(network, [0, 2, 5], replicates=20, **options)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    alone = crnsim.simulate(network, [0, 2, 5], replicates=20, **options)
    np.testing.assert_array_equal(whole["concentration"], alone["concentration"])
    one = simulate_replicate(network, [0, 2, 5], 7, **options)
    np.testing.assert_array_equal(one["concentration"][0], whole["concentration"][7])
    # The recorded times change nothing, and a value is that before the next reaction.
    fine = crnsim.simulate(network, np.linspace(0, 5, 5001), replicates=20, **options)
    np.testing.assert_array_equal(fine["concentration"].sel(time=[0.0, 2.0, 5.0]), whole["concentration"])
    jumps = np.abs(np.diff(fine["concentration"].values * 30, axis=1)).max()
    assert 1 <= round(float(jumps)) <= 4
    other = crnsim.simulate(network, [0, 2, 5], replicates=20, **options | {"seed": 5})
    assert not np.array_equal(other["concentration"], whole["concentration"])


def test_a_volume_is_intrinsic_noise():
    network = read_crn(OSCILLATOR)
    by_volume = crnsim.simulate(network, [0, 3], replicates=3, volume=100, seed=1)
    by_noise = crnsim.simulate(network, [0, 3], replicates=3, noise=Noise(intrinsic=0.1), seed=1)
    np.testing.assert_array_equal(by_volume["concentration"], by_noise["concentration"])
    assert by_noise.attrs["volume"] == by_volume.attrs["volume"] == 100.0
    mean = crnsim.ensemble(network, [0, 3], replicates=3, noise={"intrinsic": 0.1}, seed=1)["mean"]
    np.testing.assert_allclose(mean, by_noise["concentration"].mean("replicate"), rtol=1e-12)


def test_kicks_keep_sums_in_molecules():
    network = read_crn("A <->{1}{2} B; init A 2; init B 1.1")
    noise = Noise(intrinsic=10**-0.5, concentrations=0.5, interval=0.5)
    run = crnsim.simulate(network, np.linspace(0, 4, 41), replicates=200, noise=noise, seed=2)
    totals = run["concentration"].sum("species").values * 10
    np.testing.assert_allclose(totals, 31, rtol=0, atol=1e-9)
    spread = (run["concentration"].sel(species="A")[:, -1] * 10).values
    # 31 molecules, of which a third would be B without kicks.
    assert spread.var() > 31 * 2 / 9


def test_rate_noise_is_that_of_other_methods():
    network = read_crn("A ->{1} B; init A 1")
    noise = {"rates": 0.5}
    exact = crnsim.simulate(network, [0, 1], noise=noise, seed=3, replicates=4, keep_rates=True)
    few = crnsim.simulate(
        network, [0, 1], noise=noise | {"intrinsic": 1e-3}, seed=3, replicates=4, keep_rates=True
    )
    np.testing.assert_array_equal(exact["rate_constant"], few["rate_constant"])
    np.testing.assert_allclose(few["concentration"], exact["concentration"], rtol=0, atol=5e-3)


def test_a_pot_learns_from_molecules_and_does_not_depend_on_its_company():
    circuit = crnsim.onepot((2, 2, 1))
    options = {"running_time": 5.0, "epochs": 2, "seed": 1}
    noise = Noise(intrinsic=0.1, rates=0.1, rates_mode="per_presentation", concentrations=0.1, interval=2.0)
    two = crnsim.train(circuit, "and", replicates=2, noise=noise, **options)
    assert not two["status"].any()
    one = crnsim.train(circuit, "and", replicates=1, noise=noise, **options)
    for name in ("weights", "output", "train_loss"):
        np.testing.assert_array_equal(one[name].values[0], two[name].values[0])
    # With many molecules it is the pot of the rate equations.
    many = crnsim.train(circuit, "and", noise={"intrinsic": 0.01}, **options)
    quiet = crnsim.train(circuit, "and", **options)
    np.testing.assert_allclose(many["weights"], quiet["weights"], rtol=0, atol=0.1)


def test_batches_are_apart_where_some_count_molecules():
    from crnsim.noise.noise import batches

    noises = [Noise(intrinsic=0.1), Noise(), Noise(rates=0.1), Noise(intrinsic=0.2, rates=0.1)]
    assert batches(noises) == [0, 1, 1, 0]
    kicked = [
        Noise(concentrations=0.1, scope="all"),
        Noise(concentrations=0.1),
        Noise(),
        Noise(intrinsic=0.1),
    ]
    assert batches(kicked) == [0, 1, 0, 2]


def test_every_event_of_one_replicate():
    network, options = read_crn(OSCILLATOR), {"volume": 30.0, "seed": 4, "initial": {"X": 1, "Y": 1}}
    whole = crnsim.simulate(network, np.linspace(0, 5, 101), method="ssa", replicates=3, **options)
    found = crnsim.event_list(network, 5.0, replicate=2, **options)
    assert found.sizes["event"] == int(whole["steps"][2]) > 100
    assert np.all(np.diff(found["time"].values) > 0)
    assert found["start"].values.tolist() == [30, 30]
    # What the events add up to is what the run shows: before the next event at each time.
    changes = network.stoichiometry().toarray()[:, found["reaction"].values]
    counts = found["start"].values[:, None] + np.concatenate(
        [np.zeros((2, 1)), np.cumsum(changes, axis=1)], axis=1
    )
    places = np.searchsorted(found["time"].values, whole["time"].values, side="right")
    np.testing.assert_array_equal(counts[:, places].T, np.rint(whole["concentration"].values[2] * 30))
    np.testing.assert_array_equal(counts[:, -1], found["end"])
    assert str(found["equation"].values[0]).startswith("X ->{1} 2X")
    drifting = {"rates": 0.2, "rates_mode": "ou", "correlation_time": 1.0}
    noisy = crnsim.event_list(network, 5.0, noise=drifting, **options)
    one = crnsim.simulate(network, [0, 5], noise=drifting, method="ssa", **options)
    assert noisy.sizes["event"] == int(one["steps"][0])
    by_noise = crnsim.event_list(
        network, 5.0, noise={"intrinsic": 30**-0.5}, seed=4, initial={"X": 1, "Y": 1}, replicate=2
    )
    np.testing.assert_array_equal(by_noise["time"], found["time"])
    for wrong, words in (
        ({"most": 50}, "more than 50 reactions"),
        ({"noise": {"concentrations": 0.1, "interval": 1}}, "kicks"),
        ({"volume": None}, "volume"),
        ({"time": -1}, "time is -1"),
        ({"time": 1e300}, "time is 1e.300"),
        ({"time": 1e-120}, "time is 1e-120"),
        ({"volume": 1e17}, "more than it can"),
    ):
        with pytest.raises(CrnsimError, match=words):
            crnsim.event_list(network, **{"time": 5.0} | options | wrong)


# -- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"volume": 0}, "volume is 0"),
        ({"volume": -3}, "volume is -3"),
        ({"volume": "many"}, "volume"),
        ({"volume": 1e30}, "more than it can"),
        ({"method": "ssa"}, "give the volume"),
        ({"method": "dp45", "volume": 10}, "method 'dp45' is deterministic and takes no volume"),
        ({"method": "dp45", "noise": Noise(intrinsic=0.1)}, "method 'dp45' is deterministic"),
        ({"volume": 10, "noise": Noise(intrinsic=0.1)}, "volume and noise intrinsic say the same"),
        ({"noise": {"intrinsic": 5}}, "noise intrinsic is 5"),
        ({"volume": 10, "atol": -1}, "atol"),
    ],
)
def test_what_cannot_be_counted_is_one_line(options, words):
    with pytest.raises(CrnsimError) as caught:
        crnsim.simulate(read_crn("A ->{1} B; init A 1"), [0, 1], **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_that_explodes_ends_by_its_budget():
    run = crnsim.simulate(read_crn("2X ->{1} 3X; init X 1"), [0, 10], volume=10, seed=0, max_steps=100)
    assert OUTCOMES[int(run["status"][0])] == "step_limit"
    assert "budget of 100 steps" in str(run["reason"].values[0])
    assert int(run["steps"][0]) == 100_000
    assert np.isnan(run["concentration"][0, -1]).all()


def test_the_command_line_counts_molecules(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "n.crn").write_text(OSCILLATOR)
    words = ["simulate", "n.crn", "--t", "3", "--times", "4", "--replicates", "20", "--seed", "2"]
    assert main([*words, "--volume", "100", "-o", "a.nc", "--plot", "a.png"]) == 0
    assert "to time 3, volume 100" in capsys.readouterr().out
    assert main([*words, "--noise-intrinsic", "0.1", "-o", "b.nc"]) == 0
    one, other = (xr.load_dataset(name) for name in ("a.nc", "b.nc"))
    np.testing.assert_array_equal(one["mean"], other["mean"])
    assert one.attrs["volume"] == other.attrs["volume"] == 100.0
    capsys.readouterr()
    train = ["train", "xor", "--epochs", "1", "--running-time", "5"]
    for wrong, said in (
        ([*words, "--volume", "0"], "--volume"),
        ([*words, "--volume", "9", "--noise-intrinsic", "0.1"], "volume and noise intrinsic say the same"),
        ([*train, "--method", "ssa"], "method 'ssa' counts molecules, and there is no intrinsic noise"),
        ([*train, "--method", "dp45", "--noise-intrinsic", "0.1"], "method 'dp45' is deterministic"),
    ):
        assert main(wrong) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("method", ["ssa", "tau", "hybrid", "cle"])
def test_a_value_at_the_time_of_a_kick_is_that_before_it(method):
    network = read_crn("A ->{1e-9} B; init A 1; init B 1")
    times, noise = [0, 2.4, 2.5, 2.6, 7.4, 7.5, 7.6, 9], {"concentrations": 0.5}
    exact, found = (
        crnsim.simulate(network, times, seed=3, noise=noise, species=["A"], **options)[
            "concentration"
        ].values[0, :, 0]
        for options in ({}, {"method": method, "volume": 1000})
    )
    assert np.allclose(found, exact, atol=2e-3)
    assert abs(exact[2] - exact[3]) > 0.1


def test_a_rate_constant_that_is_no_number_for_molecules_is_refused():
    network = read_crn("20X ->{1} 0; 0 ->{1} Y; init X 1")
    with pytest.raises(CrnsimError, match="'20X -> 0' would have a rate constant of 1e380"):
        crnsim.simulate(network, [0, 1], method="ssa", volume=1e-20)
