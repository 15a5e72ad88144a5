"""The command that chooses learning rates."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crnsim.cli import words
from crnsim.cli.bar import Bar
from crnsim.cli.files import saved_file
from crnsim.entrance.arguments import shown
from crnsim.errors import InputError
from crnsim.store.outputs import is_stdout, is_stream
from crnsim.wording import columns, duration, number, plural

if TYPE_CHECKING:
    from crnsim.sweep.config.resolve import ResolvedSweep


def tune(options: argparse.Namespace) -> None:
    """Choose the learning rate of each design of a sweep, and write them to a file."""
    from crnsim.cli.steps import one_thread, stop_when_told

    one_thread()
    stop_when_told()
    from crnsim.store.files import write_text
    from crnsim.sweep.config.read import read_sweep
    from crnsim.sweep.config.reader import read_yaml
    from crnsim.sweep.config.tuned import tuned_text
    from crnsim.sweep.run.tune import check_saved, estimated_seconds, n_points, trials, tune

    resolved = read_sweep(options.config, untuned=True)
    output = options.output or read_yaml(options.config).data.get("tuned")
    if not isinstance(output, str):
        raise InputError(f"{options.config}: it names no file as 'tuned'; give -o FILE")
    tried = trials(
        resolved,
        rates=_rates(options.rates),
        replicates=options.replicates,
        datasets=_names(options.datasets),
    )
    kept = _others(output, resolved, options) if options.datasets is not None else {}
    saved = None if is_stream(output) else Path(saved_file(output))
    if saved is not None:
        check_saved(saved)
    count = n_points(tried)
    said = sys.stderr if is_stdout(output) else sys.stdout
    print(
        f"{plural(len(tried), 'design')}, {plural(count, 'run')}, about {duration(estimated_seconds(tried))} of core "
        "time on the authors' machine",
        file=said,
        flush=True,
    )
    if saved is not None:
        saved.parent.mkdir(parents=True, exist_ok=True)
    with Bar(count) as bar:
        content = tune(resolved, tried, workers=options.workers, saved=saved, progress=bar.update)
    content["designs"] = {
        name: (kept | content["designs"])[name]
        for name in resolved.settings
        if name in kept or name in content["designs"]
    }
    write_text(output, tuned_text(content))
    if saved is not None:
        saved.unlink(missing_ok=True)
    print("\n".join(columns(_table(content))), file=said)
    if not is_stdout(output):
        print(f"written to {output}; a sweep file takes them by 'tuned: {output}'", file=said)


def _others(output: str, resolved: ResolvedSweep, options: argparse.Namespace) -> dict[str, Any]:
    """Return what a file that is there says of the data sets that are not tuned now."""
    from crnsim.sweep.config.reader import read_yaml
    from crnsim.sweep.config.tuned import read_tuned

    if is_stream(output) or not Path(output).exists():
        return {}
    there = read_tuned(output).content
    names = _names(options.datasets) or []
    others = [name for name in there.designs if name not in names and name in resolved.settings]
    if not others:
        return {}
    mine = (resolved.sweep.name, resolved.sweep.seed, options.replicates)
    if (there.sweep, there.seed, there.replicates) != mine:
        raise InputError(
            f"{output}: it has {', '.join(others)} of the sweep {there.sweep} with seed {there.seed} and "
            f"--replicates {there.replicates}, which one file has once; give these, or another output with -o"
        )
    return {name: read_yaml(output).data["designs"][name] for name in others}


def _rates(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        found = [words.learning_rate(word.strip()) for word in text.split(",")]
    except argparse.ArgumentTypeError as error:
        raise InputError(f"--rates {shown(text)}: {error}; give numbers such as 0.05,0.1,0.2") from None
    if len(set(found)) < len(found):
        raise InputError(f"--rates {shown(text)}: a number stands there twice; give each once")
    return found


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",")]


def _table(content: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return what was chosen, a row for each design."""
    rows: list[tuple[str, ...]] = [("data set", "design", "default", "score", "chosen", "score", "")]
    for dataset, designs in content["designs"].items():
        for label, one in designs.items():
            scores = dict(zip(one["rates"], one["scores"], strict=True))
            default = number(scores[one["default"]]) if one["default"] in scores else "-"
            chosen = one["learning_rate"]
            at_end = len(scores) > 1 and chosen in (one["rates"][0], one["rates"][-1])
            note = "best at the end of the grid: a wider one may find better" if at_end else ""
            rows.append(
                (dataset, label, f"{one['default']:g}", default, f"{chosen:g}", number(scores[chosen]), note)
            )
    return rows
