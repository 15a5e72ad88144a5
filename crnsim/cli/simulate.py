"""A network of the user's own as a command: integrate it, with noise, many times if wanted."""

from __future__ import annotations

import copy
import io
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.cli.bar import Bar
from crnsim.cli.noise import read_noise
from crnsim.cli.words import value
from crnsim.entrance.arguments import shown
from crnsim.errors import InputError
from crnsim.outcomes import OK, OUTCOMES
from crnsim.store.outputs import is_stdout

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    import numpy as np
    import xarray as xr

    from crnsim.network import Network

#: Formats of a picture, by suffix.
PICTURES = (".png", ".svg", ".pdf")
#: Species in the table that is printed, at most.
_MOST_ROWS = 30


def simulate(options: argparse.Namespace) -> int:
    """Integrate a network and print where it ends; 1 where no run ended ok."""
    import crnsim
    from crnsim.interchange import find_network
    from crnsim.network.text import kept_text
    from crnsim.simulation import simulate_replicate
    from crnsim.store.files import write_dataset

    if options.plot and Path(options.plot).suffix.lower() not in PICTURES:
        raise InputError(f"--plot {options.plot}: give a name that ends in {', '.join(PICTURES)}")
    if options.output and not is_stdout(options.output) and Path(options.output).suffix not in (".nc", ""):
        raise InputError(f"-o {options.output}: the result is NetCDF; give a name that ends in .nc")
    network = _changed(find_network(options.network), options)
    given = _given(network, options)
    times = _times(options)
    title = f"{options.network}: {network.n_species} species, {network.n_reactions} reactions"
    if options.replicate is not None:
        found = simulate_replicate(network, times, options.replicate, **given)
    elif options.replicates == 1:
        found = crnsim.simulate(network, times, **given)
    else:
        with Bar(options.replicates) as bar:
            found = crnsim.ensemble(
                network, times, replicates=options.replicates, progress=bar.update, **given
            )
    of = f", volume {options.volume:g}" if options.volume is not None else ""
    print(f"{title}, to time {options.t:g}{of}{_noise_text(given['noise'])}")
    print("\n".join(_table(found)))
    for line in _failures(found):
        print(line)
    if options.output:
        about = {"network": options.network, "title": title, "network_text": kept_text(network)}
        write_dataset(found.assign_attrs(about), options.output)
        if not is_stdout(options.output):
            print(f"kept in {options.output}")
    if options.plot:
        about_noise = f"{of}{_noise_text(given['noise'])}".removeprefix(", ") + _ended(
            found, options.replicates
        )
        _plot(found, options, f"{title}\n{about_noise}" if about_noise else title)
        print(f"drawn in {options.plot}")
    # A script should not take a run that ended early for a result.
    return 0 if bool((found["status"] == OK).any()) else 1


def _given(network: Network, options: argparse.Namespace) -> dict[str, Any]:
    """What `crnsim.simulate` is given, as the command line says it."""
    chosen = [name for word in options.species for name in _split(word)]
    if options.species and not chosen:
        raise InputError(f"--species {' '.join(options.species)}: give names, such as {network.labels[0]}")
    given: dict[str, Any] = {
        "initial": network.initial,
        "noise": read_noise(options),
        "species": chosen or None,
        "method": options.method,
        "rtol": options.rtol,
        "atol": options.atol,
        "max_steps": options.max_steps,
    }
    if options.volume is not None:
        given["volume"] = options.volume
    drawn = given["noise"].acting or options.volume is not None
    if options.seed is not None:
        if not drawn:
            raise InputError(
                "--seed: nothing is drawn without noise; leave it out, or give --noise-rates 0.1 or --volume 100"
            )
        given["seed"] = options.seed
    if (options.replicates > 1 or options.replicate) and not drawn:
        which = "--replicate" if options.replicate else "--replicates"
        raise InputError(
            f"{which}: without noise all are alike; leave it out, or give --noise-rates 0.1 or --volume 100"
        )
    return given


def _ended(found: xr.Dataset, replicates: int) -> str:
    """How many of several replicates are in a picture."""
    ok = int((found["status"] == OK).sum())
    if replicates == 1:
        return ""
    return f"; {ok} of {replicates} replicates" if ok < replicates else f"; {ok} replicates"


def _times(options: argparse.Namespace) -> np.ndarray:
    import numpy as np

    return np.linspace(0.0, options.t, options.times)


def _split(word: str) -> list[str]:
    """Names between commas; those inside brackets belong to one name."""
    return [name.strip() for name in re.split(r",(?![^\[]*\])", word) if name.strip()]


def _numbers(words: list[str], option: str, check: Callable[[str], None]) -> dict[str, float]:
    """Read NAME=VALUE words."""
    found: dict[str, float] = {}
    for word in words:
        for pair in _split(word):
            name, equals, text = (part.strip() for part in pair.partition("="))
            try:
                number = value(text)
            except InputError as error:
                raise InputError(f"{option} {pair}: {error}") from None
            if not equals or not isinstance(number, float) or not 0 <= number < math.inf:
                raise InputError(
                    f"{option} {pair}: give a name and a number of 0 or more, such as {option} k=0.5"
                )
            name = re.sub(r"\s", "", name)
            try:
                check(name)
            except InputError as error:
                raise InputError(f"{option} {pair}: {error}") from None
            if name in found:
                raise InputError(f"{option} {pair}: {name} is given twice; give each once")
            found[name] = number
    return found


def _changed(found: Network, options: argparse.Namespace) -> Network:
    """A copy of a network with what the command line says of its rate parameters and of its start."""
    network = copy.deepcopy(found)
    given = _numbers(options.initial, "--initial", lambda name: _check_species(network, name))
    for name, number in set_values(network, options.set).items():
        if name in given or name.partition("[")[0] in given:
            raise InputError(f"--set {name} and --initial: both say how it starts; give one of them")
        given[name] = number
    if not given and not network.initial and not network.has_inflow:
        raise InputError(
            "the network does not say how it starts; give concentrations, such as --initial "
            f"{network.labels[0]}=1"
        )
    network.set_initial(given)
    return network


def set_values(network: Network, words: list[str]) -> dict[str, float]:
    """Set rate parameters of a network, and return concentrations: as in a sweep, either may be called a parameter."""
    chosen = _numbers(words, "--set", lambda name: network.check_parameter(name, species=True))
    for name, number in chosen.items():
        if network.has_parameter(name):
            network.set_parameter(name, number)
    return {name: number for name, number in chosen.items() if not network.has_parameter(name)}


def _check_species(network: Network, name: str) -> None:
    from crnsim.errors import suggest

    if name not in network.labels and all(name != one.name for one in network.species):
        raise InputError(f"no species {shown(name)}; {suggest(name, network.labels)}")


def _noise_text(noise: Any) -> str:
    return f", noise {noise.described}" if noise.acting else ""


def _table(found: xr.Dataset) -> list[str]:
    """Where the species end, a line each."""
    import numpy as np

    from crnsim.wording import columns

    names = found["species"].values.tolist()
    head: tuple[str, ...]
    if "concentration" in found:
        head, numbers = ("species", "start", "end"), found["concentration"].values[0][[0, -1]]
    else:
        head = ("species", "mean", "std", "min", "max")
        parts = ("mean", "standard_deviation", "minimum", "maximum")
        numbers = np.stack([found[name].values[-1] for name in parts])
    rows = [
        head,
        *((name, *(f"{n:.5g}" for n in column)) for name, column in zip(names, numbers.T, strict=True)),
    ]
    more = len(rows) - 1 - _MOST_ROWS
    lines = columns(rows[: _MOST_ROWS + 1])
    return [*lines, f"and {more} more; name some with --species"] if more > 0 else lines


def _failures(found: xr.Dataset) -> list[str]:
    """How many replicates did not end well."""
    import numpy as np

    status = found["status"].values
    if len(status) == 1:
        return []
    counts = {OUTCOMES[code]: int(np.sum(status == code)) for code in np.unique(status) if code != OK}
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    return [f"{int(np.sum(status == OK))} of {len(status)} replicates ok{f'; {said}' if said else ''}"]


def _plot(found: xr.Dataset, options: argparse.Namespace, title: str) -> None:
    from crnsim.report.time_courses import time_course_figure
    from crnsim.store.files import replacing

    figure = time_course_figure(found, title, chosen=bool(options.species))
    drawn = io.BytesIO()
    figure.savefig(drawn, format=Path(options.plot).suffix[1:].lower(), dpi=150)
    with replacing(options.plot) as temporary:
        temporary.write_bytes(drawn.getvalue())
