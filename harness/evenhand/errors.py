"""The exceptions of the package, as one tree.

    EvenhandError
    ├── SpecError         a wrong declaration: a list of mistakes, each with its place
    │   └── UnknownName   a name that is not registered
    ├── DataError         images are missing, damaged, or unsuitable for the problem
    ├── LossError         counts, logits, labels or groups with wrong shapes or values
    ├── MetricError       labels, predictions or groups that cannot be counted
    ├── BackboneError     a network that does not fit the images
    ├── StoreError        records cannot be read or written
    │   ├── Absent        a file that is not there
    │   └── Unwritable    one record that cannot be written, where others may be
    ├── RunError          trials cannot be started
    │   ├── ClusterLost   the Ray cluster does not answer, or was lost during a run
    │   ├── EndedEarly    a run ended before all of its trials had ended
    │   └── TooManyFailures   more trials failed than `max_failures` allows
    └── ReportError       records are not enough for a table

The command line shows an `EvenhandError` without a traceback. Its text gives the place, the mistake
and the correction. Every other exception is a bug of this package and keeps its traceback.
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
    """Base class of errors that the user can correct; the text gives the correction.

    >>> import evenhand as eh
    >>> try:
    ...     eh.open_suite("quickstrat")
    ... except EvenhandError as error:
    ...     print(str(error).splitlines()[0])
    quickstrat: neither a file nor a shipped suite
    """


@dataclass(frozen=True)
class Mistake:
    """One mistake in a declaration."""

    what: str
    """The rule that is broken, with the offending value."""
    where: KeyPath = ()
    """Path of the value in the declaration."""
    right: str = ""
    """The correction, or the valid alternatives."""
    hint: str = ""
    """A further hint, such as the nearest valid name."""

    def render(self, place: str = "") -> str:
        """The mistake as text, with its place first."""
        lines = [f"{place}: {self.what}" if place else self.what]
        lines += [f"  {text}" for text in (self.right, self.hint) if text]
        return "\n".join(lines)


class SpecError(EvenhandError):
    """A wrong declaration. `mistakes` holds all mistakes and `places` where each of them is.

    >>> error = SpecError([Mistake("vs has no setting 'gama'", right="it takes tau, gamma")])
    >>> print(error)
    vs has no setting 'gama'
      it takes tau, gamma
    """

    def __init__(self, mistakes: Sequence[Mistake] | str, places: Sequence[str] = ()) -> None:
        self.mistakes = (Mistake(mistakes),) if isinstance(mistakes, str) else tuple(mistakes)
        self.places = tuple(places) or ("",) * len(self.mistakes)
        texts = [m.render(p) for m, p in zip(self.mistakes, self.places, strict=True)]
        super().__init__("\n".join(texts))


class UnknownName(SpecError):  # noqa: N818  the mistake is the name
    """A name that is not registered.

    >>> print(UnknownName("method", "vss", ["erm", "la", "vs"]))
    no method is called 'vss'
      methods: erm, la, vs
      did you mean 'vs'?
      for a method of your own, name its file: --plugin FILE; in Python, plugins=FILE
    >>> print(UnknownName("optimizer", "lamb", ["adamw", "sgd"]))
    no optimizer is called 'lamb'
      optimizers: adamw, sgd
      for an optimizer of your own, name its file: --plugin FILE; in Python, plugins=FILE
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        said = suggest(name, sorted(known), kind)
        one = f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
        own = f"for {one} of your own, name its file: --plugin FILE; in Python, plugins=FILE"
        hint = "\n  ".join(filter(None, (said.hint, own)))
        super().__init__([Mistake(f"no {kind} is called {name!r}", (), said.right, hint)])


class DataError(EvenhandError):
    """Images are missing, damaged, or unsuitable for the problem.

    >>> from evenhand import losses
    >>> try:
    ...     losses.la().bind([500, 0])
    ... except DataError as error:
    ...     print(str(error).splitlines()[0])
    no training example of 1 of 2 classes: 1
    """


class LossError(EvenhandError, ValueError):
    """Counts, logits, labels or groups with wrong shapes or values for a loss.

    >>> from evenhand import losses
    >>> try:
    ...     losses.la().bind([500, -1])
    ... except LossError as error:
    ...     print(error)
    counts are finite and not negative; one of them is -1
    """


class MetricError(EvenhandError, ValueError):
    """Labels, predictions or groups that cannot be counted.

    >>> from evenhand import metrics
    >>> try:
    ...     metrics.count([0, -1], [0, 1])
    ... except MetricError as error:
    ...     print(error)
    labels count from 0; one of them is -1
    """


class BackboneError(EvenhandError):
    """A network that does not fit the images.

    >>> issubclass(BackboneError, EvenhandError)
    True
    """


class StoreError(EvenhandError):
    """Records cannot be read or written.

    >>> import tempfile
    >>> import evenhand as eh
    >>> try:
    ...     eh.open_store(tempfile.mkdtemp(), edition="last night")
    ... except StoreError as error:
    ...     print("'last night'" in str(error))
    True
    """


class Absent(StoreError):  # noqa: N818  often no error
    """A file of a store that is not there."""


class Unwritable(StoreError):  # noqa: N818  the record is
    """One record that cannot be written, where others may be."""


class RunError(EvenhandError):
    """Trials cannot be started.

    >>> issubclass(TooManyFailures, RunError)
    True
    """


class ClusterLost(RunError):  # noqa: N818  the run may go on when the cluster is back
    """The Ray cluster does not answer, or was lost during a run; finished trials are kept.

    >>> issubclass(ClusterLost, RunError)
    True
    """


class EndedEarly(RunError):  # noqa: N818  what is left may be tried again
    """A run ended before all of its trials had ended."""


class TooManyFailures(RunError):  # noqa: N818  the run was stopped as it was asked to
    """More trials failed than `max_failures` allows; finished trials are kept.

    >>> str(TooManyFailures("more than 3 trials failed"))
    'more than 3 trials failed'
    """


class ReportError(EvenhandError):
    """Records are not enough for a table.

    >>> import tempfile
    >>> import evenhand as eh
    >>> try:
    ...     eh.leaderboard(eh.open_suite("quickstart"), tempfile.mkdtemp())
    ... except ReportError as error:
    ...     print(str(error).splitlines()[0].startswith("nothing to report on quickstart v1"))
    True
    """


class Suggestion(NamedTuple):
    """`right` and `hint` of a mistake about a name."""

    right: str
    """The valid names."""
    hint: str
    """The nearest valid name; "" if none is near."""


def suggest(name: str, known: Sequence[str], kind: str = "name") -> Suggestion:
    """The valid names, and the nearest one to `name`.

    >>> suggest("vss", ["la", "vs"], "method")
    Suggestion(right='methods: la, vs', hint="did you mean 'vs'?")
    """
    lower = {k.lower(): k for k in known}
    nearest = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    return Suggestion(
        f"{kind}s: {', '.join(known) or 'none'}",
        f"did you mean {lower[nearest[0]]!r}?" if nearest else "",
    )


def joined(names: Sequence[str], word: str = "and") -> str:
    """The names as in a sentence.

    >>> joined(["a", "b", "c"]), joined(["a", "b"], "or"), joined(["a"])
    ('a, b and c', 'a or b', 'a')
    """
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def listed(names: Sequence[str], most: int) -> str:
    """The first names, and the number of the others.

    >>> listed(["a", "b", "c"], 3), listed(["a", "b", "c"], 1)
    ('a, b, c', 'a and 2 more')
    """
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


@dataclass
class Mistakes:
    """A collection of mistakes, so that all are reported at once."""

    found: list[Mistake] = field(default_factory=list)
    """The mistakes so far."""

    def catch(
        self,
        where: KeyPath,
        make: Callable[P, T],
        *args: P.args,
        **settings: P.kwargs,
    ) -> T | None:
        """The result of `make`; None if it raises mistakes, which are collected under `where`."""
        try:
            return make(*args, **settings)
        except SpecError as error:
            self.found += [replace(m, where=(*where, *m.where)) for m in error.mistakes]
            return None
