"""Compiled right-hand sides and random numbers, against independent ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mass_action import stoichiometric_rates

from crnsim import Network, compiled, onepot
from crnsim.compiled import meanwhile
from crnsim.kinetics.kernels import compile_network, rates_of_change
from crnsim.kinetics.lanes import LANES, lanes_array
from crnsim.noise.philox import normals, philox

PLAIN = {"delay": 0, "dead_zone": 0}
#: Each compiles for seconds, so a circuit has several features: rails of inputs, decay, units with and without rails,
#: bounded ones, outputs of another kind. Stages of delay and a dead zone are in those without `PLAIN`.
CIRCUITS = [
    onepot((2, 3, 1)),
    onepot((1, 4, 3, 2), "leaky_relu", kz=30.0, dual_rail=True, decay=1e-4, **PLAIN),
    onepot((3, 2), derivative="reported"),
    onepot((2, 3, 2), "leaky_squareplus", output="algebraic_sigmoid", **PLAIN),
    onepot((1, 3, 1), "algebraic_tanh", **PLAIN),
]
#: The wide form differs by the indices of families; what the last two add has none that are new.
BOTH_FORMS = [*((circuit, False) for circuit in CIRCUITS), *((circuit, True) for circuit in CIRCUITS[:3])]


@pytest.mark.parametrize("circuit", CIRCUITS, ids=repr)
def test_compiled_equals_the_stoichiometric_form_on_every_lane(circuit):
    net = circuit.network
    rng = np.random.default_rng(1)
    y, rate, dy = lanes_array(net.n_species), lanes_array(net.n_reactions), lanes_array(net.n_species)
    y[:] = rng.uniform(0, 2, y.shape)
    rate[:] = rng.uniform(0, 3, rate.shape)
    kernel = compile_network(net)
    rates_of_change(kernel.kinetics, y, rate, dy)
    for lane in range(LANES):
        expected = stoichiometric_rates(net, y[:, lane], rate[:, lane])
        # The two sum the same terms in another order: a few hundred roundings of numbers of order 10.
        np.testing.assert_allclose(dy[:, lane], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("circuit", CIRCUITS[:3], ids=repr)
def test_one_run_in_all_lanes_equals_the_stoichiometric_form(circuit):
    net = circuit.network
    rng = np.random.default_rng(2)
    state, constants = rng.uniform(0, 2, net.n_species), rng.uniform(0, 3, net.n_reactions)
    expected = stoichiometric_rates(net, state, constants)
    wide = compile_network(net, wide=True)
    np.testing.assert_allclose(wide(state, constants), expected, rtol=1e-12, atol=1e-12)


def dense_jacobian(net, state, constants, wide):
    """Without rows of slow arrays but for what these do to each other, and in the wide form without their columns."""
    changed, slow = np.zeros(net.n_species), np.zeros(net.n_species)
    changed[: net.n_dynamic] = 1
    for species in net.species:
        if species.slow:
            slow[net.rows(species.name)] = 1
    kept = np.outer(changed, changed) * (1 - np.outer(slow, 1 - slow))
    if wide:
        kept = kept * (1 - slow)[:, None] * (1 - slow)
    return net.jacobian(state, constants).toarray() * kept


@pytest.mark.parametrize(("circuit", "wide"), BOTH_FORMS, ids=repr)
def test_the_linear_system_of_a_pot_is_solved_exactly(circuit, wide):
    net = circuit.network
    kernel = compile_network(net, wide=wide)
    assert not kernel.listed
    rng = np.random.default_rng(3)
    state, right = rng.uniform(0, 2, net.n_species), rng.normal(size=net.n_species)
    constants = net.rate_constants() * rng.uniform(0.9, 1.1, net.n_reactions)
    jacobian = dense_jacobian(net, state, constants, wide)
    for step in (0.05, 2.0):
        solution, radius = kernel.solve_linear(state, constants, step, right)
        expected = np.linalg.solve(np.eye(net.n_species) - step * jacobian, right)
        # The condition of the system is below 1e5 here.
        np.testing.assert_allclose(solution, expected, rtol=1e-9, atol=1e-9)
    # The rows of a pair of rails bound its eigenvalues; with equal rate constants they are the larger one.
    largest = np.abs(np.linalg.eigvals(jacobian)).max()
    assert largest * (1 - 1e-9) <= radius <= 1.1 * largest


def loop_of(length, dims=""):
    """Arrays that are converted into each other in a circle, and a spectator that is fed by all."""
    net = Network(dims={"n": 3}, parameters={"k": 1.3})
    names = [f"A{i}" for i in range(length)]
    for name in (*names, "S"):
        net.add_species(name, *dims)
    index = "[i]" if dims else ""
    for name, following in zip(names, (*names[1:], names[0]), strict=True):
        net.add_family("turn", f"{name}{index} + {following}{index} -> 2{following}{index}", "k")
        net.add_family("feed", f"{name}{index} -> {name}{index} + S{index}", "2*k")
    net.add_family("decay", f"S{index} -> 0", "k")
    return net


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(("length", "dims"), [(3, ""), (6, "n"), (8, "")])
def test_a_loop_of_up_to_eight_arrays_is_solved_exactly(length, dims, wide):
    net = loop_of(length, dims)
    kernel = compile_network(net, wide=wide)
    rng = np.random.default_rng(4)
    state, constants = rng.uniform(0, 2, net.n_species), rng.uniform(1, 2, net.n_reactions)
    right = rng.normal(size=net.n_species)
    jacobian = dense_jacobian(net, state, constants, False)
    solution, radius = kernel.solve_linear(state, constants, 0.1, right)
    expected = np.linalg.solve(np.eye(net.n_species) - 0.1 * jacobian, right)
    np.testing.assert_allclose(solution, expected, rtol=1e-10, atol=1e-10)
    assert radius >= np.abs(np.linalg.eigvals(jacobian)).max()


@pytest.mark.parametrize("wide", [False, True])
def test_a_loop_with_a_sink_that_is_summed_over_another_index_is_solved_exactly(wide):
    net = loop_of(3, "n")
    net.add_species("X")
    net.add_species("V", "n", "n")
    net.add_family("sink", "A0[i] + V[i,j] -> V[i,j] + S[i]", "k")
    kernel = compile_network(net, wide=wide)
    assert not kernel.listed
    rng = np.random.default_rng(6)
    state, constants = rng.uniform(0, 2, net.n_species), rng.uniform(1, 2, net.n_reactions)
    right = rng.normal(size=net.n_species)
    jacobian = dense_jacobian(net, state, constants, False)
    solution, radius = kernel.solve_linear(state, constants, 0.1, right)
    expected = np.linalg.solve(np.eye(net.n_species) - 0.1 * jacobian, right)
    np.testing.assert_allclose(solution, expected, rtol=1e-10, atol=1e-10)
    assert radius >= np.abs(np.linalg.eigvals(jacobian)).max()


def test_a_larger_loop_is_solved_exactly_by_lists():
    net = loop_of(9)
    kernel = compile_network(net)
    assert kernel.listed
    rng = np.random.default_rng(5)
    state, constants = rng.uniform(0, 2, net.n_species), rng.uniform(1, 2, net.n_reactions)
    right = rng.normal(size=net.n_species)
    jacobian = dense_jacobian(net, state, constants, False)
    solution, radius = kernel.solve_linear(state, constants, 0.1, right)
    expected = np.linalg.solve(np.eye(net.n_species) - 0.1 * jacobian, right)
    np.testing.assert_allclose(solution, expected, rtol=1e-10, atol=1e-10)
    assert radius >= np.abs(np.linalg.eigvals(jacobian)).max()


EQUATIONS = [
    "A[i] + W[i,j] -> W[i,j] + B[j]",
    "2A[i] -> A[i]",
    "3A[i] + B[j] -> 2B[j] + C",
    "C -> 0",
    "0 -> A[i]",
    "W[i,j] + C -> 2W[i,j] + C",
    "V[i,j] + V[j,i] -> A[i]",
    "B[j] + A[i] -> 4B[j]",
]


@settings(max_examples=4, deadline=None)
@given(
    chosen=st.sets(st.integers(0, len(EQUATIONS) - 1), min_size=3, max_size=5),
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_any_order_and_stoichiometry_compiles_to_mass_action(chosen, sizes):
    net = Network(dims={"n": sizes[0], "m": sizes[1]}, parameters={"k": 0.7})
    for name, dims in {"A": "n", "B": "m", "C": "", "W": "nm", "V": "nn"}.items():
        net.add_species(name, *dims)
    for number in sorted(chosen):
        net.add_family("any", EQUATIONS[number], "2*k")
    rng = np.random.default_rng(0)
    state, constants = rng.uniform(0, 2, net.n_species), rng.uniform(0, 2, net.n_reactions)
    expected = stoichiometric_rates(net, state, constants)
    for wide in (False, True):
        kernel = compile_network(net, wide=wide)
        np.testing.assert_allclose(kernel(state, constants), expected, rtol=1e-12, atol=1e-12)
        _, radius = kernel.solve_linear(state, constants, 0.1, np.ones(net.n_species))
        jacobian = dense_jacobian(net, state, constants, False)
        assert radius >= np.abs(np.linalg.eigvals(jacobian)).max() * (1 - 1e-9)


def test_the_cached_source_is_shared_by_networks_of_one_form():
    first, second = compile_network(onepot((2, 6, 1)).network), compile_network(onepot((5, 3, 2)).network)
    assert first.code is second.code


def test_compiled_code_is_kept_by_its_sources(tmp_path):
    # A copy of the package with another kick must not find the code that was compiled from this one.
    import crnsim
    from crnsim.compiled import compiled_folder

    package = Path(crnsim.__file__).parent
    shutil.copytree(package, tmp_path / "crnsim", ignore=shutil.ignore_patterns("__pycache__"))
    events = tmp_path / "crnsim" / "solvers" / "events.py"
    events.write_text(events.read_text().replace("sigma * draws[i]", "2 * sigma * draws[i]"))
    command = "from crnsim.compiled import compiled_folder; print(compiled_folder())"
    run = subprocess.run(
        [sys.executable, "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(run.stdout.strip()).parent == compiled_folder().parent
    assert Path(run.stdout.strip()) != compiled_folder()


def test_philox_equals_numpys():
    key, counter = [11, 2**63 + 5], [7, 8, 9, 2**64 - 1]
    ours = philox(*(np.uint64(word) for word in (*key, *counter)))
    # NumPy counts up before it draws, so it starts one lower.
    theirs = np.random.Philox(
        key=np.array(key, dtype=np.uint64), counter=np.array([6, 8, 9, 2**64 - 1], dtype=np.uint64)
    ).random_raw(4)
    assert [int(word) for word in ours] == theirs.tolist()


def test_normals_are_standard_normal_and_depend_on_their_counter_alone():
    draws = np.empty(200_000)
    normals(np.uint64(1), np.uint64(2), 3, 4, draws)
    # Standard errors of mean, variance and fourth moment of n normals: 1, sqrt(2) and sqrt(96) over sqrt(n); 5 of each.
    error = 5 / np.sqrt(len(draws))
    assert abs(draws.mean()) < error
    assert abs(draws.var() - 1) < np.sqrt(2) * error
    assert abs((draws**4).mean() - 3) < np.sqrt(96) * error
    some = np.empty(7)
    normals(np.uint64(1), np.uint64(2), 3, 4, some)
    np.testing.assert_array_equal(some, draws[:7])
    normals(np.uint64(1), np.uint64(2), 3, 5, some)
    assert not np.any(some == draws[:7])


@pytest.mark.parametrize("seed", range(12))
def test_lists_of_reactions_equal_the_stoichiometric_form_and_solve_the_whole_jacobian(seed):
    """Random networks, with catalysts, species that nothing changes and reactions of a species with itself."""
    from random_networks import draw

    net = draw(seed).network
    kernel = compile_network(net, listed=True)
    rng = np.random.default_rng(seed)
    state, constants = (
        rng.uniform(0, 2, net.n_species),
        net.rate_constants() * rng.uniform(0.5, 2, net.n_reactions),
    )
    expected = net.stoichiometry() @ net.fluxes(state, constants)
    scale = np.abs(net.stoichiometry()) @ net.fluxes(state, constants)
    np.testing.assert_array_less(np.abs(kernel(state, constants) - expected), 1e-14 * scale + 1e-300)
    jacobian = net.jacobian(state, constants).toarray()
    dynamic = jacobian[: net.n_dynamic, : net.n_dynamic]
    radius = np.abs(dynamic).sum(axis=1).max(initial=0.0)
    # Up to here every pivot is at least 1/2; beyond, steps are refused where something grows.
    for step in (1e-3 / radius, 0.5 / radius):
        matrix, right = np.eye(net.n_species) - step * jacobian, rng.normal(size=net.n_species)
        right[net.n_dynamic :] = 0.0
        found, bound = kernel.solve_linear(state, constants, step, right)
        np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-12, atol=1e-12)
        assert bound == pytest.approx(radius, rel=1e-12)


@pytest.mark.parametrize("rate", [1.0, 1e6, 1e12])
def test_stiff_exchange_is_solved_as_well_as_its_condition_allows(rate):
    net = Network()
    for name in "ABCD":
        net.add_species(name)
    for number, equation in enumerate(("A -> B", "B -> A", "B + C -> D", "D -> B + C", "D -> 0")):
        net.add_family(f"r{number}", equation, rate if number < 4 else 1.0)
    kernel = compile_network(net, listed=True)
    state, constants, right = (
        np.array([1.0, 0.7, 0.3, 0.2]),
        net.rate_constants(),
        np.array([1.0, -1, 0.5, 0.2]),
    )
    matrix = np.eye(4) - net.jacobian(state, constants).toarray()
    found, _ = kernel.solve_linear(state, constants, 1.0, right)
    # Backward stable: what is left of the right-hand side is rounding of the largest products.
    assert np.max(np.abs(matrix @ found - right)) < 1e-14 * np.abs(matrix).max() * np.abs(found).max()


def test_lists_of_a_pot_do_what_its_families_do():
    net = onepot((2, 3, 1)).network
    kernels = compile_network(net), compile_network(net, listed=True)
    rng = np.random.default_rng(0)
    state, constants = rng.uniform(0, 2, net.n_species), net.rate_constants()
    np.testing.assert_allclose(*(kernel(state, constants) for kernel in kernels), rtol=1e-12, atol=1e-13)


def test_factors_of_a_chain_and_of_a_star_have_no_fill():
    from crnsim.kinetics.elimination import factor_pattern

    n = 200
    chain = factor_pattern(n, np.arange(1, n), np.arange(n - 1))
    assert len(chain.column) == 2 * n - 1
    star = factor_pattern(
        n, np.r_[np.zeros(n - 1, int), np.arange(1, n)], np.r_[np.arange(1, n), np.zeros(n - 1, int)]
    )
    assert len(star.column) == 3 * n - 2


def test_what_is_compiled_by_one_process_is_not_compiled_by_another_at_once(tmp_path):
    command = (
        "import logging; logging.basicConfig(level='INFO', format='%(message)s'); "
        "from crnsim.compiled import once; import pathlib, sys, time\n"
        "with once('thing', 'compiling the thing'):\n"
        "    begin = time.time(); time.sleep(0.5)\n"
        "    print(begin, time.time())"
    )
    environment = {**os.environ, "CRNSIM_CACHE_DIR": str(tmp_path / "cache")}
    options = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", command], **options) for _ in range(2)]
    spans, said = [], []
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        spans.append([float(number) for number in out.split()])
        said.append(err.count("compiling the thing"))
    (_, end), (begin, _) = sorted(spans)
    assert end <= begin + 0.05
    assert sorted(said) == [0, 1]


def test_a_second_process_compiles_meanwhile_and_is_not_needed(tmp_path, monkeypatch):
    with meanwhile(f"import os; open({str(tmp_path / 'by')!r}, 'w').write(str(os.getpid()))"):
        pass
    assert int((tmp_path / "by").read_text()) != os.getpid()
    for statement in ("", "import no_such_module", "raise SystemExit(3)"):
        with meanwhile(statement):
            (tmp_path / "done").touch()
        (tmp_path / "done").unlink()
    # Nothing of the working folder is imported, and one processor has no room for two.
    (tmp_path / "numba.py").write_text("open('stranger', 'w')")
    monkeypatch.chdir(tmp_path)
    with meanwhile("import numba"):
        pass
    assert not (tmp_path / "stranger").exists()
    monkeypatch.setattr(compiled, "processors", lambda: 1)
    with meanwhile(f"open({str(tmp_path / 'one')!r}, 'w')"):
        pass
    assert not (tmp_path / "one").exists()


def test_a_second_process_ends_with_what_it_was_for(tmp_path):
    begun = time.monotonic()
    with pytest.raises(KeyError), meanwhile("import time; time.sleep(60)"):
        raise KeyError
    assert time.monotonic() - begun < 30


def test_the_loop_is_compiled_once_for_all_networks_and_protocols():
    # In a process of its own: with the types of any batch, those that a second process compiles it for.
    command = """
import numpy as np, crnsim
from crnsim.solvers.ode.batch import compile_loop, _LOOP
compile_loop()
pot = crnsim.onepot((2, 2, 1))
crnsim.simulate(pot.network, [0, 1], initial=pot.initial)
noise = crnsim.Noise(rates=0.1, concentrations=0.1, interval=0.5)
crnsim.simulate(pot.network, [0, 1], initial=pot.initial, noise=noise)
crnsim.train(pot, crnsim.load_dataset("xor"), epochs=1, running_time=1)
print(len(_LOOP.signatures))
"""
    run = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert run.stdout.split()[-1] == "1"
