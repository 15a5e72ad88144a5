"""What all sections of a sweep file have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from crnsim.sweep.config.values import no_repeats


class Section(BaseModel):
    """A group of keys; a key that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="after", check_fields=False)
    @classmethod
    def _list_once(cls, value: Any, info: Any) -> Any:
        once = isinstance(value, tuple) and info.field_name not in ("layers", "inputs")
        return no_repeats(value) if once else value
