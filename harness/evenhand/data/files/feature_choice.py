"""Choice of the columns of a table that are features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from evenhand.data.files.column_encoding import Impute
from evenhand.data.files.columns import Columns, shorten
from evenhand.errors import DataError, suggest


@dataclass(frozen=True)
class FeatureRule:
    """Settings of the features. A column is named by itself, or by a pattern such as `f_*`."""

    features: tuple[str, ...] = ()
    """Columns of features, whatever they have; (): all that may be features."""
    leave_out: tuple[str, ...] = ()
    """Columns that are no features."""
    one_hot: tuple[str, ...] | Literal["all"] = ()
    """Columns of categories; "all": all columns of text."""
    impute: Impute | None = None
    """Statistic of the training split that replaces missing numbers."""


class Choice(NamedTuple):
    """The columns that may be features."""

    names: tuple[str, ...]
    """Features, in the order of the file."""
    named: frozenset[str]
    """Features that the rule names, which are taken even if they look like a mistake."""
    one_hot: frozenset[str]
    """Features that the rule names as categories."""
    left_out: dict[str, str]
    """The other columns, each with the reason."""


def choose(columns: Columns, rule: FeatureRule, taken: Mapping[str, str]) -> Choice:
    """Choose columns by their names.

    taken   columns with another role, such as the label, each with that role

    Raises `DataError` for a name that no column has, and for one that has another role.
    """
    free = [name for name in columns.values if name not in taken]
    categories = () if rule.one_hot == "all" else rule.one_hot
    wanted = _matches(columns, "features", rule.features, free, taken)
    one_hot = _matches(columns, "one_hot", categories, free, taken)
    absent = _matches(columns, "leave_out", rule.leave_out, free, taken)
    _reject_conflicts(columns, rule, categories)
    named = (wanted | one_hot) - absent
    left_out: dict[str, str] = {name: taken[name] for name in columns.values if name in taken}
    for name in free:
        if name in absent:
            left_out[name] = "`leave_out`"
        elif rule.features and name not in named:
            left_out[name] = "not in `features`"
        elif name in columns.index and name not in named:
            left_out[name] = "index of the pandas frame, as the file states"
    names = tuple(name for name in free if name not in left_out)
    if not names:
        raise DataError(
            f"{columns.path}: no column is left for features\n"
            f"  the other {len(left_out):,}: {_reasons(left_out)}"
        )
    return Choice(names, frozenset(named), frozenset(one_hot - absent), left_out)


def _matches(
    columns: Columns,
    setting: str,
    patterns: Sequence[str],
    free: Sequence[str],
    taken: Mapping[str, str],
) -> set[str]:
    """Columns that a setting names."""
    found: set[str] = set()
    known = set(free)
    for pattern in patterns:
        if pattern in taken and pattern in columns.values:
            raise DataError(
                f"{columns.path}: `{setting}` names {pattern!r}, which is the {taken[pattern]}\n"
                "  take it out of one of them"
            )
        # A name may have characters of a pattern, such as x[0].
        mine = {pattern} if pattern in known else {n for n in free if fnmatchcase(n, pattern)}
        if not mine:
            said = suggest(pattern, free).hint
            raise DataError(
                f"{columns.path}: `{setting}` names {pattern!r}, and no column is called so"
                f"{said and f': {said}'}\n  its columns: {shorten([*columns.values])}"
            )
        found |= mine
    return found


def _reject_conflicts(columns: Columns, rule: FeatureRule, one_hot: Sequence[str]) -> None:
    """Refuse a column that two settings name in full; of patterns, `leave_out` has precedence."""
    for setting, names in (("features", rule.features), ("one_hot", one_hot)):
        both = [n for n in names if n in rule.leave_out]
        if both:
            raise DataError(
                f"{columns.path}: {shorten(both)} is in `{setting}` and in `leave_out`\n"
                "  take it out of one of them"
            )


def _reasons(left_out: Mapping[str, str]) -> str:
    told = [f"{name!r} ({why})" for name, why in [*left_out.items()][:12]]
    return ", ".join(told) + (", …" if len(left_out) > 12 else "")
