"""Progress of a trial, and use of the device, that a process writes into its lease at each beat.

All of it is optional, and a value that cannot be read is left out: a lease of another version of
Evenhand, or one that was tampered with, stays a lease.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WrapValidator,
)

Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
"""A time, a number of cores or a size, of which sums are finite."""
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Epochs = Annotated[int, Field(ge=0, le=1_000_000_000)]


class Activity(BaseModel):
    """Progress of a trial, and use of the device by its process, at the last beat of a lease."""

    model_config = ConfigDict(frozen=True)

    epoch: Epochs = 0
    """Epochs that have ended."""
    epochs: Epochs = 0
    """Epochs of the trial; 0 where they are not known."""
    resumed: Epochs = 0
    """Epochs of these that an earlier start had trained."""
    seconds: Amount = 0.0
    """Time since this start of the trial, by the clock of its process."""
    device: str = ""
    """Model of the GPU, or of the CPU where the process uses no GPU."""
    gpu: str = ""
    """UUID of the GPU; empty without one."""
    gpu_use: Share | None = None
    """Share of the time in which the GPU, with all of its processes, was busy."""
    gpu_memory_gib: Amount | None = None
    """Memory of the GPU that is in use, by all of its processes."""
    gpu_total_gib: Amount | None = None
    """Memory that the GPU has."""
    cpu_cores: Amount | None = None
    """CPU cores that the process kept busy since its last reading."""
    memory_gib: Amount | None = None
    """Resident memory of the process."""


def read_activity(fields: Mapping[str, Any]) -> Activity | None:
    """The activity with these fields; None where one of them is not valid."""
    return _or_none(fields, Activity.model_validate)


def _or_none(value: Any, validate: Callable[[Any], Any]) -> Activity | None:
    with suppress(ValidationError):
        found: Activity | None = validate(value)
        return found
    return None


SomeActivity = Annotated[Activity | None, WrapValidator(_or_none)]
"""An activity; None where there is none, or one that cannot be read."""
