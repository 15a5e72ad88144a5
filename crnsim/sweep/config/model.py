"""The sweep file as a Pydantic model: every key with its meaning, its default and what it must fit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from crnsim.entrance.limits import LONGEST_TEXT, MOST_POINTS
from crnsim.sweep.config.noise_axes import NoiseAxes
from crnsim.sweep.config.of_network import with_network
from crnsim.sweep.config.replicates import Replicates
from crnsim.sweep.config.section import Section
from crnsim.sweep.config.values import (
    AbsoluteTolerance,
    Concentration,
    Count,
    CountOrZero,
    Epochs,
    Label,
    Layers,
    LearningRate,
    MaxPoints,
    Minutes,
    Parameters,
    Reference,
    RelativeTolerance,
    RunningTimes,
    Seed,
    Steps,
    Swept,
    Text,
    Workers,
    no_repeats,
    one_line,
    parameter_value,
)


class Activation(Section):
    """An activation: its name, its role in the verdict, and its parameters under their own names."""

    # Parameters differ between activations; `checks` compares them with the registry.
    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Annotated[float | str | bool, BeforeValidator(parameter_value)]]

    name: Reference = Field(description="Name of the activation: `squareplus`, `relu`, ...")
    role: Literal["smooth", "sharp", "baseline"] | None = Field(
        default=None,
        description="Part in the verdict: the `smooth` one is compared with each `sharp` and `baseline` one.",
    )
    circuit: Reference | None = Field(
        default=None,
        description="Another family of circuits than the sweep's, for this design alone; it takes no circuit "
        "parameters and no learning rate but its own.",
    )
    learning_rate: LearningRate | None = Field(
        default=None, description="Replaces the data set's for this design alone."
    )
    epochs: Epochs | None = Field(default=None, description="Replaces the data set's for this design alone.")
    circuit_parameters: Parameters = Field(
        default={}, description="Added to the sweep's and the data set's for this design alone."
    )

    @property
    def parameters(self) -> tuple[tuple[str, float | str], ...]:
        """Parameters by name, in alphabetical order, numbers as float."""
        return tuple(sorted((self.model_extra or {}).items()))


class DatasetSettings(Section):
    """What one data set does differently; whatever is left out is taken from the sweep or the data set.

    A name that is not that of a data set is the label of one of your own: give its `file` and its `target`.
    """

    file: Text | None = Field(
        default=None,
        description="A CSV file with a header line, from the folder in which the command runs.",
    )
    target: Text | None = Field(
        default=None, description="Column of `file` to predict; all other columns are features."
    )
    task: Literal["classification", "regression"] | None = Field(
        default=None,
        description="Of `file`; left out, words or at most 20 different whole numbers are classes.",
    )
    layers: Layers | None = Field(
        default=None, description="Units per layer, from features to targets, such as `[2, 6, 1]`."
    )
    epochs: Epochs | None = Field(
        default=None, description="Passes over the training set; the data set has its default."
    )
    learning_rate: LearningRate | None = Field(
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
    replicates: Replicates | None = Field(default=None, description="Replaces the sweep's.")
    circuit_parameters: Parameters | None = Field(
        default=None, description="Added to the sweep's; the same name replaces its value."
    )


class Solver(Section):
    """Error control and budget of one presentation."""

    rtol: RelativeTolerance = Field(default=1e-3, description="Relative tolerance of a step.")
    atol: AbsoluteTolerance = Field(
        default=1e-6,
        description="Absolute tolerance of a step, as a concentration; `scaled`, the default for a `network`, follows "
        "the scale of each species.",
    )
    max_steps: Steps | None = Field(
        default=None,
        description="Budget of a run: steps per presentation, on average; the library has a default.",
    )
    method: Reference = Field(
        default="auto",
        description="Method of integration that can show samples: `auto`, `rosw`, `rodas`, `dp45`, `bs23`, `rkc` "
        "(docs/integration.md).",
    )


class Trajectories(Section):
    """Which points keep the concentrations of all species over time."""

    replicates: CountOrZero = Field(
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

    minutes: Minutes | None = Field(
        default=None,
        description="Core time of one chunk, about: one job, one file; 10 where left out.",
    )
    cells: Count | None = Field(
        default=None,
        description="Cells (running time x noise level) in one chunk, instead of as many as `minutes` allows.",
    )
    replicates: Count | None = Field(
        default=None,
        description="Replicates of a cell in one chunk, instead of as many as `minutes` allows.",
    )
    workers: Workers = Field(
        default=2, description="Dask workers for one chunk; 1 computes in the job itself, without Dask."
    )
    batch: Count | None = Field(
        default=None,
        description="Points in one Dask task; where left out, the 8 that fill the vector unit, or more cheap ones.",
    )
    max_points: MaxPoints = Field(
        default=MOST_POINTS,
        description="Points that the sweep may have; more are taken for a slip, unless this says that they are none.",
    )


class Sweep(Section):
    """A sweep: data sets x activations x running times x noise x replicates."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)] = Field(
        description="Names `results/<name>` and `reports/<name>.html`; the file's own name where left out."
    )
    title: Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(one_line)] = Field(
        default="", description="Heading of the report."
    )
    seed: Seed = Field(
        default=0, description="Seed of all random streams; a replicate is a stream of its own."
    )
    circuit: Reference = Field(
        default="onepot",
        description="Family of circuits: `onepot`, `clocked`, `feedforward` with `mode: inference`, or `module:NAME`.",
    )
    network: Text | None = Field(
        default=None,
        description="A network of your own instead of circuits: a file (`.crn`, `.xml`, `.ant`), or `module:function`. "
        "`observables` say what counts as right; activations and data sets are left out (docs/networks.md).",
    )
    initial: dict[str, Concentration] = Field(
        default={}, description="For a `network`: concentrations at the start, over those of its file."
    )
    inputs: tuple[dict[str, Any], ...] | None = Field(
        default=None,
        description="For a `network`: rows of concentrations over these, each a run of its own, such as "
        "`[{X: 0.6, Y: 0.4, expect: {winner: X}}]`.",
    )
    observables: dict[str, dict[str, Any]] = Field(
        default={},
        description="For a `network`: what is looked at, by name: `{value: B, target: 1.0, tolerance: 0.1}`, "
        "`{highest: [X, Y], expected: X}`, `{value: B, above: 0.5}`, `{value: B, band: ...}`, "
        "`{value: B, period: 20, tolerance: 0.05}`, or `{function: module:function}`.",
    )
    parameters: dict[str, Swept] = Field(
        default={},
        description="For a `network`: rate parameters, or concentrations of single species at the start, each a number "
        "or a list; every combination is a design of its own.",
    )
    mode: Literal["training", "inference", "observation"] = Field(
        default="training",
        description="Train each circuit and read it out, or give it weights and read it out: far cheaper. That of a "
        "`network` is `observation`.",
    )
    weights: Text | None = Field(
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
    running_times: RunningTimes = Field(
        description="Durations of one presentation, in units of 1/k; of one phase, for a clocked circuit; for a "
        "`network`, times at which a run ends and is read out."
    )
    noise: NoiseAxes = Field(
        default_factory=lambda: NoiseAxes.model_validate({}), description="Kinds and magnitudes of noise."
    )
    replicates: Replicates = Field(
        default=10,
        description="Runs of each cell, each with weights, split and draws of its own; or `{from: 10, to: 80}`: more "
        "where a verdict is open.",
    )
    datasets: Annotated[dict[str, DatasetSettings], Field(min_length=1)] = Field(
        description="Data sets by name, each with what it does differently; or a list of names."
    )
    tuned: Text | None = Field(
        default=None,
        description="File from `crnsim tune`: the learning rate of each design that it lists, chosen on replicates "
        "that no verdict uses (docs/tuning.md). A design in it has no `learning_rate` of its own.",
    )
    solver: Solver = Field(default=Solver(), description="Error control.")
    claims: Reference | None = Field(
        default=None,
        description="Paper whose claims the report judges, for the circuits of this sweep: `kang2025`, "
        "`anderson2021`, `fan2023`, or `module:NAME` of your own.",
    )
    trajectories: Trajectories = Field(
        default=Trajectories(), description="Which points keep full trajectories; the others keep summaries."
    )
    chunks: Chunks = Field(default=Chunks(), description="How the work is cut; changes no number.")

    @model_validator(mode="before")
    @classmethod
    def _of_a_network(cls, data: Any) -> Any:
        return with_network(data) if isinstance(data, dict) and data.get("network") is not None else data

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
            return {name: {} for name in no_repeats(tuple(value))}
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
        if self.network is None:
            for name in ("network", "initial", "inputs", "observables", "parameters"):
                del data[name]
        if self.tuned is None:
            del data["tuned"]
        # A kind of one's own is rare: a sweep without one need not say so.
        if not data["noise"].get("own", True):
            del data["noise"]["own"]
        return data
