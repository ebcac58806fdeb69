"""Text form of a suite's values, in the names of rows and for `--only`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evenhand.declared.base import Part, format_part, format_scalar
from evenhand.declared.recipe import Sam


def format_value(value: Any) -> str:
    """A value in its shortest form: `0.1`, `none`, `[0.1, 0.2]`, `step(drops=[[0.6, 0.01]])`."""
    if value is None:
        return "none"
    if isinstance(value, Part):
        return str(value)
    if isinstance(value, Sam):
        return _sam(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(format_value, value))}]"
    if isinstance(value, Mapping):
        return _mapping(value)
    return format_scalar(value)


def _sam(sam: Sam) -> str:
    rho = format_value(sam.rho[0] if len(sam.rho) == 1 else sam.rho)
    usual = sam.batch_norm == Sam.model_fields["batch_norm"].default
    return rho if usual else f"{{rho: {rho}, batch_norm: {sam.batch_norm}}}"


def _mapping(value: Mapping[str, Any]) -> str:
    """A part with settings as a call, any other mapping as YAML on one line."""
    if len(value) == 1:
        [(name, inner)] = value.items()
        if isinstance(inner, Mapping):
            return format_part(name, {k: format_value(v) for k, v in inner.items()})
    return f"{{{', '.join(f'{k}: {format_value(v)}' for k, v in value.items())}}}"


def format_settings(values: Mapping[str, Any]) -> str:
    """Settings as text: `tau=1.25, gamma=0.3`."""
    return ", ".join(f"{name}={format_value(value)}" for name, value in values.items())


def row_name(name: str, values: Mapping[str, Any]) -> str:
    """Name of a row with its settings: `vs(tau=1.25, gamma=0.3)`, or `vs` without settings."""
    return f"{name}({format_settings(values)})" if values else name


def pipeline_name(method: str, posthoc: str | None, *, taught: bool) -> str:
    """Name of a method with teacher and post-hoc method: `vs`, `distilled-vs`, `vs+post_shift`."""
    return f"{'distilled-' if taught else ''}{method}{f'+{posthoc}' if posthoc else ''}"


def titled(title: str, values: Mapping[str, Any]) -> str:
    """Title of a row with its settings, as tables print it: `VS (tau=1.25, gamma=0.3)`."""
    return f"{title} ({format_settings(values)})" if values else title
