"""What a page says of the figures of learned numbers: a heading, and what each kind is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HEADINGS = {
    "multiplier": "multipliers",
    "violation": "constraint violations",
    "group weight": "group weights",
    "learned policy": "learned augmentation",
    "learned": "learned loss",
    "search": "search",
    "hessian": "search",
    "neumann": "search",
}
"""By what a kind begins with; the first that fits."""

SENTENCES = {
    "violation": (
        "Violations: by how many points a constraint is missed on validation data; at 0 it is met."
    ),
    "group weight": (
        "Group weight: how much the loss of a cell of class and group counts in the training loss; "
        "all cells together have 1."
    ),
    "learned l": "l: what is added to a class's logit in the training loss; smaller favours it.",
    "learned Δ": "Δ: a class's logit is multiplied by σ(Δ); smaller favours it.",
    "learned w": "w: how much an example of a class weighs.",
    "learned τ": "τ: the share of log π in the logits.",
    "learned policy": (
        "Share of images: how many undergo an operation at one place of the learned augmentation."
    ),
    "search validation objective": "Held-out objective: what the search lowers.",
    "hessian norm": (
        "‖H‖: norm of the training loss's second derivative, by power iteration; the series "
        "converges where its scale is below 2/‖H‖."
    ),
}


def words_of(kinds: Sequence[str]) -> dict[str, Any]:
    """heading and caption of figures that have curves of these kinds; both "" without any."""
    found = [next(v for k, v in HEADINGS.items() if kind.startswith(k)) for kind in kinds]
    heading = _and(list(dict.fromkeys(found)))
    sentences = [_multipliers("violation" in kinds)] if "multiplier" in kinds else []
    sentences += [text for kind, text in SENTENCES.items() if kind in kinds]
    return {"heading": heading[:1].upper() + heading[1:], "caption": " ".join(sentences)}


def _multipliers(constrained: bool) -> str:
    what = "each recall or constraint" if constrained else "each recall"
    return f"λ: how much {what} counts in the training loss, moved by validation data."


def _and(parts: Sequence[str]) -> str:
    *head, tail = parts or [""]
    return f"{', '.join(head)} and {tail}" if head else tail
