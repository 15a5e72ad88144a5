"""Statistics of many runs, and `crnsim simulate`: the command of people who just have a network."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import xarray as xr

import crnsim
from crnsim import CrnsimError, Noise, read_crn
from crnsim.cli import main
from crnsim.simulation import ensembles

TEXT = "X + Y ->{k} 2B; B + X ->{k} 2X; B + Y ->{k} 2Y\nk=1\ninit X 0.6; init Y 0.4"
TIMES = np.linspace(0, 10, 11)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.crn").write_text(TEXT)
    return tmp_path


def test_statistics_are_those_of_the_runs(monkeypatch):
    monkeypatch.setattr(ensembles, "_MOST_AT_A_TIME", 16)
    network, options = read_crn(TEXT), {"noise": Noise(rates=0.3, concentrations=0.1), "seed": 3}
    runs = crnsim.simulate(network, TIMES, replicates=50, **options)
    shares = []
    found = crnsim.ensemble(network, TIMES, replicates=50, progress=shares.append, **options)
    c = runs["concentration"]
    close = {"rtol": 1e-12, "atol": 1e-14}  # sums in another order
    np.testing.assert_allclose(found["mean"], c.mean("replicate"), **close)
    np.testing.assert_allclose(found["standard_deviation"], c.std("replicate", ddof=1), **close)
    np.testing.assert_array_equal(found["minimum"], c.min("replicate"))
    np.testing.assert_array_equal(found["maximum"], c.max("replicate"))
    np.testing.assert_array_equal(found["quantiles"], np.quantile(c, found["quantile"], axis=0))
    np.testing.assert_array_equal(found["shown"], c[:10])
    for name in ("status", "steps", "error", "warning", "reason"):
        np.testing.assert_array_equal(found[name], runs[name])
    assert found.attrs["n_ok"] == 50
    assert shares == [0.32, 0.64, 0.96, 1.0]


def test_runs_that_fail_are_counted_and_left_out():
    # 2X -> 3X blows up at 1 / (k x0): with rate noise some runs do before the end, others do not.
    network = read_crn("2X ->{0.5} 3X; init X 1")
    found = crnsim.ensemble(network, [0, 1, 1.9], replicates=64, noise=Noise(rates=0.3), seed=1)
    ok = int((found["status"] == 0).sum())
    assert 0 < ok < 64
    assert found.attrs["n_ok"] == ok
    assert np.isfinite(found["mean"]).all()
    none = crnsim.ensemble(network, [0, 3], replicates=8, noise=Noise(rates=0.01))
    assert none.attrs["n_ok"] == 0
    assert np.isnan(none["mean"]).all()
    assert "quantiles" not in none


def test_quantiles_that_would_not_fit_are_left_out(monkeypatch):
    monkeypatch.setattr(ensembles, "_QUANTILE_BYTES", 1000)
    found = crnsim.ensemble(read_crn(TEXT), TIMES, replicates=20, noise=Noise(rates=0.3))
    assert "quantiles" not in found
    assert "quantiles left out" in found.attrs["remark"]


def test_quantiles_are_numbers_from_0_to_1():
    for wrong in ([1.5], ["a"], [[0.5]], 0.5, None):
        with pytest.raises(CrnsimError, match="quantiles"):
            crnsim.ensemble(read_crn(TEXT), TIMES, quantiles=wrong)


def test_the_command_prints_keeps_and_draws(here, capsys):
    words = [
        "simulate",
        "net.crn",
        "--t",
        "10",
        "--times",
        "11",
        "--noise-rates",
        "0.3",
        "--replicates",
        "20",
    ]
    assert main([*words, "--seed", "3", "--species", "X,B", "-o", "run.nc", "--plot", "run.png"]) == 0
    said = capsys.readouterr().out
    assert "net.crn: 3 species, 3 reactions, to time 10, noise rates 0.3" in said
    assert "20 of 20 replicates ok" in said
    data = xr.load_dataset("run.nc")
    assert data["species"].values.tolist() == ["X", "B"]
    expected = crnsim.ensemble(
        read_crn(TEXT), TIMES, replicates=20, noise=Noise(rates=0.3), seed=3, species=["X", "B"]
    )
    np.testing.assert_array_equal(data["mean"], expected["mean"])
    assert (here / "run.png").read_bytes()[:4] == b"\x89PNG"


def test_what_the_command_keeps_says_what_was_run(here):
    (here / "w.crn").write_text("w = [1, 2]; k = 3; species A[2]; A[i] ->{k*w[i]} 0; init A 1")
    assert (
        main(["simulate", "w.crn", "--t", "2", "--set", "w[1]=0.5,k=1", "--initial", "A[0]=2", "-o", "a.nc"])
        == 0
    )
    data = xr.load_dataset("a.nc")
    again = read_crn(data.attrs["network_text"])
    assert again.arrays["w"].tolist() == [1.0, 0.5]
    assert again.parameters["k"] == 1.0
    assert json.loads(data.attrs["parameters"]) == {"k": 1.0, "w": [1.0, 0.5]}
    same = crnsim.simulate(again, data["time"].values)
    np.testing.assert_array_equal(same["concentration"], data["concentration"])
    np.testing.assert_allclose(data["concentration"][0, -1], [2 * np.exp(-2), np.exp(-1)], rtol=1e-5, atol=0)


def test_a_pot_that_starts_empty(here, capsys):
    (here / "fill.crn").write_text("0 ->{2} A; A ->{1} 0")
    assert main(["simulate", "fill.crn", "--t", "40"]) == 0
    assert re.search(r"A +0 +2\n", capsys.readouterr().out)


def test_noise_by_its_keywords():
    network = read_crn(TEXT)
    given = {"rates": 0.3, "concentrations": 0.1, "interval": 2.0}
    one, other = (
        crnsim.ensemble(network, TIMES, replicates=3, noise=noise, seed=1)
        for noise in (given, Noise(**given))
    )
    np.testing.assert_array_equal(one["mean"], other["mean"])
    for wrong in (0.1, {"rate": 0.1}, {1: 2}, {"rates": "x"}):
        with pytest.raises(CrnsimError, match="noise"):
            crnsim.simulate(network, TIMES, noise=wrong)
    with pytest.raises(CrnsimError, match=r"such as Noise\(rates=0.1\)"):
        Noise(0.1)


def test_the_command_without_noise(here, capsys):
    words = [
        "simulate",
        "net.crn",
        "--t",
        "10",
        "--initial",
        "X=0.2,Y=0.8",
        "--set",
        "k=2",
        "--plot",
        "a.svg",
    ]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["species", "start", "end"]
    assert lines[2].split()[:2] == ["X", "0.2"]
    end = crnsim.simulate(
        read_crn(TEXT), np.linspace(0, 10, 201), initial={"X": 0.2, "Y": 0.8}, rates={"k": 2.0}
    )["concentration"][0, -1]
    assert lines[3].split()[2] == f"{float(end.sel(species='Y')):.5g}"
    assert "<svg" in (here / "a.svg").read_text()


def test_a_file_is_described_and_brought_into_another_format(here, capsys):
    assert main(["describe", "net.crn"]) == 0
    assert read_crn(capsys.readouterr().out).to_crn() == read_crn(TEXT).to_crn()
    assert main(["describe", "net.crn", "-o", "net.xml"]) == 0
    assert main(["describe", "net.xml", "--all"]) == 0
    out = capsys.readouterr().out
    assert "X + Y ->{1} 2B" in out
    assert main(["describe", "net.crn", "-o", "net.crn"]) == 2
    assert "this is the file that is read" in capsys.readouterr().err
    assert main(["describe", "none.crn"]) == 2
    assert (here / "net.crn").read_text() == TEXT


def test_another_format_keeps_the_names_of_parameters(here, capsys):
    (here / "n.crn").write_text(
        "w = [1, 2]; k = 3; q = 0.5; species A[2]; A[i] ->{k*w[i]} 0; 0 ->{q} A[0]; init A 1"
    )
    assert main(["describe", "n.crn", "-o", "n.xml"]) == 0
    assert main(["describe", "n.xml", "-o", "again.crn", "--set", "w[1]=5,q=2,A[1]=0.25"]) == 0
    again = read_crn(here / "again.crn")
    assert (again.parameters["k"], again.parameters["q"]) == (3.0, 2.0)
    assert again.arrays["w"].tolist() == [1.0, 5.0]
    assert again.initial["A"].tolist() == [1.0, 0.25]
    capsys.readouterr()
    for words, said in (
        (["--set", "zzz=7"], "--set zzz=7: no rate parameter or species 'zzz'"),
        (["--layers", "3,3"], "--layers belongs to a circuit"),
        (["--h", "5"], "--h belongs to a circuit"),
    ):
        assert main(["describe", "n.crn", *words]) == 2
        assert said in capsys.readouterr().err


def test_a_network_of_the_users_own_code(here, capsys):
    (here / "my_net.py").write_text(
        f"import crnsim\n\ndef majority():\n    return crnsim.read_crn('''{TEXT}''')\n\n"
        "NET = majority()\n\ndef wrong():\n    return 3\n\ndef fails():\n    return 1 / 0\n\nTEXT = 'x'\n"
    )
    for name in ("majority", "NET"):
        assert main(["simulate", f"my_net:{name}", "--t", "1"]) == 0
    assert "my_net:NET: 3 species" in capsys.readouterr().out
    for name, words in (
        ("wrong", "network my_net:wrong: it returned 3 and no crnsim.Network"),
        ("fails", "network my_net:fails: its code failed: ZeroDivisionError"),
        ("TEXT", "it is no crnsim.Network and no function"),
        ("nothing", "my_net has no 'nothing'"),
    ):
        assert main(["simulate", f"my_net:{name}", "--t", "1"]) == 2
        assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.crn"], "none.crn: there is no such file"),
        (["none"], "none: there is no such file"),
        (["net.txt"], "no format has this suffix"),
        (["net.crn", "--initial", "Q=1"], "--initial Q=1: no species 'Q'"),
        (["net.crn", "--initial", "X"], "--initial X: give a name and a number of 0"),
        (["net.crn", "--initial", "X=-1"], "--initial X=-1: give a name and a number of 0 or more"),
        (["net.crn", "-o", "a.csv"], "-o a.csv: the result is NetCDF"),
        (["net.crn", "--set", "q=1"], "--set q=1: no rate parameter or species 'q'; known: k, X, Y, B"),
        (["net.crn", "--set", "X=1", "--initial", "X=2"], "--set X and --initial: both say how it starts"),
        (
            ["w.crn", "--set", "w=1"],
            "--set w=1: w is an array of rate parameters; its values are w[0] to w[1]",
        ),
        (["w.crn", "--set", "q=1"], "--set q=1: rate parameter q is in no rate of a reaction"),
        (
            ["w.crn", "--set", "A[0]=1", "--initial", "A=1"],
            "--set A[0] and --initial: both say how it starts",
        ),
        (["net.crn", "--set", "k=1e-400"], "--set k=1e-400"),
        (["w.crn", "--set", "w[2]=1"], "--set w[2]=1: w[2] is not there; its values are w[0] to w[1]"),
        (["net.crn", "--set", "k=a"], "--set k=a: give a name and a number of 0"),
        (["net.crn", "--set", "k=1", "--set", "k=2"], "k is given twice"),
        (["net.crn", "--species", "X,Q"], "species: no species 'Q'"),
        (["net.crn", "--replicates", "10"], "--replicates: without noise all are alike"),
        (["net.crn", "--seed", "1"], "--seed: nothing is drawn without noise"),
        (["net.crn", "--plot", "a.txt"], "--plot a.txt: give a name that ends in .png, .svg, .pdf"),
        (["net.crn", "-o", "net.crn"], "net.crn"),
        (["net.crn", "--plot", "a.png", "-o", "a.png"], "both"),
        (["net.crn", "--noise-concentrations", "0.1", "--t", "1"], "interval/2"),
        (["net.crn", "--method", "euler"], "method"),
        (["net.crn", "--noise-inputs", "0.1"], "--noise-inputs"),
        (["still.crn"], "the network does not say how it starts"),
    ],
)
def test_what_is_wrong_is_one_line_and_writes_nothing(here, capsys, words, said):
    (here / "net.txt").write_text("x")
    (here / "still.crn").write_text("A ->{1} B")
    (here / "w.crn").write_text("w = [1, 2]; q = 1; species A[2]; A[i] ->{w[i]} 0; init A 1")
    before = sorted(here.iterdir())
    assert main(["simulate", *words, *([] if "--t" in words else ["--t", "10"])]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert sorted(here.iterdir()) == before
    assert (here / "net.crn").read_text() == TEXT


def test_histograms_are_reduced_block_by_block():
    network = read_crn("0 ->{5} X; X ->{1} 0; A <->{1}{2} B")
    options = {"initial": {"A": 1.0}, "volume": 10, "seed": 3}
    times = [0, 1, 4]
    runs = crnsim.simulate(network, times, replicates=600, **options)["concentration"].values
    edges = [0, 1, 3.5, 6, 20]
    found = crnsim.ensemble(network, times, replicates=600, bins=edges, **options)
    assert found["histogram"].dims == ("bin", "time", "species")
    np.testing.assert_array_equal(found["bin_edge"], np.tile(np.array(edges)[:, None], (1, 3)))
    for time in range(3):
        for species in range(3):
            expected = np.histogram(runs[:, time, species], edges)[0]
            np.testing.assert_array_equal(found["histogram"][:, time, species], expected)
    # A number of bins: a range for each species, and what lies beyond it is not lost.
    found = crnsim.ensemble(network, times, replicates=600, bins=7, **options)
    assert found["histogram"].shape == (7, 3, 3)
    assert np.all(found["histogram"].sum("bin") == 600)
    edges = found["bin_edge"].values
    assert np.all(np.diff(edges, axis=0) > 0)
    assert np.allclose(edges[0], -0.5 / options["volume"])
    for species in range(3):
        inner = np.concatenate([[-np.inf], edges[1:-1, species], [np.inf]])
        expected = np.histogram(runs[:, 2, species], inner)[0]
        np.testing.assert_array_equal(found["histogram"][:, 2, species], expected)
    explodes, all_fail = read_crn("2X ->{1} 3X"), {"volume": 1000, "max_steps": 1, "replicates": 20}
    for bins in ([0, 1, 2], 10):
        found = crnsim.ensemble(explodes, [0, 1, 2], initial={"X": 1}, bins=bins, **all_fail)
        assert found.attrs["n_ok"] == 0
        assert not found["histogram"].any() if isinstance(bins, list) else "histogram" not in found
    for wrong in (0, 1.5, [1, 1], [3], "many", [2, 1], [[0, 1]], True, 10**9):
        with pytest.raises(CrnsimError, match="bins"):
            crnsim.ensemble(network, times, bins=wrong, **options)


def test_bins_of_molecules_hold_as_many_numbers_each():
    network = read_crn("0 ->{1} X; X ->{1} 0; init X 1")
    found = crnsim.ensemble(network, [0, 20], volume=50, replicates=2000, bins=20, seed=1)
    edges = found["bin_edge"].values.ravel() * 50
    assert np.allclose(edges - np.floor(edges), 0.5)
    assert np.ptp(np.diff(edges)) < 1e-9
    counts = found["histogram"].isel(time=-1).values.ravel()
    assert counts.sum() == 2000
    # A law with one hill has no gaps and no comb.
    there = np.flatnonzero(counts)
    assert np.all(counts[there[0] : there[-1] + 1] > 0)
