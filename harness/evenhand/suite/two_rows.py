"""Two rows of a suite at more seeds than the suite has: `--until-separated vs la --max-seeds 20`.

Trials at the further seeds are ordinary trials: they have the keys that they would have in a suite
with more seeds. They are no trials of the suite itself, whose tables do not change because of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from evenhand.declared.trial import Trial
from evenhand.errors import Mistake, SpecError
from evenhand.suite.contrasts import named_pairs
from evenhand.suite.identical_rows import identical_rows
from evenhand.suite.resolve import Configuration, Suite
from evenhand.suite.row_pairs import HOW, RowPair

OPTION, MAX_SEEDS = "--until-separated", "--max-seeds"
DEFAULT_MAX_SEEDS = 20
MOST_MAX_SEEDS = 200
"""Largest `--max-seeds`, for which the bound of the test is simulated in some ten seconds."""
FOLDS = ("folds", "fold")
"""Keys of a data set's `split` that make it a cross-validation."""


@dataclass(frozen=True)
class TwoRows:
    """Two rows of a suite, on each problem that has both, at the suite's seeds and further ones."""

    asked: Suite
    """The suite, or the part of it on whose problems the rows are compared."""
    names: tuple[str, str]
    """The two names, as they were given."""
    pairs: Mapping[str, tuple[RowPair, ...]]
    """Pairs of rows by problem; several where the names stand for rows under several recipes."""
    seeds: tuple[int, ...]
    """The suite's seeds, and the further ones after the largest of them."""

    @property
    def n_suite_seeds(self) -> int:
        """Number of the suite's own seeds."""
        return len(self.asked.declaration.seeds)

    @property
    def n_pairs(self) -> int:
        """Number of pairs over all problems, among which the level of the test is divided."""
        return sum(map(len, self.pairs.values()))

    def settings(self, row: str, problem: str) -> list[Configuration]:
        """The settings of a row on a problem at the suite's seeds; several under `select:`."""
        whole = self.asked.whole or self.asked
        return [c for c in whole.configurations if (c.row, c.problem.name) == (row, problem)]

    def at_all_seeds(self, configuration: Configuration) -> Configuration:
        """A setting with its trials at all seeds."""
        return replace(configuration, trials=_at(configuration.trials, self.seeds))

    @cached_property
    def suite(self) -> Suite:
        """The two rows at all seeds, as a part of the suite in which they have these trials."""
        whole = self.asked.whole or self.asked
        places = {(row, problem) for problem, ps in self.pairs.items() for p in ps for row in p}
        longer = tuple(
            self.at_all_seeds(c) if (c.row, c.problem.name) in places else c
            for c in whole.configurations
        )
        return self.asked.replaced(
            configurations=tuple(c for c in longer if (c.row, c.problem.name) in places),
            whole=whole.replaced(configurations=longer),
        )

    def reached(self, keys: Collection[str]) -> Suite:
        """The two rows at the suite's seeds and with those further trials."""
        own = (self.asked.whole or self.asked).trials.keys()
        kept = [
            replace(c, trials=tuple(t for t in c.trials if t.key in own or t.key in keys))
            for c in self.suite.configurations
        ]
        return self.suite.replaced(configurations=tuple(kept))


def two_rows(suite: Suite, names: Sequence[str], max_seeds: int = DEFAULT_MAX_SEEDS) -> TwoRows:
    """Two rows by names as `contrasts:` takes them, on the problems of a suite or a part of it.

    Raises `SpecError` for names of no rows, where further seeds cannot separate the rows, and for a
    part of the suite that leaves out seeds or settings of the rows.

    >>> import evenhand as eh
    >>> rows = two_rows(eh.open_suite("quickstart"), ("vs", "la"), max_seeds=8)
    >>> rows.pairs["digits-exp-100"], rows.seeds, len(rows.suite.trials)
    ((RowPair(first='vs', second='la'),), (0, 1, 2, 3, 4, 5, 6, 7), 16)
    """
    first, second = _two_names(names)
    _check_seeds(suite, max_seeds)
    try:
        found = named_pairs(suite, first, second)
    except SpecError as error:
        same = Mistake(f"{first!r} and {second!r} are one row", (), "name two rows, such as vs la")
        mistakes = [same if m.right == HOW else m for m in error.mistakes]
        raise _refused(*mistakes) from None
    pairs = {problem: found[problem] for problem in suite.problems if problem in found}
    if not pairs:
        what = f"{first!r} and {second!r} are both on {', '.join(found)} alone"
        raise _refused(Mistake(what, (), "leave out `--only`, or keep one of these problems"))
    own = suite.declaration.seeds
    further = range(max(own) + 1, max(own) + 1 + max_seeds - len(own))
    rows = TwoRows(suite, (first, second), pairs, (*own, *further))
    mistakes = [*_part_mistakes(rows), *_identical_mistakes(rows), *_fold_mistakes(rows)]
    if mistakes:
        raise _refused(*mistakes)
    return rows


def _two_names(names: Any) -> tuple[str, str]:
    is_two = isinstance(names, list | tuple) and len(names) == 2
    if not is_two or not all(isinstance(name, str) for name in names):
        what = f"until_separated is {names!r}"
        raise SpecError([Mistake(what, (), 'write the names of two rows: ("vs", "la")')])
    return names[0], names[1]


def _check_seeds(suite: Suite, max_seeds: Any) -> None:
    """Check that there are further seeds, and that they change the trials."""
    n = len(suite.declaration.seeds)
    if not isinstance(max_seeds, int) or isinstance(max_seeds, bool):
        what = f"max_seeds is {max_seeds!r}"
        raise SpecError([Mistake(what, (), "write a whole number of seeds")])
    if not n < max_seeds <= MOST_MAX_SEEDS:
        suite_has = "1 seed" if n == 1 else f"{n} seeds"
        what = f"{MAX_SEEDS} is {max_seeds}, and the suite has {suite_has}"
        right = f"write a number above {n}, and at most {MOST_MAX_SEEDS}"
        raise SpecError([Mistake(what, (), right)])
    if not suite.declaration.vary:
        what = "the suite has `vary: []`, so that a further seed would train the same network"
        right = "name streams that follow the seed, or compare the rows on the one seed"
        raise _refused(Mistake(what, (), right))


def _part_mistakes(rows: TwoRows) -> Iterable[Mistake]:
    """A mistake for each row that `--only` leaves out, or of which it keeps only some trials."""
    shown: dict[tuple[str, str], set[str]] = {}
    for c in rows.asked.configurations:
        shown.setdefault((c.row, c.problem.name), set()).update(t.key for t in c.trials)
    for problem, pairs in rows.pairs.items():
        for row in dict.fromkeys(row for pair in pairs for row in pair):
            every = {t.key for c in rows.settings(row, problem) for t in c.trials}
            if shown.get((row, problem)) != every:
                what = f"`--only` leaves out trials of {row} on {problem}"
                yield Mistake(what, (), "keep problems with `--only problem=…`, and all else")


def _identical_mistakes(rows: TwoRows) -> Iterable[Mistake]:
    """A mistake for each pair that is the same training, which no number of seeds separates."""
    for same in identical_rows(rows.asked.whole or rows.asked):
        problems = [
            problem
            for problem in same.problems
            if any({*pair} <= {*same.rows} for pair in rows.pairs.get(problem, ()))
        ]
        if problems:
            right = "no number of seeds separates them; keep other problems with `--only problem=…`"
            yield Mistake(str(same._replace(problems=tuple(problems))), (), right)


def _fold_mistakes(rows: TwoRows) -> Iterable[Mistake]:
    """A mistake for each problem whose seeds are the folds of a cross-validation."""
    problems = {c.problem.name: c.problem for c in rows.suite.configurations}
    for name, problem in problems.items():
        split = problem.dataset.settings.get("split")
        if isinstance(split, dict) and any(split.get(key) for key in FOLDS):
            what = f"the seeds of {name} are the folds of a cross-validation"
            right = "further seeds would test the same rows again; use `split: {test: 0.2}`"
            yield Mistake(what, (), right)


def _refused(*mistakes: Mistake) -> SpecError:
    return SpecError([replace(m, what=f"{OPTION}: {m.what}", where=()) for m in mistakes])


def _at(trials: Sequence[Trial], seeds: Iterable[int]) -> tuple[Trial, ...]:
    by_seed = {trial.seed: trial for trial in trials}
    first = trials[0]
    return tuple(by_seed.get(s) or first.model_copy(update={"seed": s}) for s in seeds)
