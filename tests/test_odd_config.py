"""Odd sweep files: sizes, numbers, text, YAML, and files that are none; a fuzzer of all that."""

from __future__ import annotations

import contextlib
import copy
import os
import socket
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from odd import REFUSED, fuzzed, judged, odd_numbers, odd_values, odd_words
from small_sweeps import small_sweep

from crnsim.entrance import limits
from crnsim.errors import ConfigError
from crnsim.sweep.config.extent import n_noise_levels
from crnsim.sweep.config.read import read_sweep, validate
from crnsim.sweep.config.reader import Document, read_yaml
from crnsim.sweep.config.values import no_repeats
from crnsim.sweep.plan.groups import groups, noise_levels
from crnsim.sweep.plan.plan import make_plan

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = [ROOT / "config/config.yaml", *sorted((ROOT / "config/sweeps").glob("*.yaml"))]

GOOD = """\
activations:
  smooth: {name: squareplus, h: 0.1, role: smooth}
running_times: [30, 1e2]
noise:
  rates: {magnitudes: [0.02, 5e-2]}
datasets:
  xor: {}
"""


@pytest.fixture
def refused(tmp_path):
    """Return the line with which a sweep file is refused, within a second and a bit."""

    def run(text: str | bytes) -> str:
        content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        (tmp_path / "sweep.yaml").write_bytes(content)
        began = time.monotonic()
        with pytest.raises(ConfigError) as caught:
            read_sweep(tmp_path / "sweep.yaml")
        assert time.monotonic() - began < 4
        assert str(caught.value).isprintable()
        return str(caught.value).partition("sweep.yaml: ")[2]

    return run


DIGITS = "1" * 399
NUMBERS = [
    ("replicates: 99999999", "chunks.max_points: the sweep has 599999994 points, and 5000000 are allowed; most are"),
    ("replicates: 1000000000000000000", "line 8: replicates is 1000000000000000000; it must be 1e+09 or less"),
    (f"replicates: {DIGITS}", "line 8: replicates is a whole number of 399 digits; it must be "),
    (f"replicates: {'9' * 5000}", "line 8: not YAML: a number of 5000 digits"),
    ("replicates: 1e300", "line 8: replicates is 1e+300; it must be "),
    (f"seed: {2**63}", "line 8: seed is 9223372036854775808; it must be less than "),
    ("seed: 1.5", "line 8: seed is 1.5; it must be a whole number"),
    ("chunks: {minutes: 1e-300}", "line 8: chunks.minutes is 1e-300; it must be 0.001 or more"),
    ("chunks: {minutes: 1e300}", "line 8: chunks.minutes is 1e+300; it must be 525600 or less"),
    ("chunks: {workers: 1025}", "line 8: chunks.workers is 1025; it must be 1024 or less"),
    ("chunks: {max_points: 10000000000}", "line 8: chunks.max_points is 10000000000; it must be 1e+09 or less"),
    ("solver: {rtol: 1e-15}", "line 8: solver.rtol is 1e-15; it must be 1e-14 or more: double precision has no"),
    ("solver: {atol: 5e-324}", "line 8: solver.atol is 5e-324; it must be 1e-100 or more"),
    ("solver: {max_steps: 10000000000000}", "line 8: solver.max_steps is 10000000000000; it must be 1e+12 or less"),
    ("circuit_parameters: {ka: 1e300}", "line 8: circuit_parameters.ka is 1e+300; it must be 0, or between 1e-100 "),
    ("circuit_parameters: {ka: 1e-320}", "line 8: circuit_parameters.ka is 1e-320; it must be 0, or between "),
    (f"circuit_parameters: {{ka: {DIGITS}}}", "line 8: circuit_parameters.ka is a whole number of 399 digits; it "),
    ("trajectories: {replicates: 1e30}", "line 8: trajectories.replicates is 1e+30; it must be 1000000000 or less"),
    ("weights: ''", "line 8: weights is ''; it must be text that is not empty"),
    ("claims: ''", "line 8: claims is ''; it must be text that is not empty"),
    ("circuit: ''", "line 8: circuit is ''; it must be text that is not empty"),
    (f"name: {'n' * 300}", "line 8: name is 'nnn"),
    (f"circuit: {'c' * 300}", "line 8: circuit is 'ccc"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "said"), NUMBERS, ids=[line[:30] for line, _ in NUMBERS])
def test_an_odd_value_of_the_sweep_is_one_line(refused, line, said):
    assert refused(f"{GOOD}{line}\n").startswith(said)


INSIDE = [
    ("30", "1e300", "line 3: running_times[0] is 1e+300; it must be 1e+12 or less"),
    ("30", "1e-300", "line 3: running_times[0] is 1e-300; it must be 1e-09 or more"),
    ("30", DIGITS, "line 3: running_times[0] is a whole number of 399 digits; it must be a smaller number"),
    ("30", "1_0", "line 3: running_times[0] is '1_0'; it must be a number"),
    ("30", "0x10", "line 3: running_times[0] is '0x10'; it must be a number"),
    ("30", "0o17", "line 3: running_times[0] is '0o17'; it must be a number"),
    ("30", "1:30", "line 3: running_times[0] is '1:30'; it must be a number"),
    ("30", "١٢", "line 3: running_times[0] is '١٢'; it must be a number"),
    ("30", "²", "line 3: running_times[0] is '²'; it must be a number"),
    ("30", "1e400", "line 3: running_times[0] is inf; it must be a finite number"),
    ("30", "!!int 1_0", "line 3: not YAML: tags such as 'tag:yaml.org,2002:int' are not read"),
    ("30", "!!bool maybe", "line 3: not YAML: tags such as"),
    ("30", "!!timestamp x", "line 3: not YAML: tags such as"),
    ("30", "!!binary x", "line 3: not YAML: tags such as"),
    ("30", "! 30", "line 3: not YAML: tags such as"),
    ("[30, 1e2]", "!!set {30}", "line 3: not YAML: tags such as"),
    ("[30, 1e2]", "!!omap [a: 1]", "line 3: not YAML: tags such as"),
    ("[30, 1e2]", "!!python/tuple [30]", "line 3: not YAML: tags such as"),
    ("[30, 1e2]", "[30, 30.00000000001]", "line 3: running_times lists 30 twice, as 30.0 and 30.00000000001; "),
    ("[0.02, 5e-2]", "[0.3, 0.30000000000000004]", "line 5: noise.rates.magnitudes lists 0.3 twice, as 0.3 and "),
    ("[0.02, 5e-2]", "[0, -0.0]", "line 5: noise.rates.magnitudes lists 0.0 twice; "),
    ("rates: {magnitudes: [0.02, 5e-2]}", "intrinsic: {magnitudes: [0.01, 100]}",
     "line 5: noise.intrinsic.magnitudes[1] is 100; it must be 2 or less; 100 molecules are 0.1"),
    ("[0.02, 5e-2]", "[1e-300]", "line 5: noise.rates.magnitudes[0] is 1e-300; it must be 0, or 1e-12 or more: "),
    ("[0.02, 5e-2]", f"[{DIGITS}]", "line 5: noise.rates.magnitudes[0] is a whole number of 399 digits; it must "),
    ("xor: {}", "xor: {epochs: 100000000}", "line 7: datasets.xor.epochs is 100000000; it must be "),
    ("xor: {}", "xor: {learning_rate: 1e-300}", "line 7: datasets.xor.learning_rate is 1e-300; it must be "),
    ("xor: {}", "xor: {layers: [2, 99999999999999999999, 1]}", "line 7: datasets.xor.layers[1] is 9999"),
    ("xor: {}", f"xor: {{layers: [2{', 3' * 200}, 1]}}", "line 7: datasets.xor.layers is [2, 3"),
    ("xor: {}", "m: {file: ''}", "line 7: datasets.m.file is ''; it must be text that is not empty"),
    ("xor: {}", "m: {file: '', target: k}", "line 7: datasets.m.file is ''; it must be text that is not empty"),
    ("xor: {}", f"{'m' * 51}: {{file: m.csv, target: k}}", "line 7: datasets.mmm"),
    ("smooth:", f"{'s' * 51}:", "line 2: activations.sss"),
    ("smooth:", f"{'s' * 300}:", "line 2: activations: the key 'sss"),
    ("h: 0.1", "h: [0.1]", "line 2: activations.smooth.h is [0.1]; it must be a number"),
    ("h: 0.1", "h: {a: 1}", "line 2: activations.smooth.h is {'a': 1}; it must be a number"),
    ("h: 0.1", f"h: {DIGITS}", "line 2: activations.smooth.h is a whole number of 399 digits; it must be a smaller"),
    ("h: 0.1", "h: .nan", "line 2: activations.smooth.h is nan; it must be a finite number"),
    ("h: 0.1, role: smooth}", "h: 0.1}\n  other: {name: squareplus, h: 0.10000000000000002}",
     "line 3: activations.other: the same as smooth; "),
    ("rates: {magnitudes: [0.02, 5e-2]}", "concentrations: {magnitudes: [0.1], interval: 1e-300}",
     "line 5: noise.concentrations.interval is 1e-300; it must be 1e-09 or more"),
    ("rates: {magnitudes: [0.02, 5e-2]}", "concentrations: {magnitudes: [0.1], interval: 1e-6}",
     "line 5: noise.concentrations.interval: 1e-06 makes 1e+08 kicks in a running time of 100; at most 1000000"),
    ("xor: {}", "xor: {}\nseed: '10%'", "line 8: seed is '10%'; it must be a whole number, not a share"),
    ("xor: {}", "xor: {}\nseed: 1e300", "line 8: seed is 1e+300; it must be 9223372036854775807 or less"),
    ("xor: {}", "xor: {}\nname: ' '", "line 8: name: ' ' does not fit a path; use letters, digits, _, . and -, and "),
    ("xor: {}", "xor: {}\ncircuit_parameters: {'': 1}", "line 8: circuit_parameters.'': unknown parameter of onepot"),
    ("0.02, 5e-2", "1e300", "line 5: noise.rates.magnitudes[0] is 1e+300; it must be 2 or less"),
    ("0.02, 5e-2", "10", "line 5: noise.rates.magnitudes[0] is 10; it must be 2 or less; 10 % is 0.1"),
    *(("rates: {magnitudes: [0.02, 5e-2]}", f"concentrations: {{magnitudes: [0.1], additive: {word}}}",
       "line 5: noise.concentrations.additive is ") for word in ("0", "1", "yes", "1.0")),
    ("rates: {magnitudes: [0.02, 5e-2]}", "{cross: 1}", "line 5: noise.cross is 1; it must be true or false"),
    ("h: 0.1, role: smooth}", "h: 0.1}\n  Smooth: {name: relu}", "line 3: activations.Smooth: differs from smooth by "),
    ("rates: {magnitudes: [0.02, 5e-2]}", "concentrations: {magnitudes: [0.1], interval: 60}",
     "line 5: noise.concentrations: noise on concentrations acts first after interval/2 = 30, which is not "),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), INSIDE, ids=[new[:30] for _, new, _ in INSIDE])
def test_an_odd_value_anywhere_is_one_line(refused, old, new, said):
    assert old in GOOD
    assert refused(GOOD.replace(old, new)).startswith(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"replicates": 10**9}, "the sweep has 8000000000 points, and 5000000 are allowed; most are those of xor: "),
        ({"replicates": 100}, ""),
        (
            {
                "noise": {
                    kind: {"magnitudes": [(1 + number) / 1000 for number in range(299)]}
                    for kind in ("rates", "concentrations", "inputs")
                }
                | {"cross": True}
            },
            "allowed; most are those of xor: 2 activations x 2 running times x 27000000 noise levels x",
        ),
        (
            {
                "running_times": [1 + number / 10 for number in range(10_000)],
                "noise": {"rates": {"magnitudes": [(1 + number) / 10_000 for number in range(10_000)]}},
                "replicates": 1,
            },
            "10000 running times x 10001 noise levels; take fewer, or set chunks.max_points to 200020000",
        ),
        (
            {"running_times": [1 + number / 10 for number in range(90_000)], "noise": {}, "replicates": 1},
            "the sweep has 180000 cells, and 100000 are allowed with max_points 5000000; ",
        ),
    ],
)  # fmt: skip
def test_a_sweep_too_large_is_refused_at_once_with_its_points(changes, said):
    data = small_sweep(**changes)
    data["activations"] = {name: {"name": name} for name in ("squareplus", "relu")}
    began = time.monotonic()
    if not said:
        validate(Document("x.yaml", data, {}))
        return
    with pytest.raises(ConfigError, match=r"^x\.yaml: chunks\.max_points: ") as caught:
        validate(Document("x.yaml", data, {}))
    assert said in str(caught.value)
    assert time.monotonic() - began < 2


def test_the_limit_of_points_can_be_raised_on_purpose_and_changes_no_number():
    before = validate(Document("x.yaml", small_sweep(replicates=1_000_000), {}))
    with pytest.raises(ConfigError, match=r"set chunks\.max_points to 6000000"):
        validate(Document("x.yaml", small_sweep(replicates=1_500_000), {}))
    raised = validate(
        Document("x.yaml", small_sweep(replicates=1_500_000, chunks={"max_points": 6_000_000}), {})
    )
    assert groups(raised)[0].point(0, 0).key == groups(before)[0].point(0, 0).key
    assert raised.fingerprint != before.fingerprint
    same = validate(
        Document("x.yaml", small_sweep(replicates=1_000_000, chunks={"max_points": 6_000_000}), {})
    )
    assert same.fingerprint == before.fingerprint


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_noise_levels_are_counted_as_they_are_listed(path):
    for settings in read_sweep(path).settings.values():
        assert n_noise_levels(settings.noise) == len(noise_levels(settings.noise))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([64, 10000, 10000, 10], "species 'W2p': 1.014e+08 species would take"),
        ([64, 8000, 8000, 10], "would take"),
    ],
)
def test_a_network_that_fits_no_memory_is_refused_with_the_estimate(layers, said):
    resolved = validate(Document("x.yaml", small_sweep(datasets={"digits": {"layers": layers}}), {}))
    began = time.monotonic()
    with pytest.raises(ConfigError.__mro__[1], match="GB of memory, and 16 GB are allowed; take ") as e:
        make_plan(resolved)
    assert said in str(e.value)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [1, 1]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n"
                                   for n in range(24)), "values once its aliases are written out; "),
        ("a: &a [" + "1, " * 9 + "]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)),
         "10^20 values once its aliases are written out; "),
        ("a: &a {b: 1}\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{', '.join([f'*{chr(97 + n)}'] * 9)}]}}\n" for n in range(9)),
         "values once its aliases are written out; "),
        ("running_times: [" + "1, " * 300_000 + "2]", "line 1: more than 30000 values in the file; "),
        ("a: &x [*x]", "line 1: an alias that contains itself"),
        ("a: &x {b: [c, *x]}", "line 1: an alias that contains itself"),
        ("[" * 100_000, "not YAML: nested too deeply"),
        ("{a: " * 100_000, "not YAML: nested too deeply"),
        ("a:\n" + "".join(" " * n + "- \n" for n in range(1000)), ""),
        (GOOD + "title: " + "[" * 60 + "]" * 60, "line 8: title[0][0][0][0][0]: nested too deeply"),
        ("#" + " " * (1 << 20), "1.049 MB; at most 1.049 MB are read"),
        (GOOD + 'title: "a\\0b"\n', "line 8: title: the text has a NUL character in it; take it out"),
        (GOOD + 'title: "a\\uD800b"\n', "line 8: title: the text is not Unicode: half of a surrogate pair"),
        (GOOD + 'title: "a\\e[31mb"\n', "line 8: title: the text has the control character U+001B in it (character 2)"),
        (GOOD + 'title: "a\\u202eb"\n', "line 8: title: the text has a mark in it that turns the direction of text"),
        (GOOD + f"title: {'x' * 5000}\n", "line 8: title: the text has 5000 characters; at most 4000"),
        (GOOD + '"a\\0b": 1\n', "line 8: the key 'a\\x00b' has a NUL character in it"),
        (GOOD.replace("xor: {}", 'm: {file: "a\\0b", target: k}'), "line 7: datasets.m.file: the text has a NUL"),
        (GOOD.replace("xor: {}", 'm: {file: "a\\uDC80", target: k}'), "line 7: datasets.m.file: the text is not Uni"),
        (GOOD.replace("smooth:", '"\\uD800":'), "line 2: activations"),
        (GOOD.replace("xor: {}", "017: {}"), "line 7: the key '017' is not text; put it between quotes"),
        (GOOD.replace("xor: {}", "true: {}"), "line 7: the key 'true' is not text; put it between quotes"),
        (b"\xff\xfe" + GOOD.encode("utf-16-le"), "not a text file in UTF-8; a sweep is written in YAML"),
    ],
    ids=lambda value: str(value)[:25],
)  # fmt: skip
def test_odd_yaml_is_one_line_and_at_once(refused, text, said):
    assert said in refused(text)


def test_what_is_accepted_means_what_is_written(tmp_path):
    text = (
        GOOD.replace("[30, 1e2]", "[017, '1e2', +3, .5]")
        + "seed: '9007199254740993'\ntitle: >\n  Über\n  名前 👩‍🔬 <b>\n"
    )
    (tmp_path / "odd.yaml").write_text("\ufeff" + text, encoding="utf-8")
    sweep = read_sweep(tmp_path / "odd.yaml").sweep
    assert sweep.running_times == (17.0, 100.0, 3.0, 0.5)
    assert sweep.seed == 9007199254740993
    assert sweep.title == "Über 名前 👩‍🔬 <b>"
    assert validate(Document("x", sweep.to_dict(), {})).sweep == sweep
    (tmp_path / "words.yaml").write_text("a: [yes, no, on, 1:30, 2020-01-01, 0o17, 1_0, 0x1F, nan, .5e3]")
    words = ["yes", "no", "on", "1:30", "2020-01-01", "0o17", "1_0", "0x1F", "nan", 500.0]
    assert read_yaml(tmp_path / "words.yaml").data["a"] == words


def test_long_lists_are_compared_in_no_time():
    values = tuple(float(number) for number in range(1, 30_000))
    began = time.monotonic()
    assert no_repeats(values) == values
    assert time.monotonic() - began < 1
    with pytest.raises(ValueError, match=r"lists 7 twice, as 7\.0 and 7\.000000001"):
        no_repeats((*values, 7.000000001))


def test_every_file_name_fits_a_file_system():
    host, pid, suffix = "h" * 64, "4194304", ".part"
    circuit, label = 60, limits.LONGEST_LABEL
    longest = f".{'x' * (2 * label + circuit + 2)}.crn.{host}-{pid}{suffix}"
    assert len(longest) <= 255
    page = f".{'x' * 80}.partial.html.{host}-{pid}{suffix}"
    assert len(page) <= 255


def test_only_a_file_is_a_sweep_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.yaml")
    Path("loop.yaml").symlink_to("loop.yaml")
    Path("folder.yaml").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.yaml")
    with Path("huge.yaml").open("wb") as file:
        file.truncate(5 << 30)
    for name, said in {
        "pipe.yaml": "this is a pipe; give a file",
        "socket.yaml": "this is a socket; give a file",
        "folder.yaml": "this is a folder; give a file",
        "loop.yaml": "cannot be read (too many links in a circle)",
        "huge.yaml": "5369 MB; at most 1.049 MB are read",
        "/dev/zero": "this is a device; give a file",
        "/dev/urandom": "this is a device; give a file",
        "https://example.org/sweep.yaml": "there is no such file",
        "x" * 300: "more than 255 bytes",
        "a\0b": "has a NUL character in it",
        "\udcff.yaml": "is not Unicode",
        "": "is empty",
    }.items():
        began = time.monotonic()
        with pytest.raises(ConfigError) as caught:
            read_sweep(name)
        assert said in str(caught.value)
        assert str(caught.value).isprintable()
        assert time.monotonic() - began < 1


# A fuzzer: sweep files that ship, with any value replaced by an odd one, and texts that are no YAML any more.


def _places(data, path=()):
    """Paths of all values within a document."""
    yield path
    if isinstance(data, dict):
        for key, below in data.items():
            yield from _places(below, (*path, key))
    elif isinstance(data, list):
        for number, below in enumerate(data):
            yield from _places(below, (*path, number))


def _replaced(data, path, value, rename):
    """Return a document with another value at a path, or another key."""
    if not path:
        return value
    data = copy.deepcopy(data)
    inner = data
    for part in path[:-1]:
        inner = inner[part]
    if rename and isinstance(inner, dict):
        inner[value if isinstance(value, str) else str(value)[:400]] = inner.pop(path[-1])
    else:
        inner[path[-1]] = value
    return data


DOCUMENTS = [read_yaml(path).data | {"name": path.stem} for path in SHIPPED]
PLACES = [(data, path) for data in DOCUMENTS for path in _places(data)]
#: Values that fit some key, so that deeper checks are reached.
NEAR = st.sampled_from(
    [1e12, 1e-9, 1, 2, 3, 0.5, "sgd", "all", "onepot", "feedforward", "inference", [1, 2, 3], [0.1, 0.2], [2, 3, 1],
     {"magnitudes": [0.1]}, {"xor": {}}, ["xor", "iris"], "relu", {"a": {"name": "relu"}}, 10**6, 10**9, 1e5, "1e5",
     "1_000", {"own": {"os:system": {"magnitudes": [1]}}}, {"cross": True}, "kang2025", [10000, 10000], "rosw"]
)  # fmt: skip
VALUES = st.one_of(odd_values(), odd_numbers(), odd_words(), NEAR)


def _coherent(resolved) -> None:
    """What is accepted is within bounds, and means one thing."""
    sweep = resolved.sweep
    assert sum(group_points for group_points in _points(resolved)) <= sweep.chunks.max_points
    for settings in resolved.settings.values():
        assert all(limits.SHORTEST_TIME <= time <= limits.LONGEST_TIME for time in settings.running_times)
        assert len(set(settings.running_times)) == len(settings.running_times)
        assert (sweep.network is None) <= settings.epochs <= limits.MOST_EPOCHS
    assert validate(Document("again", sweep.to_dict(), {})).sweep == sweep
    assert len(resolved.fingerprint) == 32


def _points(resolved):
    for settings in resolved.settings.values():
        levels = n_noise_levels(settings.noise)
        yield len(settings.activations) * len(settings.running_times) * levels * settings.replicates


@pytest.mark.fuzz
@fuzzed(300)
@given(st.sampled_from(PLACES), VALUES, st.booleans(), st.sampled_from(PLACES), VALUES, st.booleans())
def test_sweep_files_fuzzed(place, value, rename, second, other, twice):
    data = _replaced(*place, value, rename)
    if twice and second[1] and second[0] is place[0]:
        with contextlib.suppress(KeyError, TypeError, IndexError):
            data = _replaced(data, second[1], other, False)
    found = judged(
        "sweep file, values",
        (place[1], value, rename, twice and (second[1], other)),
        lambda: validate(Document("f.yaml", data, {})),
    )
    if found is not REFUSED:
        _coherent(found)


TEXTS = [path.read_text(encoding="utf-8") for path in SHIPPED]
PIECES = st.one_of(
    odd_words(),
    st.sampled_from(
        ["\t", "  ", ":", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "<<: ", "!!int ", "!!python/name:os.system ",
         "|\n", ">\n", "'", '"', '"\\0"', '"\\uD800"', "#", "%YAML 1.1\n", "---\n", "...\n", "?", "\r", "\x85", "1e9"]
    ),
)  # fmt: skip


@pytest.mark.fuzz
@fuzzed(300)
@given(
    st.sampled_from(TEXTS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=4),
)
def test_texts_of_sweep_files_fuzzed(tmp_path_factory, text, edits):
    for where, length, piece in edits:
        start = int(where * len(text))
        text = text[:start] + piece + text[start + length :]
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    found = judged("sweep file, text", edits, lambda: read_sweep(path))
    if found is not REFUSED:
        _coherent(found)
        # What a reader of YAML 1.1 sees where it is plain: the same words.
        assert set(yaml.safe_load(text)) <= set(found.sweep.model_dump())
