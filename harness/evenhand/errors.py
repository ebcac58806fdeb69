"""Every mistake that a person can make, as one tree.

    EvenhandError
    ├── SpecError         what was declared cannot be: a list of mistakes, each with its place
    │   └── UnknownName   a name that no one registered
    ├── DataError         images are missing, torn, or not what the problem needs
    ├── LossError         counts, logits, labels or groups that a loss cannot take
    ├── MetricError       labels, predictions or groups that cannot be counted
    ├── BackboneError     a network that does not fit the images
    ├── StoreError        records cannot be read or written
    ├── RunError          trials cannot be started
    │   ├── EndedEarly    a run came back before every trial had ended
    │   └── TooManyFailures   more trials failed than `max_failures` allows
    └── ReportError       records do not add up to a table

An `EvenhandError` is shown without a traceback: where, what is wrong, what would be right, what to
do. Everything else that is raised is a bug of ours, and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, ParamSpec, TypeVar

KeyPath = tuple[str | int, ...]
"""Keys and indices that lead to a value: `("methods", 1, "vs", "tau")`."""

P = ParamSpec("P")
T = TypeVar("T")


class EvenhandError(Exception):
    """A mistake that the user can mend; its text says how."""


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in a declaration."""

    what: str
    where: KeyPath = ()
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


class UnknownName(SpecError):  # noqa: N818  the mistake is the name
    """A name that no one registered."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        said = suggest(name, sorted(known), kind)
        hint = (
            said.hint
            or f"a {kind} of your own? name its file: --plugin FILE; in Python, plugins=FILE"
        )
        super().__init__([Mistake(f"no {kind} is called {name!r}", (), said.right, hint)])


class DataError(EvenhandError):
    """Images are missing, torn, or not what the problem needs."""


class LossError(EvenhandError, ValueError):
    """Counts, logits, labels or groups that a loss cannot take."""


class MetricError(EvenhandError, ValueError):
    """Labels, predictions or groups that cannot be counted."""


class BackboneError(EvenhandError):
    """A network that does not fit the images."""


class StoreError(EvenhandError):
    """Records cannot be read or written."""


class RunError(EvenhandError):
    """Trials cannot be started."""


class EndedEarly(RunError):  # noqa: N818  what is left may be tried again
    """A run came back before every trial had ended."""


class TooManyFailures(RunError):  # noqa: N818  the run was stopped as it was asked to
    """More trials failed than `max_failures` allows; finished trials are kept."""


class ReportError(EvenhandError):
    """Records do not add up to a table."""


class Suggestion(NamedTuple):
    """The `right` and the `hint` of a mistake about a name."""

    right: str
    hint: str


def suggest(name: str, known: Sequence[str], kind: str = "name") -> Suggestion:
    """What names there are, and the nearest to what was written."""
    lower = {k.lower(): k for k in known}
    nearest = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    return Suggestion(
        f"{kind}s: {', '.join(known) or 'none'}",
        f"did you mean {lower[nearest[0]]!r}?" if nearest else "",
    )


@dataclass
class Mistakes:
    """Mistakes gathered on the way, so that all are told at once."""

    found: list[Mistake] = field(default_factory=list)

    def catch(
        self,
        where: KeyPath,
        make: Callable[P, T],
        *args: P.args,
        **settings: P.kwargs,
    ) -> T | None:
        """What `make` returns; None, with its mistakes put under `where`, if it raises any."""
        try:
            return make(*args, **settings)
        except SpecError as error:
            self.found += [replace(m, where=(*where, *m.where)) for m in error.mistakes]
            return None
