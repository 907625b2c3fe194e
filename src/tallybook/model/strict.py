"""What every part of a file that people write has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A part whose unknown keys are slips, and which nobody changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
