"""A source of images made up in a moment, with groups where they are wanted."""

from __future__ import annotations

import numpy as np

from evenhand.data.images import Images, Source
from evenhand.declared.base import Part
from evenhand.declared.trial import Problem, Selection, Val


def make_images(per_class: list[int], *, groups: int = 1, side: int = 8, seed: int = 0) -> Images:
    """Grey noise whose mean tells the class; every third image is of the next group."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(per_class)), per_class)
    rng.shuffle(labels)
    noise = rng.integers(0, 60, (len(labels), side, side, 1))
    centre = 180 * labels / max(1, len(per_class) - 1)
    pixels = (noise + centre[:, None, None, None]).astype(np.uint8)
    return Images(pixels, labels, (np.arange(len(labels)) // 3) % groups)


def make_source(
    per_class: list[int],
    *,
    groups: int = 1,
    test: int = 10,
    val: int = 0,
    side: int = 8,
    whole: int | None = None,
) -> Source:
    """whole: images that each class would have if none were lacking."""
    n = len(per_class)
    return Source(
        train=make_images(per_class, groups=groups, side=side),
        test=make_images([test] * n, groups=groups, side=side, seed=1),
        classes=tuple(chr(ord("a") + c) for c in range(n)),
        groups=tuple(f"group {g}" for g in range(groups)),
        val=make_images([val] * n, groups=groups, side=side, seed=2) if val else None,
        per_class=whole,
    )


def make_problem(
    profile: str = "exp",
    ratio: float | None = 10,
    *,
    n_max: int | None = None,
    selection: Selection | None = None,
    val: Val | None = None,
) -> Problem:
    return Problem(
        dataset=Part(name="made up"),
        profile=Part(name=profile, settings={} if ratio is None else {"ratio": float(ratio)}),
        n_max=n_max,
        selection=selection,
        val=val or Val(),
    )


def has_facts(error: object, facts: str) -> bool:
    """Whether a message has these facts, separated by " … ", in this order."""
    rest = str(error)
    for fact in facts.split(" … "):
        if fact not in rest:
            return False
        rest = rest.partition(fact)[2]
    return True
