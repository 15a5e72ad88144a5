"""Sweep files: what is read, and the one line for each mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_sweeps import small_sweep, write_sweep

from crnsim.errors import ConfigError, suggest
from crnsim.sweep.config.model import Sweep
from crnsim.sweep.config.read import read_sweep, validate
from crnsim.sweep.config.reader import Document, read_yaml
from crnsim.sweep.config.reference import markdown, schema_text
from crnsim.sweep.config.resolve import ResolvedSweep
from crnsim.sweep.plan.groups import groups

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = [ROOT / "config/config.yaml", *sorted((ROOT / "config/sweeps").glob("*.yaml"))]

GOOD = """\
activations:
  smooth: {name: squareplus, h: 0.1, role: smooth}
  relu: {name: relu, kz: 50, role: baseline}
running_times: [30, 1e2]
noise:
  rates: {magnitudes: [0.02, 5e-2]}
  concentrations: {magnitudes: [0.1], scope: signals}
datasets:
  xor: {}
  iris: {replicates: 5, noise: {concentrations: null}}
"""


@pytest.fixture
def resolved(tmp_path):
    def read_text(text: str) -> ResolvedSweep:
        (tmp_path / "sweep.yaml").write_text(text)
        return read_sweep(tmp_path / "sweep.yaml")

    return read_text


@pytest.fixture
def read(resolved):
    def read_text(text: str) -> Sweep:
        return resolved(text).sweep

    return read_text


def complaint(read, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    message = str(caught.value)
    assert "\n" not in message
    assert "sweep.yaml: " in message
    return message.partition("sweep.yaml: ")[2]


def test_numbers_in_every_notation_are_numbers(read):
    sweep = read(GOOD)
    assert sweep.running_times == (30.0, 100.0)
    assert sweep.noise.rates.magnitudes == (0.02, 0.05)


def test_name_is_that_of_the_file_unless_given(read):
    assert read(GOOD).name == "sweep"
    assert read(GOOD + "name: other\n").name == "other"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "running_times",
            "runing_times",
            "line 4: unknown key 'runing_times'; did you mean 'running_times'?",
        ),
        ("rates:", "rate:", "line 6: noise: unknown key 'rate'; did you mean 'rates'?"),
        (
            "replicates: 5",
            "replicats: 5",
            "line 10: datasets.iris: unknown key 'replicats'; did you mean 'replicates'?",
        ),
        ("iris:", "irsi:", "line 10: datasets.irsi: unknown data set; did you mean 'iris'? known: "),
        ("xor: {}", "XOR: {}", "line 9: datasets.XOR: unknown data set; did you mean 'xor'? known: "),
        ("0.02", "-0.02", "line 6: noise.rates.magnitudes[0] is -0.02; it must be 0 or more"),
        ("0.02", "10", "line 6: noise.rates.magnitudes[0] is 10; it must be 2 or less; 10 % is 0.1"),
        ("0.02", ".nan", "line 6: noise.rates.magnitudes[0] is nan; it must be a finite number"),
        ("30", ".inf", "line 4: running_times[0] is inf; it must be a finite number"),
        (
            "0.02",
            "'0,02'",
            "line 6: noise.rates.magnitudes[0] is '0,02'; it must be a number; write 0.02, with a point",
        ),
        ("0.02", "2%", "line 6: noise.rates.magnitudes[0] is '2%'; it must be a number; write 0.02"),
        ("0.02", "true", "line 6: noise.rates.magnitudes[0] is True; it must be a number"),
        ("30", "0", "line 4: running_times[0] is 0; it must be 1e-09 or more"),
        ("30", "30 min", "line 4: running_times[0] is '30 min'; it must be a number"),
        ("[30, 1e2]", "[30, 30.0]", "line 4: running_times lists 30.0 twice; list each value once"),
        ("[30, 1e2]", "[]", "line 4: running_times is empty; give at least one"),
        ("[30, 1e2]", "30", "line 4: running_times is 30; it must be a list of numbers, such as [30, 100]"),
        (
            "[30, 1e2]",
            "",
            "line 4: running_times is nothing; it must be a list of numbers, such as [30, 100]",
        ),
        ("[0.02, 5e-2]", "[]", "line 6: noise.rates.magnitudes is empty; give at least one"),
        (
            "{magnitudes: [0.1], scope: signals}",
            "{scope: all}",
            "line 7: noise.concentrations.magnitudes: missing; ",
        ),
        (
            "{magnitudes: [0.1], scope: signals}",
            "[0.1]",
            "line 7: noise.concentrations is [0.1]; it must be settings ",
        ),
        ("signals", "signal", "line 7: noise.concentrations.scope is 'signal'; did you mean 'signals'?"),
        ("h: 0.1", "h: 0", "line 2: activations.smooth.h: h is 0.0; it must be a number >= 1e-30"),
        ("h: 0.1", "hh: 0.1", "line 2: activations.smooth.hh: squareplus has no such key; did you mean 'h'?"),
        (
            "squareplus",
            "squarplus",
            "line 2: activations.smooth.name: unknown activation 'squarplus'; did you mean ",
        ),
        ("role: smooth", "role: smoth", "line 2: activations.smooth.role is 'smoth'; did you mean 'smooth'?"),
        ("role: baseline", "role: smooth", "line 3: activations.relu.role: smooth is smooth already; "),
        ("relu, kz: 50", "squareplus, h: 0.1", "line 3: activations.relu: the same as smooth; "),
        ("  smooth:", "  smooth-one:", "line 2: activations.smooth-one: 'smooth-one' does not fit a path; "),
        ("replicates: 5", "replicates: 0", "line 10: datasets.iris.replicates is 0; it must be 1 or more"),
        (
            "replicates: 5",
            "replicates: 2.5",
            "line 10: datasets.iris.replicates is 2.5; it must be a whole number",
        ),
        ("replicates: 5", "layers: [2, 8, 3]", "line 10: datasets.iris.layers: "),
        (
            "replicates: 5",
            "layers: '4,8,3'",
            "line 10: datasets.iris.layers is '4,8,3'; it must be a list of whole ",
        ),
        (
            "replicates: 5",
            "activations: [smoth]",
            "line 10: datasets.iris.activations[0]: no activation is labelled 'smoth'",
        ),
        ("replicates: 5", "activations: []", "line 10: datasets.iris.activations is empty; "),
        (
            "replicates: 5",
            "learning_rate: 0",
            "line 10: datasets.iris.learning_rate is 0; it must be 1e-15 or more",
        ),
        (
            "replicates: 5",
            "circuit_parameters: {ka: -1}",
            "line 10: datasets.iris.circuit_parameters.ka: ka is -1.0; ",
        ),
        (
            "replicates: 5",
            "circuit_parameters: {kaa: 1}",
            "line 10: datasets.iris.circuit_parameters.kaa: unknown ",
        ),
        (
            "replicates: 5",
            "circuit_parameters: {eps: 1}",
            "line 10: datasets.iris.circuit_parameters.eps: eps follows ",
        ),
    ],
)
def test_each_mistake_is_one_line_with_line_key_value_and_what_would_be_right(read, old, new, said):
    assert old in GOOD
    assert complaint(read, GOOD.replace(old, new)).startswith(said)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("epochs: 20", "line 11: unknown key 'epochs'; it belongs to a data set, "),
        ("replicates: 0", "line 11: replicates is 0; it must be 1 or more"),
        ("replicates: -3", "line 11: replicates is -3; it must be 1 or more"),
        ("seed: -1", "line 11: seed is -1; it must be 0 or more"),
        ("name: a/b", "line 11: name: 'a/b' does not fit a path; "),
        ("name: ../up", "line 11: name: '../up' does not fit a path; "),
        ("name: 12", "line 11: name is 12; it must be text; put it between quotes"),
        ("circuit: one-pot", "line 11: circuit: unknown circuit 'one-pot'; did you mean 'onepot'?"),
        (
            "circuit_parameters: {kaa: 3}",
            "line 11: circuit_parameters.kaa: unknown parameter of onepot; did you mean ",
        ),
        (
            "circuit_parameters: {output: softmax}",
            "line 11: circuit_parameters.output: output is 'softmax'; use one of linear, algebraic_sigmoid",
        ),
        ("circuit_parameters: {ka: fast}", "line 11: circuit_parameters.ka: ka is 'fast'; it must be a "),
        ("circuit_parameters: {ka: 5 %}", "line 11: circuit_parameters.ka"),
        ("circuit: feedforward", "line 11: circuit: feedforward does not learn; "),
        ("solver: {rtol: 0}", "line 11: solver.rtol is 0; it must be 1e-14 or more"),
        ("chunks: {workers: 0}", "line 11: chunks.workers is 0; it must be 1 or more"),
        ("title: a\ntitle: b", "line 12: title is written twice; keep one of the two"),
        ("1: x", "line 11: the key '1' is not text; put it between quotes"),
    ],
)
def test_each_mistake_in_an_added_line_is_one_line(read, line, said):
    assert complaint(read, GOOD + line + "\n").startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty; a sweep needs datasets, activations and running_times"),
        ("hello", "not a sweep: "),
        ("- xor", "not a sweep: "),
        ("a: [1", "line 1: not YAML: "),
        ("\ta: 1", "line 1: not YAML: "),
        ("a: 1\n\tb: 2", "line 2: not YAML: "),
        ("a: &x [*x]", "line 1: an alias that contains itself"),
        ("a: !!python/object/apply:os.system ['true']", "line 1: not YAML: "),
        ("a: 1\n---\nb: 1", "line 2: not YAML: "),
        ("a: \x01", "line 1: not YAML: control character"),
        ("[" * 5000, "not YAML: "),
    ],
)
def test_what_is_not_a_sweep_is_said_in_one_line(read, text, said):
    assert complaint(read, text).startswith(said)


def test_missing_binary_and_unreadable_files_are_said_in_one_line(tmp_path):
    (tmp_path / "binary.yaml").write_bytes(b"\x80\x81")
    for name, said in (
        ("no.yaml", "no such file"),
        ("binary.yaml", "not a text file"),
        ("", "this is a folder"),
    ):
        with pytest.raises(ConfigError, match=said):
            read_sweep(tmp_path / name)


def test_data_sets_may_be_a_list_of_names(read):
    text = GOOD.partition("datasets:")[0]
    assert list(read(text + "datasets: [xor, iris]").datasets) == ["xor", "iris"]
    assert list(read(text + "datasets:\n  xor:\n  iris:\n").datasets) == ["xor", "iris"]
    assert complaint(read, text + "datasets: []").startswith("line 8: datasets is empty")
    assert complaint(read, text + "datasets: [xor, xor]").startswith("line 8: datasets lists xor twice")


def test_a_data_set_inherits_what_it_does_not_say(resolved):
    found = resolved(GOOD + "replicates: 7\n")
    sweep, xor, iris = found.sweep, found.settings["xor"], found.settings["iris"]
    assert (xor.replicates, iris.replicates) == (7, 5)
    assert xor.noise == sweep.noise
    assert iris.noise.rates == sweep.noise.rates
    assert iris.noise.concentrations is None
    assert xor.activations == ("smooth", "relu")


def test_noise_of_a_data_set_replaces_key_by_key(resolved):
    text = GOOD.replace("noise: {concentrations: null}", "noise: {concentrations: {magnitudes: [0.3]}}")
    noise = resolved(text.replace("scope: signals", "scope: all")).settings["iris"].noise
    assert (noise.concentrations.magnitudes, noise.concentrations.scope) == ((0.3,), "all")


def test_configuration_survives_its_own_plain_form(read):
    sweep = read(GOOD)
    data = json.loads(json.dumps(sweep.to_dict()))
    assert validate(Document("plan.json", data, {})).sweep == sweep


def test_fingerprint_ignores_how_the_work_is_cut(tmp_path):
    def fingerprint(**changes):
        return read_sweep(write_sweep(tmp_path / "a.yaml", **changes)).fingerprint

    assert fingerprint() == fingerprint(chunks={"cells": 1, "workers": 3, "batch": 2})
    assert fingerprint() != fingerprint(title="other")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_sweeps_are_valid_and_fit_the_schema(path):
    read_sweep(path)
    jsonschema.validate(read_yaml(path).data, json.loads(schema_text()))


def test_schema_refuses_what_the_model_refuses():
    schema = json.loads(schema_text())
    jsonschema.validate(small_sweep(), schema)
    for wrong in (
        {"seeed": 1},
        {"running_times": []},
        {"running_times": [0]},
        {"datasets": []},
        {"replicates": 0},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(small_sweep(**wrong), schema)


def test_written_reference_and_schema_are_those_of_the_model():
    remake = "run `crnsim config-docs > config/README.md` and "
    remake += "`crnsim config-schema > workflow/schemas/sweep.schema.json`"
    assert (ROOT / "config/README.md").read_text() == markdown(), remake
    assert (ROOT / "workflow/schemas/sweep.schema.json").read_text() == schema_text(), remake


def test_reference_names_every_key_of_the_model():
    text = markdown()
    names = {name for section in _sections() for name in section.model_fields}
    assert not [name for name in names if f"| `{name}` |" not in text]
    assert "None" not in text


def _sections():
    from crnsim.sweep.config import model as config
    from crnsim.sweep.config import noise_axes

    return [
        value
        for value in (vars(noise_axes) | vars(config)).values()
        if isinstance(value, type) and issubclass(value, config.Section) and value is not config.Section
    ]


def outcome(action) -> str:
    """Return the complaint of an action, or nothing; any other exception is a failure."""
    try:
        action()
    except ConfigError as error:
        return str(error)
    return ""


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    ),
    st.sampled_from(
        [
            "activations",
            "running_times",
            "noise",
            "datasets",
            "replicates",
            "solver",
            "chunks",
            "name",
            "seed",
        ]
    ),
)
def test_no_value_of_any_key_causes_anything_but_a_clear_complaint(value, key):
    said = outcome(lambda: validate(Document("x.yaml", small_sweep(**{key: value}), {})))
    # A line for each mistake.
    assert not said or all(line.startswith("x.yaml: ") for line in said.split("\n"))


@given(st.text(max_size=60))
def test_no_text_causes_anything_but_a_clear_complaint(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "sweep.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    # A line for each mistake, each with the name of the file; the text itself breaks none of them.
    assert all(line.startswith(f"{path}: ") for line in outcome(lambda: read_sweep(path)).split("\n"))


def test_yes_times_and_dates_stay_text_and_zeros_do_not_make_octals(tmp_path):
    (tmp_path / "a.yaml").write_text("a: [yes, 1:30, 2020-01-01, 010, 1e3, 0.5]")
    assert read_yaml(tmp_path / "a.yaml").data["a"] == ["yes", "1:30", "2020-01-01", 10, 1000.0, 0.5]


def test_the_output_is_a_parameter_of_the_circuit_in_words(read):
    sweep = read(GOOD + "circuit_parameters: {output: algebraic_sigmoid, h_output: 0.5, ka: 1e1}\n")
    assert sweep.circuit_parameters == {"output": "algebraic_sigmoid", "h_output": 0.5, "ka": 10.0}


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (
            "LSODA",
            r"solver\.method: method 'LSODA' cannot show samples; use one that can: auto, bs23, dp45, rkc, rosw, rodas",
        ),
        ("lsoda", r"solver\.method: unknown method 'lsoda'; did you mean 'LSODA'\? known: auto"),
    ],
)
def test_a_method_that_cannot_run_circuits_is_refused(read, method, words):
    with pytest.raises(ConfigError, match=words):
        read(f"{GOOD}\nsolver: {{method: {method}}}\n")


def test_a_method_is_part_of_the_key_of_a_point_unless_it_is_the_usual_one(resolved):
    keys = {
        method: groups(resolved(f"{GOOD}\nsolver: {{method: {method}}}\n"))[0].point(0, 0).key
        for method in ("auto", "rosw", "bs23")
    }
    assert groups(resolved(GOOD))[0].point(0, 0).key == keys["auto"]
    assert len(set(keys.values())) == 3


def test_a_fingerprint_is_at_hand_without_the_libraries_that_compute(tmp_path):
    # Snakemake asks for it in every job.
    write_sweep(tmp_path / "a.yaml")
    command = f"""
import sys
from crnsim.sweep.config.read import read_sweep
print(read_sweep({str(tmp_path / "a.yaml")!r}).fingerprint, sorted({{"dask", "numba", "xarray"}} & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    fingerprint, loaded = run.stdout.split(maxsplit=1)
    assert loaded.strip() == "[]"
    assert len(fingerprint) == 32


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("rosv", ["rosw", "bs23"], "did you mean 'rosw'? known: rosw, bs23"),
        ("lsoda", ["LSODA", "BDF"], "did you mean 'LSODA'? known: LSODA, BDF"),
        ("KA", ["ka", "kA"], "did you mean 'ka'? known: ka, kA"),
        ("zzz", ["rosw"], "known: rosw"),
    ],
)
def test_the_nearest_name_is_found_in_whatever_case_and_all_are_listed(name, known, said):
    assert suggest(name, known) == said
