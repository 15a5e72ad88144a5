"""The table of kinds of noise: what a magnitude of each one means, its options, and how it acts on a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from crnsim.entrance.arguments import check_number, shown
from crnsim.entrance.limits import LARGEST_NOISE, SMALLEST_NOISE
from crnsim.errors import InputError
from crnsim.noise.options import Option
from crnsim.registry import Registry

if TYPE_CHECKING:
    import numpy as np

#: Pieces of one correlation time in which rate constants that drift are constant.
PIECES = 5
#: Group of entry points under which an installed package offers kinds of noise.
ENTRY_POINTS = "crnsim.noise"


class Runs(Protocol):
    """Runs of one batch, as a kind of noise meets them when their tables are made."""

    #: Rows that the compiled loop reads, one for each run (`crnsim.solvers.protocol.MEMBER`).
    member: np.ndarray
    #: Equations of the families of reactions.
    families: list[str]

    def values(self, keyword: str) -> list[Any]:
        """Magnitude or option of each run, by the keyword of `crnsim.Noise`; 0 for a kind that it does not know."""
        ...

    def keys(self, active: Sequence[bool], purpose: str, over: Sequence[str]) -> np.ndarray:
        """Keys of the streams of `purpose` for each name in `over`, shape (runs, names, 2); 0 where not active."""
        ...

    def in_scope(self, scope: str | None) -> tuple[list[str], np.ndarray]:
        """Arrays of species in a scope: their names, and (first row, length) of each; none for None."""
        ...


class NoiseKind:
    """One kind of noise.

    Subclass it, set the attributes, and overwrite what it acts on; the others leave a run alone. Magnitudes are
    standard deviations, zero for none.
    """

    #: Word for the kind: keyword of `Noise`, section of a sweep file, and ``noise_<name>``, its coordinate in results.
    name: ClassVar[str]
    #: What it is called in a sentence, such as "rate noise".
    label: ClassVar[str]
    #: What it acts on, for the descriptions of a sweep file: "Noise on <target>".
    target: ClassVar[str]
    #: What a magnitude is, in a sentence.
    description: ClassVar[str]
    #: Choices beside the magnitude.
    options: ClassVar[tuple[Option, ...]] = ()
    #: Magnitudes above zero that are smaller are refused.
    smallest: ClassVar[float] = SMALLEST_NOISE
    #: Whether it needs a stochastic method; runs in which it acts are in no batch with others.
    stochastic: ClassVar[bool] = False

    @property
    def coordinate(self) -> str:
        """Name of the coordinate of results that holds its magnitude."""
        return f"noise_{self.name}"

    def shown(self, magnitude: float) -> str:
        """Return a magnitude as it stands in pages and tables."""
        return f"{magnitude:g}"

    def meant(self, number: float) -> str:
        """Say which magnitude a number that is too large for one may have been meant as; nothing if none."""
        return f"{number:g} % is {number / 100:g}" if number <= 100 * LARGEST_NOISE else ""

    def perturb_rate_constants(
        self,
        magnitude: float,
        options: Mapping[str, Any],
        constants: np.ndarray,
        families: Mapping[str, slice],
        draws: Draws,
    ) -> None:
        """Change the rate constants of one replicate, in place, before anything runs; called where the kind acts.

        Parameters
        ----------
        magnitude : float
        options : mapping of str to value
            By keyword.
        constants : numpy.ndarray, shape (n_reactions,)
            One for each elementary reaction.
        families : mapping of str to slice
            Reactions of each family, by its equation.
        draws : callable
            ``draws(purpose, name, count)`` gives standard normals from the stream of the replicate for `purpose` (what
            they are for) and `name` (such as a family).
        """

    def prepare(self, runs: Runs) -> dict[str, np.ndarray]:
        """Set what the compiled loop reads of this kind in ``runs.member``; return further tables of the protocol."""
        return {}

    def in_common(self, options: Mapping[str, Any]) -> Any:
        """What runs of one batch in which the kind acts must have in common; None for nothing."""
        return None

    def disturbances(self, options: Mapping[str, Any], running_time: float) -> float:
        """How often transients start anew in one presentation, for the estimate of its cost."""
        return 0.0

    def slower(self) -> str:
        """What to do about a kind that acts too often."""
        return "take a longer interval"

    def first_action(self, options: Mapping[str, Any]) -> tuple[float, str]:
        """When it first acts in a presentation, as a time and in words; a run that ends by then has no such noise."""
        return 0.0, ""


class Draws(Protocol):
    """Standard normals of one replicate by purpose and name."""

    def __call__(self, purpose: str, name: str, count: int) -> np.ndarray:
        """Return `count` of them; equal for equal purpose and name."""
        ...


class Rates(NoiseKind):
    """Every elementary rate constant times exp(sigma xi - sigma^2/2), so that its mean stays."""

    name = "rates"
    label = "rate noise"
    target = "rate constants"
    description = "Standard deviations of the logarithm of a rate constant; 10 % is 0.1."
    options = (
        Option(
            "mode",
            "rates_mode",
            "static",
            "One draw per replicate, a new one for every presentation, or a process that drifts in time (ou).",
            ("static", "per_presentation", "ou"),
        ),
        Option(
            "correlation_time",
            "correlation_time",
            10.0,
            "Of mode ou: time in which rate constants forget what they were (by 1/e), in units of 1/k.",
            only=("rates_mode", "ou"),
        ),
    )

    def perturb_rate_constants(
        self,
        magnitude: float,
        options: Mapping[str, Any],
        constants: np.ndarray,
        families: Mapping[str, slice],
        draws: Draws,
    ) -> None:
        """One draw for each reaction, where the mode is static."""
        import numpy as np

        if options["rates_mode"] != "static":
            return
        sigma, xi = magnitude, np.empty(len(constants))
        for family, place in families.items():
            xi[place] = draws("rate noise", family, place.stop - place.start)
        constants *= np.exp(sigma * xi - 0.5 * sigma * sigma)

    def prepare(self, runs: Runs) -> dict[str, np.ndarray]:
        """Keys for a draw at each presentation, or at each change within it, where that is the mode."""
        magnitudes, modes = runs.values("rates"), runs.values("rates_mode")
        active = [m > 0 and mode != "static" for m, mode in zip(magnitudes, modes, strict=True)]
        runs.member["noise_rates"] = [m if on else 0.0 for m, on in zip(magnitudes, active, strict=True)]
        times = runs.values("correlation_time")
        drifts = [on and mode == "ou" for on, mode in zip(active, modes, strict=True)]
        runs.member["rate_memory"] = times
        runs.member["rate_interval"] = [
            t / PIECES if on else 0.0 for t, on in zip(times, drifts, strict=True)
        ]
        return {"rate_keys": runs.keys(active, "rate noise", runs.families)}

    def disturbances(self, options: Mapping[str, Any], running_time: float) -> float:
        """One for each change."""
        if options["rates_mode"] != "ou":
            return 0.0
        return running_time / float(options["correlation_time"]) * PIECES

    def slower(self) -> str:
        """The interval follows the correlation time."""
        return "take a longer correlation_time"


class Concentrations(NoiseKind):
    """Concentrations in a scope are kicked now and again; conserved sums keep their totals."""

    name = "concentrations"
    label = "concentration noise"
    target = "concentrations"
    description = "Standard deviations of the logarithm of a concentration at each kick."
    options = (
        Option(
            "scope",
            "scope",
            "signals",
            "Species that are kicked: all dynamic ones but the weights, weights, all.",
            ("signals", "weights", "all"),
        ),
        Option("interval", "interval", 5.0, "Time between kicks, in units of 1/k."),
        Option("additive", "additive", False, "Add noise of that standard deviation, instead of a factor."),
    )

    def prepare(self, runs: Runs) -> dict[str, np.ndarray]:
        """Keys for the kicks of each array of species in scope."""
        active = [magnitude > 0 for magnitude in runs.values("concentrations")]
        scopes = [scope for scope, on in zip(runs.values("scope"), active, strict=True) if on]
        names, rows = runs.in_scope(scopes[0] if scopes else None)
        runs.member["noise_concentrations"] = runs.values("concentrations")
        runs.member["kick_interval"] = runs.values("interval")
        runs.member["kick_additive"] = runs.values("additive")
        return {"kick_keys": runs.keys(active, "concentration noise", names), "kicked": rows}

    def in_common(self, options: Mapping[str, Any]) -> Any:
        """The scope: a batch has one table of species to kick."""
        return options["scope"]

    def disturbances(self, options: Mapping[str, Any], running_time: float) -> float:
        """One for each kick."""
        return 1 + running_time / float(options["interval"])

    def first_action(self, options: Mapping[str, Any]) -> tuple[float, str]:
        """Half an interval after the beginning."""
        return 0.5 * float(options["interval"]), "interval/2"


class Inputs(NoiseKind):
    """sigma xi is added to each presented feature; targets stay clean."""

    name = "inputs"
    label = "input noise"
    target = "inputs"
    description = "Standard deviations added to each scaled feature; targets stay clean."

    def prepare(self, runs: Runs) -> dict[str, np.ndarray]:
        """The key of each run's features."""
        runs.member["noise_inputs"] = runs.values("inputs")
        keys = runs.keys([True] * len(runs.member), "input noise", ["features"])
        runs.member["input_key_0"], runs.member["input_key_1"] = keys[:, 0, 0], keys[:, 0, 1]
        return {}


class Intrinsic(NoiseKind):
    """Molecules are few: a concentration of 1 is Omega of them, and every reaction takes place at random."""

    name = "intrinsic"
    label = "intrinsic noise"
    target = "single molecules"
    description = "Omega^(-1/2), where a concentration of 1 is Omega molecules; 1000 molecules are 0.0316."
    # With 10^14 molecules concentrations of 90 can still be counted, and nothing fluctuates.
    smallest = 1e-7
    stochastic = True

    def shown(self, magnitude: float) -> str:
        """How many molecules a concentration of 1 is."""
        return f"Ω {volume_of(magnitude):.4g}" if magnitude else "0"

    def meant(self, number: float) -> str:
        """Numbers of molecules are written where their root is wanted."""
        return f"{number:g} molecules are {number**-0.5:.4g}"

    def prepare(self, runs: Runs) -> dict[str, np.ndarray]:
        """The volume of each run, and the key of its random numbers."""
        magnitudes = runs.values("intrinsic")
        runs.member["volume"] = [volume_of(magnitude) if magnitude else 0.0 for magnitude in magnitudes]
        active = [magnitude > 0 for magnitude in magnitudes]
        if not any(active):
            return {}
        return {"event_keys": runs.keys(active, "molecules", [""])[:, 0]}


def volume_of(magnitude: float) -> float:
    """Molecules for a concentration of 1 at a magnitude of intrinsic noise: its square's inverse."""
    volume = 1.0 / magnitude**2
    near = float(round(volume))
    # So that a magnitude that a person has written with some digits means the whole number that it stands for.
    return near if near and abs(volume - near) <= 1e-9 * near else volume


def _checked(name: str, found: Any) -> NoiseKind:
    kind = found() if isinstance(found, type) and issubclass(found, NoiseKind) else found
    if not isinstance(kind, NoiseKind):
        raise InputError(f"kind of noise {name}: it is no subclass of crnsim.noise.NoiseKind")
    missing = [word for word in ("name", "label", "target", "description") if not hasattr(kind, word)]
    if missing:
        raise InputError(f"kind of noise {name}: the class lacks {', '.join(missing)}")
    if not isinstance(kind.options, tuple) or not all(isinstance(one, Option) for one in kind.options):
        raise InputError(f"kind of noise {name}: options must be a tuple of crnsim.noise.Option")
    for word in (kind.name, *(option.keyword for option in kind.options)):
        if str(word) in _TAKEN or str(word).startswith("free") or not str(word).islower():
            raise InputError(
                f"kind of noise {name}: '{word}' cannot be the name of a kind or an option; use another word of small "
                "letters"
            )
    if kind.coordinate != f"noise_{kind.name}":
        raise InputError(f"kind of noise {name}: its coordinate must be noise_{kind.name}")
    return kind


#: Words that mean something else where names of kinds and keywords of options stand.
_TAKEN = {
    *("none", "kind", "kinds", "own", "cross", "options", "settings", "magnitudes", "magnitude", "acting"),
    *(
        "disturbances",
        "check_events",
        "asked_as",
        "to_dict",
        "rates_mode",
        "correlation_time",
        "scope",
        "interval",
    ),
    "additive",
}


_REGISTRY: Registry[NoiseKind] = Registry(
    "kind of noise", ENTRY_POINTS, (Rates(), Concentrations(), Inputs(), Intrinsic()), _checked
)
#: Every built-in kind of noise by its name, in the order in which tables and pages show them.
NOISE_KINDS = _REGISTRY.built_in
#: Their names.
KINDS = tuple(NOISE_KINDS)
#: Scopes of noise on concentrations.
SCOPES = next(option.choices for option in Concentrations.options if option.name == "scope")


def noise_kind(name: str) -> NoiseKind:
    """Return a kind of noise.

    Parameters
    ----------
    name : str
        A key of `NOISE_KINDS`, the name of an entry point in the group ``crnsim.noise``, or ``module:Class``.

    Raises
    ------
    InputError
        There is none, or it is no whole `NoiseKind`.
    """
    return _REGISTRY.find(name)


def code_of_kind(name: str) -> AbstractContextManager[None]:
    """Run code of a kind; what goes wrong in a user's own is one error that names it."""
    return _REGISTRY.code_of(name)


def kind_source_hash(name: str) -> str:
    """Hash of the file that defines a kind of noise; empty for those built in."""
    return _REGISTRY.source_hash(name)


def check_magnitude(kind: NoiseKind, value: Any) -> float:
    """Return a magnitude of a kind; raise InputError unless it is 0, or a number that means something there."""
    magnitude = check_number(f"noise {kind.name}", value, least=0.0)
    if magnitude > LARGEST_NOISE:
        meant = kind.meant(magnitude)
        raise InputError(
            f"noise {kind.name} is {shown(value)}; it must be at least 0 and at most {LARGEST_NOISE:g}"
            f"{f'; {meant}' if meant else ''}"
        )
    if 0 < magnitude < kind.smallest:
        raise InputError(
            f"noise {kind.name} is {shown(value)}; it must be 0, or {kind.smallest:g} or more: less is lost in rounding"
        )
    return magnitude
