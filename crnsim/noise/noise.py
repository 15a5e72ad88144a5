"""Noise as an object of its own, apart from circuit and solver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crnsim.entrance.arguments import shown
from crnsim.entrance.limits import MOST_EVENTS
from crnsim.errors import InputError, suggest
from crnsim.noise.kinds import NOISE_KINDS, NoiseKind, check_magnitude, kind_source_hash, noise_kind
from crnsim.wording import html_table


class Noise:
    """Extrinsic noise; every magnitude is a standard deviation, zero for none.

    The keywords are those of the kinds of noise in `crnsim.noise.NOISE_KINDS`, and a kind of your own by its
    ``module:Class`` (``Noise(**{"my_noise:Batch": 0.1})``). Each can be read as an attribute.

    Parameters
    ----------
    rates : float
        Every elementary rate constant is multiplied by exp(sigma xi - sigma^2/2) with xi a standard normal of its own,
        so that its mean stays.
    rates_mode : {"static", "per_presentation", "ou"}
        One draw per replicate, one for each presentation, or an Ornstein-Uhlenbeck process for the logarithm of each
        factor, with the same standard deviation; the rate constants are constant for a fifth of its correlation time.
    correlation_time : float
        Of that process, in units of 1/k; 10 by default.
    static_rates : float
        As `rates` of mode static, with draws of its own: constants that are off in this tube. It can act together with
        `rates` of another mode.
    concentrations : float
        Every `interval`, in training and read-out, each dynamic species in `scope` is multiplied by the same kind of
        factor; species that stand in a conservation law are then rescaled to its total.
    scope : {"signals", "weights", "all"}
        Which species: all dynamic species but the weights, the weights alone, or both.
    interval : float
        Time between kicks, in units of 1/k; 5 by default.
    additive : bool
        Add sigma xi instead (and stop at zero).
    inputs : float
        sigma xi is added to each presented (scaled) feature; targets stay clean.
    intrinsic : float
        Molecules are few: Omega^(-1/2), where a concentration of 1 is Omega molecules.

    Raises
    ------
    InputError
        For a negative magnitude, an interval that is not positive, an unknown mode or scope, or an unknown keyword.
    """

    #: Value of every keyword, and the kind and the name by which it was asked for, by the word for the kind.
    _values: dict[str, Any]
    _kinds: dict[str, tuple[NoiseKind, str]]

    def __init__(self, /, *positional: object, **values: Any) -> None:
        if positional:
            raise InputError(f"noise is {shown(positional[0])}; name its kinds, such as Noise(rates=0.1)")
        kinds = {name: (kind, name) for name, kind in NOISE_KINDS.items()}
        # In one order, however they were given: kinds need not commute, and equal points have equal numbers.
        for name in sorted(values):
            if ":" in name:
                kind = noise_kind(name)
                if kind.name in kinds:
                    raise InputError(f"noise: {name} and {kinds[kind.name][1]} are both called '{kind.name}'")
                kinds[kind.name] = (kind, name)
        checked: dict[str, Any] = {}
        given = {**values}
        for kind, name in kinds.values():
            checked[kind.name] = check_magnitude(kind, given.pop(name, 0.0))
            for option in kind.options:
                if option.keyword in checked:
                    raise InputError(
                        f"kind of noise {name}: another kind has the option '{option.keyword}' already"
                    )
                checked[option.keyword] = option.checked(given.pop(option.keyword, option.default))
        if given:
            unknown = next(iter(given))
            meant = [
                f"did you mean '{option.keyword}'?"
                for kind, _ in kinds.values()
                for option in kind.options
                if option.name == unknown
            ]
            raise InputError(
                f"noise has no {shown(unknown)}; {meant[0] if meant else suggest(unknown, checked)}"
            )
        object.__setattr__(self, "_values", checked)
        object.__setattr__(self, "_kinds", kinds)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._values:
            return self._values[name]
        raise AttributeError(f"noise has no '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("noise does not change; make another one")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Noise) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.to_dict().items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_dict, (self.to_dict(),)

    def __repr__(self) -> str:
        defaults = Noise().to_dict() if self._values else {}
        shown = {name: value for name, value in self.to_dict().items() if defaults.get(name) != value}
        return f"Noise({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def _repr_html_(self) -> str:
        """Show what acts, and its options, as a table in a notebook."""
        rows = [
            (
                name,
                f"{magnitude:g}",
                ", ".join(f"{o.keyword}={self._values[o.keyword]}" for o in kind.options),
            )
            for (name, (kind, _)) in self._kinds.items()
            if (magnitude := self._values[name])
        ]
        return html_table(repr(self), rows or [("none", "", "")], ("kind", "magnitude", "options"))

    @property
    def magnitudes(self) -> dict[str, float]:
        """Magnitude of every kind, by its name, in the order of `NOISE_KINDS`; then those of your own by name."""
        return {name: self._values[name] for name in self._kinds}

    @property
    def kinds(self) -> list[NoiseKind]:
        """Every kind that this noise knows of: those built in, and those that it was made with."""
        return [kind for kind, _ in self._kinds.values()]

    @property
    def acting(self) -> list[NoiseKind]:
        """The kinds whose magnitude is above zero."""
        return [kind for name, (kind, _) in self._kinds.items() if self._values[name] > 0]

    @property
    def kind(self) -> str:
        """``"none"`` or the kinds of noise that act, joined by ``+``."""
        return "+".join(kind.name for kind in self.acting) or "none"

    def options(self, kind: NoiseKind) -> dict[str, Any]:
        """Values of the options of a kind, by keyword."""
        return {option.keyword: self._values[option.keyword] for option in kind.options}

    @property
    def described(self) -> str:
        """The kinds that act, in words: magnitudes, and options that are not what they are by default."""
        said = []
        for kind in self.acting:
            magnitude = self._values[kind.name]
            also = [
                option.told(self._values[option.keyword])
                for option in kind.options
                if self._values[option.keyword] != option.default
                or (option.only and self._values[option.only[0]] == option.only[1])
            ]
            shown = kind.shown(magnitude)
            told = (
                f"{kind.name} {shown}"
                if shown == f"{magnitude:g}"
                else f"{kind.name} {magnitude:g} ({shown})"
            )
            said.append(f"{told} ({', '.join(also)})" if also else told)
        return ", ".join(said)

    def disturbances(self, running_time: float) -> dict[str, float]:
        """How often each kind that acts starts transients anew in one presentation, where it does."""
        found = {kind.name: kind.disturbances(self.options(kind), running_time) for kind in self.acting}
        return {name: number for name, number in found.items() if number}

    def check_events(self, running_time: float) -> None:
        """Raise InputError if a kind acts more often in one presentation than a run could follow, or never."""
        known = {kind.name: kind for kind in self.kinds}
        for name, number in self.disturbances(running_time).items():
            if not number <= MOST_EVENTS:
                raise InputError(
                    f"noise on {name} acts {number:.3g} times in a running time of {running_time:g}; at most "
                    f"{MOST_EVENTS:,}: {known[name].slower()}"
                )
        for kind in self.acting:
            first, words = kind.first_action(self.options(kind))
            # As the solver says it, which takes no kick in the last rounding before the end.
            if first and not first < running_time * (1.0 - 1e-12):
                raise InputError(
                    f"noise on {kind.name} acts first after {words} = {first:g}, which is not within the running time "
                    f"{running_time:g}; take a shorter {words.partition('/')[0]}, or a longer running time"
                )

    def asked_as(self, kind: NoiseKind) -> str:
        """Name by which a kind was asked for: its own, or ``module:Class``."""
        return self._kinds[kind.name][1]

    def to_dict(self) -> dict[str, Any]:
        """All keywords with their values: ``Noise(**noise.to_dict())`` is an equal noise."""
        renamed = {name: asked for name, (_, asked) in self._kinds.items()}
        return {renamed.get(name, name): value for name, value in self._values.items()}

    def settings(self) -> dict[str, Any]:
        """Everything that influences numbers, without options of kinds that do not act."""
        values: dict[str, Any] = {}
        for name, (kind, asked) in self._kinds.items():
            magnitude = self._values[name]
            if not magnitude and asked not in _ALWAYS_SAID:
                continue
            values[asked] = magnitude
            if magnitude:
                values |= self.options(kind)
                values |= {f"{asked} source": digest} if (digest := kind_source_hash(asked)) else {}
        return values


#: Kinds whose magnitude stands in every key of a point, also where it is 0; others leave keys alone where they are not.
_ALWAYS_SAID = ("rates", "concentrations", "inputs", "intrinsic")
#: Noise, or the keywords of it.
NoiseLike = Noise | Mapping[str, Any]


def as_noise(noise: object) -> Noise:
    """Return noise, from one, from its keywords as a mapping, or none from None.

    Raises
    ------
    InputError
        It is none of them, or a keyword does not fit.
    """
    if noise is None:
        return Noise()
    if isinstance(noise, Mapping):
        values = {str(name): value for name, value in noise.items()}
        checked = Noise(**values)
        check_idle(values)
        return checked
    if not isinstance(noise, Noise):
        raise InputError(
            f"noise is {shown(noise)}; give a crnsim.Noise, or its keywords, such as {{'rates': 0.1}}"
        )
    return noise


def check_idle(values: Mapping[str, Any], spelled: Callable[[str], str] = str) -> None:
    """Raise InputError for an option that a user has given and that changes nothing.

    Parameters
    ----------
    values : mapping of str to value
        Keywords of `Noise` that were given. A magnitude of zero that stands among them is a level without noise, at
        which options may stay.
    spelled : callable, optional
        How a keyword is written where the user has written it.
    """
    for kind in NOISE_KINDS.values():
        for option in kind.options:
            if option.keyword not in values or values[option.keyword] == option.default:
                continue
            given = f"{spelled(option.keyword)} {shown(values[option.keyword])}"
            if kind.name not in values:
                raise InputError(
                    f"noise: {given} is about {kind.label}, and there is none; give {spelled(kind.name)}, or leave "
                    "it out"
                )
            if option.only and values.get(option.only[0]) != option.only[1]:
                raise InputError(
                    f"noise: {given} counts for {spelled(option.only[0])} {option.only[1]} alone; give that, or leave "
                    "it out"
                )


def own_section(reference: str, magnitude: float | str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords of `Noise` for a kind of one's own, with its options by the names that a sweep file has for them.

    Raises
    ------
    InputError
        It has no such option.
    """
    keywords = {option.name: option.keyword for option in noise_kind(reference).options}
    for name in options:
        if name not in keywords:
            instead = suggest(name, keywords) if keywords else "it has none"
            raise InputError(f"{reference} has no option '{name}'; {instead}")
    return {reference: magnitude} | {keywords[name]: value for name, value in options.items()}


def batches(noises: Sequence[Noise]) -> list[int]:
    """Return the number of the batch for each of several noises: some kinds need one table that fits all of a batch.

    Noises that need no such table go with the first; those that need a stochastic method are apart from the others.
    """
    wanted = [
        tuple(
            (kind.name, shared)
            for kind in noise.acting
            if (shared := kind.in_common(noise.options(kind))) is not None
        )
        for noise in noises
    ]
    random = [any(kind.stochastic for kind in noise.acting) for noise in noises]
    first: dict[bool, tuple[Any, ...]] = {}
    for one, apart in zip(wanted, random, strict=True):
        if one:
            first.setdefault(apart, one)
    keys = [(apart, one or first.get(apart, ())) for one, apart in zip(wanted, random, strict=True)]
    known = list(dict.fromkeys(keys))
    return [known.index(key) for key in keys]


def _from_dict(values: Mapping[str, Any]) -> Noise:
    return Noise(**values)
