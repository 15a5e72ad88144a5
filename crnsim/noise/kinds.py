"""The table of kinds of noise: what a magnitude of each one means, its options, and how it acts on a run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from crnsim.entrance.arguments import check_number, shown
from crnsim.entrance.limits import LARGEST_NOISE
from crnsim.errors import InputError
from crnsim.noise.contract import Draws, NoiseKind, Runs
from crnsim.noise.options import Option
from crnsim.registry import Registry

if TYPE_CHECKING:
    import numpy as np

#: Pieces of one correlation time in which rate constants that drift are constant.
PIECES = 5
#: Group of entry points under which an installed package offers kinds of noise.
ENTRY_POINTS = "crnsim.noise"


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
        if options["rates_mode"] == "static":
            _draw_once("rate noise", magnitude, constants, families, draws)

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


class StaticRates(NoiseKind):
    """Every elementary rate constant times exp(sigma xi - sigma^2/2), drawn once: constants that are off in this tube.

    In law it is `Rates` of mode static. It has streams of its own, so that one sweep can have both: constants that are
    off, and constants that are new for each presentation.
    """

    name = "static_rates"
    label = "static rate noise"
    target = "rate constants, drawn once per replicate"
    description = (
        "Standard deviations of the logarithm of a rate constant that is off in this tube; 10 % is 0.1."
    )

    def perturb_rate_constants(
        self,
        magnitude: float,
        options: Mapping[str, Any],
        constants: np.ndarray,
        families: Mapping[str, slice],
        draws: Draws,
    ) -> None:
        """One draw for each reaction."""
        _draw_once("static rate noise", magnitude, constants, families, draws)


def _draw_once(
    purpose: str, sigma: float, constants: np.ndarray, families: Mapping[str, slice], draws: Draws
) -> None:
    """Multiply each rate constant of a replicate by a factor of its own, of mean 1."""
    import numpy as np

    xi = np.empty(len(constants))
    for family, place in families.items():
        xi[place] = draws(purpose, family, place.stop - place.start)
    constants *= np.exp(sigma * xi - 0.5 * sigma * sigma)


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
    "kind of noise", ENTRY_POINTS, (Rates(), StaticRates(), Concentrations(), Inputs(), Intrinsic()), _checked
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
