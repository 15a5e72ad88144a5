"""The sweep file as a Pydantic model: every key with its meaning, its default and what it must fit."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, field_validator

from crnsim.noise.kinds import NOISE_KINDS, NoiseKind

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
#: A label or name becomes part of a path and of file names joined by "-".
_WORD = r"^[A-Za-z][A-Za-z0-9_]*$"


def _number(value: Any) -> Any:
    """Take 1e-3 from every dialect of YAML; tell a decimal comma and a percentage what to be."""
    if isinstance(value, bool):
        raise ValueError("must be a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    if text.endswith("%") and _NUMBER.fullmatch(text[:-1].strip()):
        raise ValueError(f"must be a number; write {float(text[:-1]) / 100:g}")
    if _NUMBER.fullmatch(text.replace(",", ".", 1)):
        raise ValueError(f"must be a number; write {text.replace(',', '.', 1)}, with a point")
    raise ValueError("must be a number")


def _parameter(value: Any) -> Any:
    """Turn whole numbers, and numbers written as text, into float; leave words alone."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number_or_word(value: Any) -> Any:
    """Leave a word such as algebraic_sigmoid to the circuit; all else is a number."""
    return value if isinstance(value, str) and re.fullmatch(_WORD, value) else _number(value)


def _magnitude(value: Any) -> Any:
    """Refuse 10 for 10 %: a factor of e^2 either way is already more than noise."""
    value = _number(value)
    if isinstance(value, (int, float)) and value > 2:
        raise ValueError(f"must be 2 or less; {value:g} % is {value / 100:g}")
    return value


def _no_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    repeated = [value for index, value in enumerate(values) if value in values[:index]]
    if repeated:
        raise ValueError(f"lists {repeated[0]} twice; list each value once")
    return values


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_number)]
Tolerance = Annotated[float, Field(gt=0, le=0.1), BeforeValidator(_number)]
Magnitudes = Annotated[
    tuple[Annotated[float, Field(ge=0, le=2, allow_inf_nan=False), BeforeValidator(_magnitude)], ...],
    Field(min_length=1),
]
Whole = Annotated[int, Field(ge=1), BeforeValidator(_number)]
WholeOrZero = Annotated[int, Field(ge=0), BeforeValidator(_number)]
RunningTimes = Annotated[tuple[Positive, ...], Field(min_length=1)]
Label = Annotated[str, Field(pattern=_WORD)]
Layers = Annotated[tuple[Whole, ...], Field(min_length=2)]
Parameters = dict[
    str, Annotated[Annotated[float, Field(allow_inf_nan=False)] | str, BeforeValidator(_number_or_word)]
]


class Section(BaseModel):
    """A group of keys; a key that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="after", check_fields=False)
    @classmethod
    def _list_once(cls, value: Any, info: Any) -> Any:
        once = isinstance(value, tuple) and info.field_name != "layers"
        return _no_repeats(value) if once else value


class Activation(Section):
    """An activation: its name, its role in the verdict, and its parameters under their own names."""

    # Parameters differ between activations; `checks` compares them with the registry.
    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(description="Name of the activation: `squareplus`, `relu`, ...")
    role: Literal["smooth", "sharp", "baseline"] | None = Field(
        default=None,
        description="Part in the verdict: the `smooth` one is compared with each `sharp` and `baseline` one.",
    )
    circuit_parameters: Parameters = Field(
        default={}, description="Added to the sweep's and the data set's for this design alone."
    )

    @property
    def parameters(self) -> tuple[tuple[str, float | str], ...]:
        """Parameters by name, in alphabetical order, numbers as float."""
        return tuple((name, _parameter(value)) for name, value in sorted((self.model_extra or {}).items()))


class OwnNoise(Section):
    """A kind of noise of your own, under its `module:Class`: magnitudes, and its options under their own names."""

    # Options differ between kinds; `names` compares them with the kind.
    model_config = ConfigDict(extra="allow", frozen=True)

    magnitudes: Magnitudes = Field(
        default=(), description="Standard deviations, or what the kind makes of them."
    )


def _noise_section(kind: NoiseKind) -> Any:
    """Return the section of a kind of noise as a model made from its entry in the table."""
    fields: dict[str, Any] = {"magnitudes": (Magnitudes, Field(default=(), description=kind.description))}
    for option in kind.options:
        annotation: Any = bool if isinstance(option.default, bool) else Positive
        if option.choices:
            annotation = Literal[option.choices]
        fields[option.name] = (annotation, Field(default=option.default, description=option.description))
    return create_model(
        f"{type(kind).__name__}Noise", __base__=Section, __doc__=f"Noise on the {kind.target}.", **fields
    )


_AXES = "Kinds of noise; each is an axis of its own that starts at the common noise-free cell."

if TYPE_CHECKING:

    class NoiseAxes(Section):
        """Kinds of noise: a section for each kind in the table, those of the user's own, and whether to cross them."""

        own: dict[str, OwnNoise]
        cross: bool

        def __getattr__(self, kind: str) -> Any:
            """Section of a kind, None where it is left out."""

else:
    NoiseAxes = create_model(
        "NoiseAxes",
        __base__=Section,
        __doc__=_AXES,
        **{
            kind.name: (
                _noise_section(kind) | None,
                Field(default=None, description=f"Noise on {kind.target}; leave out for none."),
            )
            for kind in NOISE_KINDS.values()
        },
        own=(
            dict[str, OwnNoise],
            Field(
                default={}, description="Kinds of noise of your own, by `module:Class` (docs/noise-kinds.md)."
            ),
        ),
        cross=(
            bool,
            Field(
                default=False,
                description="Take every combination of the kinds, instead of one kind at a time.",
            ),
        ),
    )


class DatasetSettings(Section):
    """What one data set does differently; whatever is left out is taken from the sweep or the data set.

    A name that is not that of a data set is the label of one of your own: give its `file` and its `target`.
    """

    file: str | None = Field(
        default=None,
        description="A CSV file with a header line, from the folder in which the command runs.",
    )
    target: str | None = Field(
        default=None, description="Column of `file` to predict; all other columns are features."
    )
    task: Literal["classification", "regression"] | None = Field(
        default=None,
        description="Of `file`; left out, words or at most 20 different whole numbers are classes.",
    )
    layers: Layers | None = Field(
        default=None, description="Units per layer, from features to targets, such as `[2, 6, 1]`."
    )
    epochs: Whole | None = Field(
        default=None, description="Passes over the training set; the data set has its default."
    )
    learning_rate: Positive | None = Field(
        default=None,
        description="Learning rate eps times running time, so a step is as large at every running time.",
    )
    activations: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None, description="Labels of the activations to use; all of them where left out."
    )
    running_times: RunningTimes | None = Field(default=None, description="Replaces the sweep's list.")
    noise: NoiseAxes | None = Field(
        default=None,
        description="Keys given here replace the sweep's, key by key; `rates: null` leaves a kind out.",
    )
    replicates: Whole | None = Field(default=None, description="Replaces the sweep's.")
    circuit_parameters: Parameters | None = Field(
        default=None, description="Added to the sweep's; the same name replaces its value."
    )


class Solver(Section):
    """Error control and budget of one presentation."""

    rtol: Tolerance = Field(default=1e-3, description="Relative tolerance of a step.")
    atol: Tolerance = Field(default=1e-6, description="Absolute tolerance of a step, as a concentration.")
    max_steps: Whole | None = Field(
        default=None,
        description="Budget of a run: steps per presentation, on average; the library has a default.",
    )
    method: str = Field(
        default="auto",
        description="Method of integration that can show samples: `auto`, `rosw`, `bs23`, `rkc` (docs/integration.md).",
    )


class Trajectories(Section):
    """Which points keep the concentrations of all species over time."""

    replicates: WholeOrZero = Field(
        default=1, description="Number of replicates, from the first, in each of the cells; 0 keeps none."
    )
    cells: Literal["noise-free", "extremes", "all"] = Field(
        default="extremes",
        description="Cells: the noise-free one at the longest running time; that and the largest magnitude "
        "of each kind; or every cell.",
    )


class Chunks(Section):
    """How the work is cut; none of this changes a number.

    Left alone, chunks are cut by the estimated cost of their points: dear points make small chunks.
    """

    minutes: Positive | None = Field(
        default=None,
        description="Core time of one chunk, about: one job, one file; 10 where left out.",
    )
    cells: Whole | None = Field(
        default=None,
        description="Cells (running time x noise level) in one chunk, instead of as many as `minutes` allows.",
    )
    replicates: Whole | None = Field(
        default=None,
        description="Replicates of a cell in one chunk, instead of as many as `minutes` allows.",
    )
    workers: Annotated[int, Field(ge=1, le=1024), BeforeValidator(_number)] = Field(
        default=2, description="Dask workers for one chunk; 1 computes in the job itself, without Dask."
    )
    batch: Whole | None = Field(
        default=None,
        description="Points in one Dask task; where left out, the 8 that fill the vector unit, or more cheap ones.",
    )


class Sweep(Section):
    """A sweep: data sets x activations x running times x noise x replicates."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)] = Field(
        description="Names `results/<name>` and `reports/<name>.html`; the file's own name where left out."
    )
    title: str = Field(default="", description="Heading of the report.")
    seed: Annotated[int, Field(ge=0, lt=2**63), BeforeValidator(_number)] = Field(
        default=0, description="Seed of all random streams; a replicate is a stream of its own."
    )
    circuit: str = Field(
        default="onepot",
        description="Family of circuits: `onepot`, `feedforward` with `mode: inference`, or `module:NAME`.",
    )
    mode: Literal["training", "inference"] = Field(
        default="training",
        description="Train each circuit and read it out, or give it weights and read it out: far cheaper.",
    )
    weights: str | None = Field(
        default=None,
        description="For `mode: inference`: `sgd` (default) trains the algebraic network with `epochs` and "
        "`learning_rate`; or a file from `crnsim train -o`, or `.npz` with arrays W1, b1, W2, b2, ...",
    )
    circuit_parameters: Parameters = Field(
        default={},
        description="Parameters of the circuit by name: rate constants, annihilation, decay, `output`.",
    )
    activations: Annotated[dict[Label, Activation], Field(min_length=1)] = Field(
        description="Activations by label; labels appear in paths and in the report."
    )
    running_times: RunningTimes = Field(description="Durations of one presentation, in units of 1/k.")
    noise: NoiseAxes = Field(
        default_factory=lambda: NoiseAxes.model_validate({}), description="Kinds and magnitudes of noise."
    )
    replicates: Whole = Field(
        default=10, description="Runs of each cell, each with weights, split and draws of its own."
    )
    datasets: Annotated[dict[str, DatasetSettings], Field(min_length=1)] = Field(
        description="Data sets by name, each with what it does differently; or a list of names."
    )
    solver: Solver = Field(default=Solver(), description="Error control.")
    claims: str | None = Field(
        default=None,
        description="Paper whose claims the report judges, for the circuits of this sweep: `kang2025`, "
        "`anderson2021`, or `module:NAME` of your own.",
    )
    trajectories: Trajectories = Field(
        default=Trajectories(), description="Which points keep full trajectories; the others keep summaries."
    )
    chunks: Chunks = Field(default=Chunks(), description="How the work is cut; changes no number.")

    @field_validator("noise", "solver", "trajectories", "chunks", mode="before")
    @classmethod
    def _none_is_default(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("datasets", mode="before")
    @classmethod
    def _names_to_settings(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list):
            if not all(isinstance(name, str) for name in value):
                raise ValueError(
                    "must be a list of names, or names with settings such as 'iris: {replicates: 5}'"
                )
            return {name: {} for name in _no_repeats(tuple(value))}
        if isinstance(value, dict):
            return {name: {} if settings is None else settings for name, settings in value.items()}
        return value

    def to_dict(self) -> dict[str, Any]:
        """Return the whole configuration as plain data that `validate` reads back to an equal sweep."""
        data = self.model_dump(mode="json")
        data["datasets"] = {
            name: settings.model_dump(mode="json", exclude_unset=True)
            for name, settings in self.datasets.items()
        }
        # A kind of one's own is rare: a sweep without one need not say so.
        for section in (
            data["noise"],
            *(settings.get("noise") or {} for settings in data["datasets"].values()),
        ):
            if not section.get("own", True):
                del section["own"]
        return data
