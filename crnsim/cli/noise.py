"""Options of noise, the same for every command that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crnsim.cli import words
from crnsim.cli.words import parameter_value, value
from crnsim.entrance.arguments import check_number
from crnsim.entrance.limits import LARGEST_NOISE
from crnsim.errors import InputError
from crnsim.noise.kinds import NOISE_KINDS
from crnsim.noise.options import Option

if TYPE_CHECKING:
    import argparse

    from crnsim.noise.noise import Noise


def read_noise(options: argparse.Namespace) -> Noise:
    """Read the options of all kinds of noise; one of the user's own stands under ``--noise``."""
    from crnsim.noise import NOISE_KINDS, Noise, noise_kind
    from crnsim.noise.noise import check_idle, own_section

    values: dict[str, Any] = {}
    for kind in NOISE_KINDS.values():
        if hasattr(options, kind.coordinate):
            asked = {kind.name: getattr(options, kind.coordinate)}
            asked |= {option.keyword: getattr(options, option.keyword) for option in kind.options}
            values |= {keyword: value for keyword, value in asked.items() if value is not None}
    check_idle(
        values,
        lambda word: f"--{'noise-' if word in NOISE_KINDS else ''}{word.replace('_', '-')}",
    )
    for word in options.noise:
        name, _, rest = word.partition("=")
        magnitude, *others = rest.split(",")
        if ":" not in name or not magnitude:
            ours = ", ".join(f"--noise-{one.replace('_', '-')}" for one in NOISE_KINDS)
            raise InputError(
                f"--noise {word}: give a kind of your own and its magnitude, such as my_noise:Batch=0.1; ours: {ours}"
            )
        if name in values:
            raise InputError(f"--noise {name}: given twice; give each kind once")
        given = dict(other.partition("=")[::2] for other in others)
        if len(given) < len(others):
            raise InputError(f"--noise {word}: an option is given twice; give each once")
        known = {option.keyword: option.name for option in noise_kind(name).options}
        chosen = {known.get(n.strip(), n.strip()): _switch(v.strip()) for n, v in given.items()}
        sigma = parameter_value(f"--noise {name}", magnitude)
        if isinstance(sigma, float):
            check_number(f"--noise {name}", sigma, least=0.0, most=LARGEST_NOISE)
        values |= own_section(name, sigma, chosen)
    return Noise(**values)


def _switch(text: str) -> Any:
    """Read the value of an option of a kind of noise."""
    return {"true": True, "false": False}.get(text, value(text))


def add_noise(command: argparse.ArgumentParser, *, left_out: tuple[str, ...] = ()) -> None:
    """Add the options of noise to a command; kinds that have nothing to act on there are `left_out`."""
    noise = command.add_argument_group("noise", "standard deviations, 0 for none; 10 percent is 0.1")
    for kind in NOISE_KINDS.values():
        if kind.name in left_out:
            continue
        noise.add_argument(
            f"--noise-{kind.name.replace('_', '-')}",
            type=words.sigma,
            metavar="SIGMA",
            help=words.help_text(kind.description),
        )
        for option in kind.options:
            _add_option(noise, option)
    noise.add_argument(
        "--noise",
        action="append",
        default=[],
        metavar="KIND=SIGMA",
        help="a kind of your own, module:Class=SIGMA, with its options behind commas",
    )


def _add_option(noise: Any, option: Option) -> None:
    """An option of a kind of noise, as its entry in the table says."""
    name = f"--{option.keyword.replace('_', '-')}"
    if isinstance(option.default, bool):
        noise.add_argument(name, action="store_true", default=None, help=words.help_text(option.description))
    elif option.choices:
        known = ", ".join(f"{word} (default)" if word == option.default else word for word in option.choices)
        noise.add_argument(
            name,
            metavar="WORD",
            help=words.help_text(f"{option.description} {known}"),
        )
    else:
        noise.add_argument(
            name,
            type=words.duration,
            metavar="NUMBER",
            help=words.help_text(option.description),
        )
