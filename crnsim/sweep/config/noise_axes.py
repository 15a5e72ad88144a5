"""The kinds of noise of a sweep file: a section for each kind in the table, made from its entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, create_model

from crnsim.noise.kinds import NOISE_KINDS, NoiseKind
from crnsim.sweep.config.section import Section
from crnsim.sweep.config.values import Switch, Time, magnitudes_of, parameter_value

_OwnMagnitudes: Any = magnitudes_of(NoiseKind())


class OwnNoise(Section):
    """A kind of noise of your own, under its `module:Class`: magnitudes, and its options under their own names."""

    # Options differ between kinds; `names` compares them with the kind.
    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Annotated[float | str | bool, BeforeValidator(parameter_value)]]

    magnitudes: _OwnMagnitudes = Field(
        default=(), description="Standard deviations, or what the kind makes of them."
    )


def _noise_section(kind: NoiseKind) -> Any:
    """Return the section of a kind of noise as a model made from its entry in the table."""
    fields: dict[str, Any] = {
        "magnitudes": (magnitudes_of(kind), Field(default=(), description=kind.description))
    }
    for option in kind.options:
        annotation: Any = Switch if isinstance(option.default, bool) else Time
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
            dict[str, OwnNoise | None] | None,
            Field(
                default={},
                description="Kinds of noise of your own, by `module:Class` (docs/noise-kinds.md); `null` leaves one "
                "out, or all.",
            ),
        ),
        cross=(
            Switch,
            Field(
                default=False,
                description="Take every combination of the kinds, instead of one kind at a time.",
            ),
        ),
    )
