"""Every mistake that a person can make, as one tree.

    EvenhandError
    ├── SpecError         what was declared cannot be: a list of mistakes, each with its place
    │   └── UnknownName   a name that no one registered
    ├── DataError         images are missing, torn, or not what the problem needs
    ├── BackboneError     a network that does not fit the images
    ├── StoreError        records cannot be read or written
    ├── RunError          trials cannot be started
    └── ReportError       records do not add up to a table

An `EvenhandError` is shown without a traceback: where, what is wrong, what would be right, what to
do. Everything else that is raised is a bug of ours, and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class EvenhandError(Exception):
    """A mistake that the user can mend; its text says how."""


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a declaration."""

    what: str
    where: tuple[str | int, ...] = ()
    right: str = ""
    hint: str = ""

    def render(self, place: str = "") -> str:
        lines = [f"{place}: {self.what}" if place else self.what]
        lines += [f"  {text}" for text in (self.right, self.hint) if text]
        return "\n".join(lines)


class SpecError(EvenhandError):
    """A declaration that cannot be; carries every mistake that was found."""

    def __init__(self, mistakes: Sequence[Mistake] | str, places: Sequence[str] = ()) -> None:
        self.mistakes = (Mistake(mistakes),) if isinstance(mistakes, str) else tuple(mistakes)
        self.places = tuple(places) or ("",) * len(self.mistakes)
        texts = [m.render(p) for m, p in zip(self.mistakes, self.places, strict=True)]
        super().__init__("\n".join(texts))


class UnknownName(SpecError):
    """A name that no one registered."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        super().__init__([Mistake(f"no {kind} is called {name!r}", **suggest(name, names, kind))])


class DataError(EvenhandError):
    """Images are missing, torn, or not what the problem needs."""


class BackboneError(EvenhandError):
    """A network that does not fit the images."""


class StoreError(EvenhandError):
    """Records cannot be read or written."""


class RunError(EvenhandError):
    """Trials cannot be started."""


class ReportError(EvenhandError):
    """Records do not add up to a table."""


def suggest(name: str, known: Sequence[str], kind: str = "name") -> dict[str, str]:
    """The `right` and `hint` of a mistake: what there is, and the nearest to what was written."""
    listed = ", ".join(known) if known else "none"
    nearest = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1, cutoff=0.5)
    exact = next((k for k in known if nearest and k.lower() == nearest[0]), None)
    return {
        "right": f"{kind}s: {listed}" if len(known) < 40 else f"there are {len(known)} {kind}s",
        "hint": f"did you mean {exact!r}?" if exact else "",
    }
