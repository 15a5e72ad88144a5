"""Made-up summaries have the format of real ones: what tests read from them is what a sweep writes."""

from __future__ import annotations

import json

import pytest
import synthetic
from small_sweeps import compute_sweep
from synthetic import Made

from crnsim.report.trajectories import trajectories
from crnsim.store.points import read_points

KINDS_OF_TEXT = {"O": "text", "U": "text", "T": "text"}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    results = compute_sweep(tmp_path_factory.mktemp("real"), trajectories={"replicates": 1})
    return read_points(results / "summary" / "xor-onepot-smooth.nc")


@pytest.fixture(scope="module")
def made_up():
    made = Made(
        lambda t, k, m, r: 1.0,
        running_times=(5, 10),
        noise={"rates": (0.1,)},
        replicates=3,
        epochs=2,
        trajectories=1,
        agreement=lambda t, k, m, r: 1.0,
    )
    return synthetic.summary(made)


def layout(summary):
    """Dimensions and type of every variable; texts may be stored in several ways."""
    return {
        str(name): (variable.dims, KINDS_OF_TEXT.get(variable.dtype.kind, variable.dtype.str))
        for name, variable in summary.variables.items()
    }


def test_variables_have_the_names_dimensions_and_types_of_real_ones(real, made_up):
    assert layout(made_up) == layout(real)


def test_points_of_the_same_sweep_are_laid_out_alike(real, made_up):
    for name in ("running_time", "noise_kind", "noise_rates", "replicate", "seed", "epoch"):
        assert made_up[name].values.tolist() == real[name].values.tolist()
    assert made_up.sizes["point"] == real.sizes["point"] == 12
    assert made_up["status"].attrs["flag_meanings"] == real["status"].attrs["flag_meanings"]
    assert made_up["status"].attrs["flag_values"].tolist() == real["status"].attrs["flag_values"].tolist()


def test_attributes_have_the_names_and_types_of_real_ones(real, made_up):
    def kinds(attrs):
        return {name: "text" if isinstance(value, str) else "number" for name, value in attrs.items()}

    assert kinds(made_up.attrs) == kinds(real.attrs)
    for name, value in real.attrs.items():
        if isinstance(value, str) and value.startswith(("{", "[")):
            assert type(json.loads(made_up.attrs[name])) is type(json.loads(value)), name
    for name in ("dataset", "circuit", "activation", "activation_label", "role", "layers", "mode", "schema"):
        assert made_up.attrs[name] == real.attrs[name]


def test_recorded_points_and_signals_are_named_as_in_real_ones(real, made_up):
    assert set(made_up["recorded"].values.tolist()) <= set(made_up["point_key"].values.tolist())
    told, truly = (json.loads(summary.attrs["signals"]) for summary in (made_up, real))
    assert [(group["title"], group["species"]) for group in told] == [
        (group["title"], group["species"]) for group in truly
    ]
    assert {name for group in told for pair in group["species"] for name in pair if name} <= set(
        made_up["species"].values.tolist()
    )


def test_the_page_draws_the_signals_that_a_real_result_names(real):
    run, *_ = trajectories([real])
    told = json.loads(real.attrs["signals"])
    assert [figure.heading for figure in run.figures] == [group["title"] for group in told]
    drawn = [[name for name, _, _ in figure.legend] for figure in run.figures]
    assert drawn == [[name for pair in group["species"] for name in pair if name] for group in told]
