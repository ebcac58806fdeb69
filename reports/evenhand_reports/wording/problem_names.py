"""Short names of problems, for headings of narrow columns and for links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LONG = 32
"""Up to this number of characters, names are not shortened."""


def short_names(problems: Sequence[str]) -> Mapping[str, str]:
    """Short names by name; where all names have the same parts, the parts in common are dropped.

    `gaussian_mixture-features450` for `gaussian_mixture-n800-features450-pi0.1`.
    """
    parts = {problem: problem.split("-") for problem in problems}
    if len({len(each) for each in parts.values()}) > 1 or max(map(len, problems)) <= LONG:
        return {problem: problem for problem in problems}
    differ = [i for i, same in enumerate(zip(*parts.values(), strict=True)) if len({*same}) > 1]
    kept = sorted({0, *differ})
    return {problem: "-".join(each[i] for i in kept) for problem, each in parts.items()}
