"""Methods under one contract: what each can, requests that none can meet, and methods from outside of the package."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields, replace
from importlib.metadata import EntryPoint

import numpy as np
import pytest
from pages import DOCS, files_of

from crnsim import CrnsimError, Network, simulate
from crnsim.outcomes import FAILED, OK
from crnsim.solvers import METHODS, Method, Request, find_method, methods, solve
from crnsim.solvers.methods import check_request
from crnsim.solvers.single import plain_protocol


@pytest.fixture
def here(tmp_path):
    """The files of the page in a directory of their own, with nothing imported from it before or after."""
    with files_of("methods.md", tmp_path) as folder:
        yield folder


def network(*reactions: tuple[str, float], species: str = "X") -> Network:
    net = Network()
    for name in species:
        net.add_species(name)
    for equation, rate in reactions:
        net.add_family("any", equation, rate)
    return net


def protocol_of(net: Network, runs: int = 1, span: float = 1.0, value: float = 0.0):
    start = np.full((runs, net.n_species), value)
    return plain_protocol(
        start,
        net.rate_constants()[None],
        span=span,
        grid=np.array([0.0, 1.0]),
        rtol=1e-3,
        atol=1e-6,
        max_steps=10_000,
    )


def test_the_table_of_the_page_is_that_of_the_code():
    def word(flag: bool) -> str:
        return "yes" if flag else "no"

    lines = [
        f"| `{m.name}` | {word(m.stochastic)} | {word(m.jacobian)} | {word(m.events)} | {m.output} | "
        f"{', '.join(map(str, m.orders))} | {m.source} |"
        for m in METHODS.values()
    ]
    found = [line for line in (DOCS / "methods.md").read_text().splitlines() if line.startswith("| `")]
    assert found == lines


def test_the_table_costs_no_import_of_the_solvers():
    command = "import sys, crnsim.solvers; print(sorted({'numba', 'scipy.integrate'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", METHODS)
def test_every_built_in_method_has_the_function_it_names(name):
    assert callable(METHODS[name].function())


def test_the_compiled_steps_are_declared_as_the_loop_takes_them():
    from crnsim.solvers.ode.steps import _ATTEMPTS, BS23, DP45, NAMES, RKC, RODAS, ROSW, STEPS

    codes = (BS23, RKC, ROSW, DP45, RODAS)
    assert [NAMES[code] for code in codes] == ["bs23", "rkc", "rosw", "dp45", "rodas"]
    assert len(NAMES) == len(STEPS) == len(_ATTEMPTS)
    assert [function.__name__ for function in _ATTEMPTS] == [f"attempt_{name}" for name in NAMES]
    for name, step in zip(NAMES, STEPS, strict=True):
        assert (METHODS[name].output == "interpolated") == bool(step["interpolated"])
        # A step of fixed stages costs their number of evaluations; the stabilised method has as many as it needs.
        assert (step["evaluations"] == 0) == bool(step["stabilised"])
        # The error falls with the order of the embedded solution, and one more within a step, if that one is of it.
        orders = METHODS[name].orders
        assert int(step["falls"]) == (orders[-1] + 1 if len(orders) == 2 else 3), name


def test_a_deterministic_method_of_ones_own_has_its_order(here):
    chain = network(("A -> B", 1.0), ("B -> 0", 0.5), species="AB")
    t = np.linspace(0, 5, 11)
    exact = np.stack([2 * np.exp(-t), 4 * (np.exp(-0.5 * t) - np.exp(-t))], axis=1)
    module = sys.modules[find_method("my_methods:HEUN").function().__module__]
    errors = []
    for step in (0.01, 0.005):
        module.STEP = step
        run = simulate(chain, t, initial={"A": 2.0}, method="my_methods:HEUN")
        errors.append(float(np.abs(run.concentration[0] - exact).max()))
        assert run.status.item() == 0
        assert run.steps.item() == pytest.approx(5 / step)
    # The leading term for A: 2 t exp(-t) h^2/6, largest at t = 1; B has up to twice that. Order 2: a quarter with h/2.
    assert errors[0] < 2 * 2 * np.exp(-1) * 0.01**2 / 6
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.03)
    assert run.attrs["method"] == "my_methods:HEUN"
    assert "volume" not in run.attrs


def test_a_stochastic_method_of_ones_own_follows_the_law(here):
    birth = network(("0 -> X", 2.0), ("X -> 0", 1.0))
    options = {"method": "my_methods:DIRECT", "initial": {}, "volume": 10.0, "replicates": 1000}
    run = simulate(birth, [0, 0.5, 2], seed=3, **options)
    molecules = 10 * run.concentration.values[:, 1:, 0]
    mean = 20 * (1 - np.exp(-np.array([0.5, 2.0])))
    # Poisson, as the network starts empty; four standard errors of mean and variance, whose fourth moment is m + 3 m^2.
    np.testing.assert_array_less(np.abs(molecules.mean(axis=0) - mean), 4 * np.sqrt(mean / 1000))
    error = np.sqrt((mean + 2 * mean**2) / 1000)
    np.testing.assert_array_less(np.abs(molecules.var(axis=0) - mean), 4 * error)
    assert (run.attrs["volume"], run.attrs["seed"]) == (10.0, 3)


def test_a_pair_of_molecules_reacts_as_often_as_the_rate_law_says(here):
    # 2X -> 0 at k x^2 gains k n (n - 1) / volume: of two molecules in a volume of 4, exp(-2 t / 4) are left as a pair.
    pair = network(("2X -> 0", 1.0))
    run = simulate(
        pair,
        [0, 1.0],
        initial={"X": 0.5},
        method="my_methods:DIRECT",
        volume=4,
        seed=0,
        replicates=2000,
    )
    left = float((run.concentration.values[:, -1, 0] > 0).mean())
    expected = np.exp(-0.5)
    # Binomial: four standard errors. Twice or half the rate would be 20 of them away.
    assert abs(left - expected) < 4 * np.sqrt(expected * (1 - expected) / 2000)


def test_runs_of_a_stochastic_method_depend_on_seed_and_number_alone(here):
    birth = network(("0 -> X", 2.0), ("X -> 0", 1.0))
    options = {"method": "my_methods:DIRECT", "initial": {}, "volume": 100.0, "replicates": 4}
    t = np.linspace(0, 2, 9)
    first, again, other = (simulate(birth, t, seed=s, **options).concentration.values for s in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len({run.tobytes() for run in first}) == 4
    # Run 2 alone, with its number; and no seed is the seed 0.
    alone = protocol_of(birth, span=2.0)
    alone.member["replicate"] = 2
    record, _ = solve(birth, alone, method=options["method"], volume=100.0, seed=5)
    assert record.final[0, 0] == first[2, -1, 0]
    np.testing.assert_array_equal(
        simulate(birth, t, **options).concentration, simulate(birth, t, seed=0, **options).concentration
    )


def test_a_spent_budget_of_ones_own_method_is_an_outcome(here):
    birth = network(("0 -> X", 2.0))
    run = simulate(birth, [0, 10.0], method="my_methods:DIRECT", initial={}, volume=100, max_steps=7)
    assert run.steps.item() == 7
    assert "budget of 7 steps" in run.reason.item()


def test_the_check_of_the_page_finds_nothing(here):
    # In a process of its own, as a reader would run it.
    script = [sys.executable, str(here / "check.py")]
    run = subprocess.run(script, cwd=here, capture_output=True, text=True, check=True)
    said = dict(re.findall(r"^(.*?):? (-?[\d.e-]+)$", run.stdout, re.MULTILINE))
    assert float(said["heun off by"]) < 5e-5  # as above
    assert abs(float(said["mean off by standard errors"])) < 4


REQUESTS = [
    ("rosw", {"volume": 10.0}, "'rosw' is deterministic and takes no volume, no seed and no intrinsic noise"),
    ("BDF", {"seed": 0}, "'BDF' is deterministic.*given: seed"),
    ("my_methods:HEUN", {"volume": 1.0, "seed": 1}, "'my_methods:HEUN' is deterministic.*volume, seed"),
    ("my_methods:DIRECT", {"seed": 1}, "'my_methods:DIRECT' is stochastic.*give the volume"),
    ("my_methods:DIRECT", {"volume": 0.0}, "volume is 0.0; it must be a number >= 1e-50"),
    ("my_methods:DIRECT", {"volume": float("nan")}, "volume is nan"),
]


@pytest.mark.parametrize(("method", "options", "words"), REQUESTS)
def test_a_request_that_a_method_cannot_meet_is_one_error_that_names_it(here, method, options, words):
    with pytest.raises(CrnsimError, match=words) as error:
        simulate(network(("X -> 0", 1.0)), [0, 1], initial={"X": 1.0}, method=method, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_presentations": 2}, "several presentations"),
        ({"noise_concentrations": 0.1}, "noise on concentrations"),
        ({"noise_rates": 0.1}, "rate constants drawn for each presentation"),
    ],
)
@pytest.mark.parametrize("method", ["LSODA", "my_methods:HEUN"])
def test_events_need_a_method_that_has_them(here, method, change, words):
    net = network(("X -> 0", 1.0))
    protocol = protocol_of(net)
    for name, value in change.items():
        protocol.member[name] = value
    with pytest.raises(CrnsimError, match=f"'{method}'.*{words}.*auto, bs23, dp45, rkc, rosw, rodas"):
        solve(net, protocol, method=method)


def test_samples_need_a_method_that_shows_them(here):
    protocol = protocol_of(network(("X -> 0", 1.0)))._replace(clamp=np.array([[0, -1]]))
    with pytest.raises(CrnsimError, match="samples to show"):
        check_request(METHODS["Radau"], protocol, Request("Radau"))
    check_request(METHODS["rosw"], protocol, Request("rosw"))
    stochastic = find_method("my_methods:DIRECT")
    with pytest.raises(CrnsimError, match="built in for that: ssa"):
        check_request(stochastic, protocol, Request("my_methods:DIRECT", volume=1.0))


def test_an_installed_package_offers_a_method_by_name(here, monkeypatch):
    entry = EntryPoint("direct", "my_methods:DIRECT", methods.ENTRY_POINTS)
    find_method("my_methods:DIRECT")
    monkeypatch.setattr(
        "crnsim.registry._installed", lambda group: [entry] if group == methods.ENTRY_POINTS else []
    )
    assert find_method("direct").stochastic
    with pytest.raises(CrnsimError, match="unknown method 'directs'; did you mean 'direct'"):
        find_method("directs")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("WRONG = 3", "it is no crnsim.solvers.Method, but of type int"),
        ("WRONG = Method('wrong', '', '', 'nowhere')", "its run is 'nowhere'; give a function"),
        ("WRONG = Method('bs23', '', '', print)", "its name 'bs23' is that of a built-in one"),
        ("RIGHT = 1", "my_wrong has no 'WRONG'"),
    ],
)
def test_a_method_that_cannot_be_used_is_one_clear_error(here, code, words):
    (here / "my_wrong.py").write_text(f"from crnsim.solvers import Method\n{code}\n")
    with pytest.raises(CrnsimError, match=words):
        find_method("my_wrong:WRONG")


def test_a_method_is_a_value():
    # Frozen and without defaults for what every method must say.
    required = [f.name for f in fields(Method)][:4]
    assert required == ["name", "title", "source", "run"]
    assert replace(METHODS["bs23"], name="other") != METHODS["bs23"]
    with pytest.raises(AttributeError):
        METHODS["bs23"].name = "other"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_run_that_a_method_calls_whole_without_finite_numbers_has_failed(value, monkeypatch):
    def run(network, protocol, record, request):
        record.final[:] = value
        record.run["status"] = OK

    monkeypatch.setitem(METHODS, "odd", Method("odd", "", "", run))
    record, _ = solve(network(("X -> 0", 1.0)), protocol_of(network(("X -> 0", 1.0))), method="odd")
    assert record.run["status"].tolist() == [FAILED]


def test_code_of_a_users_method_that_fails_is_one_line(tmp_path, monkeypatch):
    text = "from crnsim.solvers import Method\nBAD = Method('bad', '', '', lambda n, p, r, q: 1 / 0)\n"
    (tmp_path / "bad_method.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(CrnsimError, match="method bad_method:BAD: its code failed: ZeroDivisionError"):
        simulate(network(("X -> 0", 1.0)), [0, 1], initial={"X": 1.0}, method="bad_method:BAD")


def test_a_run_that_a_method_says_nothing_of_has_failed_and_that_is_said(monkeypatch):
    monkeypatch.setitem(METHODS, "mute", Method("mute", "", "", lambda *arguments: None))
    chain = network(("X -> 0", 1.0))
    record, reasons = solve(chain, protocol_of(chain), method="mute")
    assert record.run["status"].tolist() == [FAILED]
    assert reasons == ["the method has not said how the run ended (time 0)"]
