"""The description of every key of a sweep file, and its JSON schema, written from the model itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from crnsim.noise.kinds import NOISE_KINDS
from crnsim.sweep.config.mistakes import model_in
from crnsim.sweep.config.model import Activation, DatasetSettings, Sweep
from crnsim.sweep.config.noise_axes import OwnNoise

_HEAD = """\
<!-- Written by `crnsim config-docs > config/README.md` from crnsim/sweep/config/model.py; change it there. -->
# Sweep files

A sweep is one YAML file: data sets x activations x running times x noise x replicates. Run one with

    snakemake --cores 2 --configfile config/sweeps/quick.yaml

and look at what it would take, before anything runs, with

    crnsim show config/sweeps/quick.yaml

| file | what it is |
| --- | --- |
| `config.yaml` | the default sweep, also without `--configfile` |
| `sweeps/quick.yaml` | the smallest sweep that takes every step; under 30 seconds |
| `sweeps/xor-map.yaml` | XOR: a dense map of noise and running time |
| `sweeps/iris-map.yaml` | Iris: the full map |
| `sweeps/robust-design.yaml` | the default pot, earlier ones, and each of its parts alone; about 20 core minutes |
| `sweeps/kang2025.yaml` | claims of Kang and Kim: smooth, sharp and non-smooth activations on four data sets |
| `sweeps/kang2025-small.yaml` | the same with fewer designs, times and magnitudes; at most 2 core-hours |
| `sweeps/anderson2021.yaml` | claims of Anderson, Joshi and Deshpande: circuits with given weights, on digits |
| `sweeps/anderson2021-small.yaml` | the same with fewer designs, times and magnitudes; at most 2 core-hours |
| `sweeps/fan2023.yaml` | claims of Fan and others: a network with a clock beside a pot, on OR, AND and XOR |
| `sweeps/fan2023-small.yaml` | the same with fewer times and magnitudes; at most half a core-hour |
| `sweeps/intrinsic.yaml` | few molecules while networks learn: XOR, and OR for the clocked one; some 45 core-hours |
| `sweeps/intrinsic-small.yaml` | the same with fewer magnitudes and replicates; some 35 core minutes |
| `sweeps/intrinsic-inference.yaml` | few molecules where weights are given: XOR and digits; some 9 core-hours |
| `sweeps/intrinsic-inference-small.yaml` | the same with fewer magnitudes and replicates; some 10 core minutes |
| `sweeps/majority.yaml` | a network of your own: who is in the majority? Half a minute |
| `sweeps/winner-take-all.yaml` | a network of your own that tells two patterns apart; a minute |
| `sweeps/ring-clock.yaml` | a network of your own that is to keep its period; a minute |
| `searches/xor.yaml`, `searches/digits.yaml` | searches for better designs (docs/search.md): half a core-hour, and 4 |

Times are in units of 1/k, the inverse of the fast rate constant; concentrations have no unit; a magnitude of
noise is a standard deviation, so 10 % is 0.1. A key that is not in these tables is refused, with the nearest
one that is. Results are addressed by what determines them: after a change, only points that are new are
computed. An editor that reads JSON schemas checks a sweep file against `workflow/schemas/sweep.schema.json`
as you type.

Numbers are decimal (`100`, `1e2`, `010` is ten); `1_000`, `0x10`, `1:30` and tags such as `!!int` are none. Two
numbers of a list that differ by less than one in 10^9 are one value written twice. A file has at most 1 MB and
30,000 values, aliases written out. The number of points is the product of the lists: beyond `chunks.max_points`
it is taken for a slip.

## The sweep
"""


def markdown() -> str:
    """Return the text of ``config/README.md``."""
    return _HEAD + "\n" + "\n".join(_tables(Sweep)) + "\n"


def schema_text() -> str:
    """Return the text of ``workflow/schemas/sweep.schema.json``."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Sweep.model_json_schema()
    # A list of names will do for data sets, and the file's own name for the sweep's.
    datasets = schema["properties"]["datasets"]
    names = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    mapping = {
        key: datasets.pop(key) for key in ("type", "additionalProperties", "minProperties") if key in datasets
    }
    datasets["anyOf"] = [names, mapping]
    # Circuits on data sets, or a network of the user's own.
    either = ["activations", "datasets"]
    schema["required"] = [name for name in schema["required"] if name not in ("name", *either)]
    schema["anyOf"] = [{"required": either}, {"required": ["network", "observables"]}]
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _tables(model: type[BaseModel]) -> Iterator[str]:
    """Yield the table of a section, then those of the sections in it."""
    yield "| key | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    below = []
    schemas = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        default = _default(model, name, field)
        yield f"| `{name}` | {_kind(schemas[name], field)} | {default} | {field.description} |"
        section = model_in(field.annotation)
        if section is not None and not (model is DatasetSettings and name in ("noise", "replicates")):
            below.append((name, section))
    if model is Activation:
        yield "| ... | number or text | | Its parameters, such as `h` or `kz`; each has a default. |"
    if model is OwnNoise:
        yield "| ... | | | Its options, as its class declares them. |"
    for name, section in below:
        yield from ("", f"## `{_PATHS.get(section.__name__, name)}`", "")
        text = " ".join((section.__doc__ or "").split())
        yield from (text, "")
        yield from _tables(section)


_PATHS = {
    "Activation": "activations.<label>",
    "DatasetSettings": "datasets.<name>",
    **{f"{type(kind).__name__}Noise": f"noise.{kind.name}" for kind in NOISE_KINDS.values()},
    "OwnNoise": "noise.own.<module:Class>",
}


def _kind(schema: dict[str, Any], field: FieldInfo) -> str:
    """Return what kind of value a key takes, in words."""
    either = next((option for option in (schema, *schema.get("anyOf", [])) if "oneOf" in option), None)
    if either is not None:  # a number or settings
        return f"{_kind(either['oneOf'][0], field)}, or settings"
    schema = next((option for option in schema.get("anyOf", []) if option.get("type") != "null"), schema)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kinds = {"number": "number", "integer": "whole number", "string": "text", "boolean": "`true` or `false`"}
    if schema.get("type") in kinds:
        return kinds[schema["type"]] + _limits(schema)
    if schema.get("type") == "array":
        items = schema["items"]
        kinds = {"number": "numbers", "integer": "whole numbers", "string": "labels", "object": "rows"}
        return f"list of {kinds[items['type']]}{_limits(items)}"
    annotation = field.annotation
    if any(get_origin(part) is dict for part in (annotation, *get_args(annotation))):
        if schema.get("additionalProperties", {}).get("type") == "object" or model_in(annotation):
            return "names with settings"
        return "names with numbers or text"
    return "settings"


def _limits(schema: dict[str, Any]) -> str:
    limits = []
    for key, text in (
        ("exclusiveMinimum", "> {:g}"),
        ("minimum", "at least {:g}"),
        ("maximum", "at most {:g}"),
    ):
        if key in schema:
            limits.append(text.format(schema[key]))
    return f", {', '.join(limits)}" if limits else ""


def _default(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "the file's name" if (model, name) == (Sweep, "name") else "needed"
    if field.default is None or field.default in ((), ""):
        return "needed" if name == "magnitudes" else ""
    if isinstance(field.default, (BaseModel, dict)):
        return ""
    return f"`{json.dumps(field.default)}`" if not isinstance(field.default, str) else f"`{field.default}`"
