"""The sequential comparison of two rows in words: verdicts, causes, and what the numbers mean."""

from __future__ import annotations

from evenhand.suite.commands import Place, suite_command
from evenhand_reports.board.separation import PairOfRows, Separation

FOLDS = "the seeds are folds of a cross-validation, or no setting could be chosen"


def verdict(pair: PairOfRows) -> str:
    """`VS is better`, `not separated`, `to be run` or `stopped`."""
    if pair.verdict == "separated":
        return f"{pair.better} is better"
    return {"open": "to be run"}.get(pair.verdict, pair.verdict)


def stops(separation: Separation) -> list[str]:
    """A sentence for each problem on which a trial without a value ends the looks."""
    return [_stop(pair) for pair in separation.pairs if pair.verdict == "stopped"]


def _stop(pair: PairOfRows) -> str:
    if pair.gap is None:
        return f"{pair.problem}: no look, because {FOLDS}."
    cause = f": {pair.gap.cause.partition(chr(10))[0]}" if pair.gap.cause else ""
    return (
        f"{pair.problem}: the looks end before seed {pair.gap.seed}, at which {pair.gap.title} has "
        f"no score ({pair.gap.kind}{cause}). Later seeds are not used, because the rows may differ "
        f"in when they fail. `evenhand show {pair.gap.key[:8]}` prints the trial; a run with "
        "`--retry-failed` repeats it."
    )


def still_to_run(separation: Separation) -> list[str]:
    """The command that runs further seeds, where the rows of a problem need some."""
    if not any(pair.verdict == "open" for pair in separation.pairs):
        return []
    rows = separation.rows
    separated = (*rows.names, len(rows.seeds))
    place = Place(separation.location, separation.edition, separated=separated)
    return [f"`{suite_command('run', rows.asked, place=place)}` runs further seeds."]


def deviations(separation: Separation) -> list[str]:
    """A sentence for each problem on which the rows were trained in different environments."""
    return [
        f"{pair.problem}: {pair.titles[0]} differs from {pair.titles[1]} in "
        f"{'; '.join(map(str, pair.deviations))}. The difference may be one of these."
        for pair in separation.pairs
        if pair.deviations
    ]


def notes(separation: Separation) -> list[str]:
    """The test with its assumption, what the interval means, and the bias of the difference."""
    test, n = separation.test, len(separation.pairs)
    alpha = test.alpha * n
    over = "all looks" if n == 1 else f"all looks at all {n} pairs (Bonferroni)"
    found = [
        f"The paired t-test is made at {test.first} seeds and again after each further one, up to "
        f"{test.most}, and separates the rows at the first look with p ≤ {bound(separation)}. Rows "
        f"of equal mean are separated with a probability of at most {_percent(alpha)} over {over}, "
        "if their differences are independent and normal.",
        f"An interval has the confidence level {_percent(1 - test.bound)}, so that the intervals "
        f"over {over} cover the true differences with a probability of {_percent(1 - alpha)}.",
    ]
    if any(pair.verdict == "separated" for pair in separation.pairs):
        found.append(
            "The difference of rows that are separated early is biased away from 0: read the "
            "interval."
        )
    if any(pair.verdict == "not separated" for pair in separation.pairs):
        found.append(
            "Rows that are not separated need not be equal: the interval has the differences that "
            "the seeds do not exclude."
        )
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def bound(separation: Separation) -> str:
    """The bound of the p-values, in three significant digits."""
    return f"{separation.test.bound:.3g}"


def p_value(pair: PairOfRows) -> str:
    """The p-value of the last look, in as many digits as the bound has."""
    p = pair.looks[-1].p if pair.looks else None
    return "–" if p is None else "< 0.0001" if p < 0.0001 else f"{p:.3g}"
