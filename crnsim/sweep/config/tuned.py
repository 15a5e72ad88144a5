"""A file of tuned learning rates: what it holds, how it is read and checked, and what it was chosen for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, model_validator

from crnsim.entrance.files import read_bytes
from crnsim.entrance.limits import LARGEST_SWEEP_FILE
from crnsim.errors import ConfigError, InputError
from crnsim.sweep.config.mistakes import explain
from crnsim.sweep.config.noise_axes import Section
from crnsim.sweep.config.reader import check_plain, read_yaml
from crnsim.sweep.config.values import Count, LearningRate, Seed, Time

LEAST, LARGEST = "least", "largest"
_HEAD = """\
# Learning rates by `crnsim tune`, chosen on replicates that no verdict uses (docs/tuning.md).
# A sweep file takes them by `tuned:` and the name of this file.
"""


class TunedDesign(Section):
    """The learning rate of one design on one data set, and what it was chosen from."""

    learning_rate: LearningRate = Field(description="What was chosen.")
    default: LearningRate = Field(description="The design's own.")
    rates: Annotated[tuple[LearningRate, ...], Field(min_length=1)] = Field(description="What was tried.")
    # Not a list of different values, as others are: scores may be equal.
    scores: Any = Field(description="The mean score of each of rates.")
    running_times: Annotated[tuple[Time, ...], Field(min_length=1)] = Field(
        description="Where scores are from."
    )
    noise: tuple[str, ...] = Field(default=(), description="Where scores are from.")
    design: dict[str, Any] = Field(description="What was tuned.")

    @model_validator(mode="after")
    def _fits(self) -> TunedDesign:
        whole = isinstance(self.scores, list) and all(
            isinstance(score, (int, float)) and 0 <= score <= 1 for score in self.scores
        )
        if not whole or len(self.scores) != len(self.rates):
            raise ValueError("needs scores: a list of numbers from 0 to 1, one for each of rates")
        if list(self.rates) != sorted(self.rates) or self.learning_rate not in self.rates:
            raise ValueError("needs rates that ascend, and a learning_rate that is one of them")
        return self

    @property
    def end(self) -> str:
        """``least`` or ``largest`` where the chosen rate is at that end of the grid, else nothing."""
        if len(self.rates) == 1:
            return ""
        return {self.rates[0]: LEAST, self.rates[-1]: LARGEST}.get(self.learning_rate, "")


class TunedContent(Section):
    """What `crnsim tune` writes."""

    crnsim: str = Field(description="The version that chose.")
    sweep: str = Field(description="Name of the sweep.")
    seed: Seed = Field(description="Of the sweep.")
    replicates: Count = Field(description="Of each learning rate.")
    designs: dict[str, dict[str, TunedDesign]] = Field(description="By data set and label.")


@dataclass(frozen=True)
class Tuned:
    """A file of tuned learning rates, as it was when it was read.

    Attributes
    ----------
    file : str
    sha256 : str
        Of its content.
    content : TunedContent
    """

    file: str
    sha256: str
    content: TunedContent

    def of(self, dataset: str, label: str) -> TunedDesign | None:
        """Return what the file says of a design, None where it says nothing."""
        return self.content.designs.get(dataset, {}).get(label)


def tuned_hash(file: str) -> str:
    """Return the SHA-256 of a file of tuned learning rates."""
    return hashlib.sha256(read_bytes(file, LARGEST_SWEEP_FILE)).hexdigest()


def read_tuned(file: str) -> Tuned:
    """Read a file of tuned learning rates.

    Raises
    ------
    InputError
        It is not there, or `crnsim tune` did not write it; the message names file, line and key.
    """
    try:
        digest = tuned_hash(file)
        document = read_yaml(file)
    except (ConfigError, InputError) as error:
        hint = "" if Path(file).is_dir() or not file.strip() else f"; 'crnsim tune SWEEP -o {file}' makes it"
        raise InputError(f"{error}{hint}") from None
    if not isinstance(document.data, dict):
        raise InputError(f"{file}: no learning rates; give a file that 'crnsim tune' wrote")
    try:
        check_plain(document)
        return Tuned(file, digest, TunedContent.model_validate(document.data))
    except ValidationError as error:
        raise InputError(*explain(error, document, TunedContent)) from None


def tuned_text(content: Mapping[str, Any]) -> str:
    """Return the text of a file of tuned learning rates: equal content gives equal bytes."""
    return _HEAD + yaml.safe_dump(
        dict(content), sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )
