"""The search file as a Pydantic model: every key with its meaning, its default and what it must fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model, field_validator, model_validator

from crnsim.entrance.limits import LONGEST_REFERENCE, LONGEST_TEXT
from crnsim.sweep.config.section import Section
from crnsim.sweep.config.values import Count, Seed, Switch, one_line, parameter_value

#: What can be better or worse about a design.
SCORE, CRITICAL, SPECIES, REACTIONS, TIME = (
    *("score", "critical_magnitude"),
    *("species", "reactions", "running_time"),
)
#: Choices of one parameter, objectives and candidates of a search, at most.
MOST_CHOICES, MOST_GOALS, MOST_TRIALS = 100, 6, 100_000


def _finite(value: Any) -> Any:
    """Take a number in every notation; a word is none."""
    value = parameter_value(value)
    if isinstance(value, (str, bool)):
        raise ValueError("must be a number")
    return value


_Number = Annotated[float, BeforeValidator(_finite)]
_Share = Annotated[float, Field(gt=0.5, lt=1.0), BeforeValidator(_finite)]
_Name = Annotated[str, Field(min_length=1, max_length=LONGEST_REFERENCE)]


def _choice(value: Any) -> Any:
    """Take a word, a number, or a list of whole numbers such as layers."""
    if isinstance(value, (list, tuple)):
        if not value or not all(type(one) is int for one in value):
            raise ValueError("must be a word, a number, or a list of whole numbers such as [2, 6, 1]")
        return tuple(value)
    return value if type(value) in (bool, int, str) else parameter_value(value)


class _Axis(Section):
    """What one parameter may be: a range, or a few choices."""

    @model_validator(mode="before")
    @classmethod
    def _a_list_is_choices(cls, value: Any) -> Any:
        return {"choices": value} if isinstance(value, (list, tuple)) else value

    @model_validator(mode="after")
    def _one_form(self) -> _Axis:
        low, high, choices = (getattr(self, name) for name in ("from", "to", "choices"))
        if choices is not None:
            if low is not None or high is not None or getattr(self, "log") or getattr(self, "whole"):  # noqa: B009
                raise ValueError("has choices and a range; keep one of the two")
            return self
        if low is None or high is None:
            raise ValueError(
                "must be a range, such as {from: 0.01, to: 0.5, log: true}, or a list of choices"
            )
        if not low < high:
            raise ValueError("must be a range whose 'to' is larger than its 'from'")
        if getattr(self, "log") and low <= 0:  # noqa: B009
            raise ValueError("must have a 'from' above 0 where log is true")
        if getattr(self, "whole") and not (low == int(low) and high == int(high)):  # noqa: B009
            raise ValueError("must have whole numbers as 'from' and 'to' where whole is true")
        return self


if TYPE_CHECKING:

    class Axis(_Axis):
        """What one parameter may be."""

        to: float | None
        log: bool
        whole: bool
        choices: tuple[Any, ...] | None
        when: dict[str, Any]

else:
    Axis = create_model(
        "Axis",
        __base__=_Axis,
        __doc__="What one parameter may be: a range, or `choices` (a list alone is choices).",
        **{
            "from": (_Number | None, Field(default=None, description="Least value of a range.")),
            "to": (_Number | None, Field(default=None, description="Largest value of a range.")),
            "log": (Switch, Field(default=False, description="Draw from the range evenly in its logarithm.")),
            "whole": (Switch, Field(default=False, description="Whole numbers alone.")),
            "choices": (
                Annotated[
                    tuple[Annotated[Any, BeforeValidator(_choice)], ...],
                    Field(min_length=2, max_length=MOST_CHOICES),
                ]
                | None,
                Field(default=None, description="Values to choose from."),
            ),
            "when": (
                dict[_Name, Any],
                Field(
                    default={},
                    description="Only where another parameter, which stands before it, has a value: "
                    "`{circuit_parameters.output: algebraic_sigmoid}`.",
                ),
            ),
        },
    )


class Objective(Section):
    """One thing that shall be as large, or as small, as can be."""

    maximise: Literal["score", "critical_magnitude"] | None = Field(
        default=None,
        description="`score`, without noise or under `noise` of one `magnitude`; or `critical_magnitude` of a `noise`.",
    )
    minimise: Literal["species", "reactions", "running_time"] | None = Field(
        default=None, description="`species` or `reactions` of the network, or the `running_time`."
    )
    noise: _Name | None = Field(default=None, description="A kind of noise of the sweep, such as `rates`.")
    magnitude: _Number | None = Field(default=None, description="One of its magnitudes.")

    @model_validator(mode="after")
    def _one_thing(self) -> Objective:
        if (self.maximise is None) == (self.minimise is None):
            raise ValueError("must have one of maximise and minimise, such as {maximise: score}")
        if self.minimise is not None and (self.noise is not None or self.magnitude is not None):
            raise ValueError(f"must have no noise: {self.minimise} do not depend on it")
        if self.maximise == SCORE and (self.noise is None) != (self.magnitude is None):
            raise ValueError(
                "must have noise and magnitude, such as {maximise: score, noise: rates, magnitude: 0.1}, or neither"
            )
        if self.maximise == CRITICAL and (self.noise is None or self.magnitude is not None):
            raise ValueError(
                "must have noise and no magnitude, such as {maximise: critical_magnitude, noise: rates}"
            )
        return self

    @property
    def what(self) -> str:
        """What is measured."""
        return self.maximise or str(self.minimise)


class Budget(Section):
    """When the search ends: whichever comes first."""

    core_hours: Annotated[float, Field(gt=0, le=1e6), BeforeValidator(_finite)] | None = Field(
        default=None, description="Core-hours of all runs of the search; the confirmation comes on top."
    )
    trials: Annotated[Count, Field(le=MOST_TRIALS)] | None = Field(
        default=None, description="Candidates; rounded up to whole batches."
    )

    @model_validator(mode="after")
    def _some(self) -> Budget:
        if self.core_hours is None and self.trials is None:
            raise ValueError("must have core_hours, trials or both, such as {core_hours: 4}")
        return self


class _Raced(Section):
    """How many replicates candidates have."""

    @field_validator("to", mode="after", check_fields=False)
    @classmethod
    def _not_less(cls, value: int, info: Any) -> int:
        first = info.data.get("from")
        if first is not None and value < first:
            raise ValueError(f"must be {first} or more, which is from")
        return value


if TYPE_CHECKING:

    class Raced(_Raced):
        """How many replicates candidates have."""

        to: int
        confidence: float
        margin: float

else:
    Raced = create_model(
        "Raced",
        __base__=_Raced,
        __doc__="Replicates of a candidate: `from` at first, doubled up to `to` while it may be among the best.",
        **{
            "from": (
                Annotated[Count, Field(ge=2, le=1000)],
                Field(default=3, description="Replicates of every candidate."),
            ),
            "to": (
                Annotated[Count, Field(le=1000)],
                Field(default=12, description="Replicates of one that may be among the best."),
            ),
            "confidence": (
                _Share,
                Field(default=0.9, description="With which a candidate must be worse to be dropped."),
            ),
            "margin": (
                Annotated[float, Field(ge=0, le=0.5), BeforeValidator(_finite)],
                Field(
                    default=0.01,
                    description="A gain of a score, or a share of a critical magnitude, that counts as none.",
                ),
            ),
        },
    )


class Confirm(Section):
    """Runs of the best designs, and of the one the search began with, on seeds that the search never saw."""

    replicates: Annotated[Count, Field(ge=2, le=100_000)] = Field(
        default=20, description="Of each design and condition."
    )
    designs: Annotated[Count, Field(le=20)] = Field(
        default=5, description="Best designs that are confirmed and written as sweep files, at most."
    )


class SearchFile(Section):
    """A search over designs."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60)] = Field(
        description="Names `results/search/<name>` and `reports/<name>-search.html`; the file's own where left out."
    )
    title: Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(one_line)] = Field(
        default="", description="Heading of the report."
    )
    seed: Seed = Field(
        default=0, description="Of the search: candidates, replicates and confirmation follow from it."
    )
    sweep: dict[str, Any] = Field(
        description="What all candidates have in common, as in a sweep file. Its one activation, data set and "
        "running time make the design that the search begins with."
    )
    search: Annotated[dict[_Name, Axis], Field(min_length=1)] = Field(
        description="What varies: `circuit_parameters.NAME`, `activation.NAME`, `layers`, `learning_rate`, `epochs`, "
        "`running_time` or `dataset`, each with a range or choices."
    )
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1, max_length=MOST_GOALS)] = Field(
        description="What is better, the most important first; several make a Pareto front."
    )
    sampler: Literal["tpe", "nsga2"] = Field(
        default="tpe", description="Who asks: `tpe` (a model of what was good) or `nsga2` (evolution)."
    )
    batch: Annotated[Count, Field(le=1000)] = Field(
        default=8, description="Candidates that are asked for, and raced, at a time."
    )
    replicates: Raced = Field(default_factory=lambda: Raced.model_validate({}), description="Of a candidate.")
    budget: Budget = Field(description="When the search ends.")
    confirm: Confirm = Field(default=Confirm(), description="Runs on fresh seeds.")

    @field_validator("replicates", "confirm", mode="before")
    @classmethod
    def _none_is_default(cls, value: Any) -> Any:
        return {} if value is None else value

    def rungs(self) -> tuple[int, ...]:
        """Return the replicates of a candidate that stays in the race: the first number, doubled, up to the last."""
        counts = [int(getattr(self.replicates, "from"))]
        while counts[-1] < self.replicates.to:
            counts.append(min(2 * counts[-1], self.replicates.to))
        return tuple(counts)
