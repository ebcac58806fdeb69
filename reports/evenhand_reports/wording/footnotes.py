"""The footnotes under every table: the facts for `templates/footnotes.j2`."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from evenhand.declared.registry import REGISTRY
from evenhand_reports.board.baseline import baseline_of, has_one_baseline_per_recipe, is_baseline
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.statistics.paired_tests import SMALLEST_N
from evenhand_reports.wording.formatting import (
    INCOMPARABLE,
    INCOMPLETE,
    mark_meanings,
    within_sentence,
)
from evenhand_reports.wording.held_out_notes import held_out_notes
from evenhand_reports.wording.identical_notes import identical_notes
from evenhand_reports.wording.interval_notes import interval_notes
from evenhand_reports.wording.primary_phrase import AVERAGED, primary_phrase
from evenhand_reports.wording.record_notes import (
    cell_notes,
    data_notes,
    environment_notes,
    undefined_notes,
)
from evenhand_reports.wording.standstill_notes import standstill_notes
from evenhand_reports.wording.summary import (
    MOST_ROWS,
    RULE_PHRASES,
    join_names,
    phrase_of_tests,
    sample_size,
    size_range,
)
from evenhand_reports.wording.templating import fill
from evenhand_reports.wording.verdicts import detectable_note

Shown = Literal["all", "means", "means in order", "comparisons"]
"""What a table shows: means with intervals and ranks, means alone, means in the order of the suite,
or comparisons alone."""


def footnotes(
    board: Leaderboard, *, shows: Shown = "all", problem: str | None = None
) -> tuple[str, ...]:
    """The notes that apply to a board and to what a table shows.

    Notes on data are those of all problems, or of the one that the table shows.
    """
    brackets = shows == "all"
    notes = fill(
        "footnotes.j2",
        board=board,
        brackets=brackets,
        shows=shows,
        metric=primary_phrase(board, problem, where=f" on test data {RULE_PHRASES[board.rule]}"),
        averaged=AVERAGED if problem is None and len(board.ranked_by) > 1 else "",
        several=len(board.problems) > 1,
        **_tests(board, problem),
        **_selection(board),
        **_gaps(board),
        halved=_halved(board),
        folds=_folds(board),
        part=_part(board),
        changed=join_names(board.changes, most=len(board.changes)),
        hides_rows=any(place not in board.results for place in board.compared),
    )
    problems = board.problems if problem is None else (problem,)
    data = [note for each in problems for note in data_notes(board, each)]
    first = " ".join((notes[0], *(interval_notes(board, problem) if brackets else ())))
    return (
        *((first,) if shows != "comparisons" else ()),
        *notes[1:],
        *cell_notes(board),
        *undefined_notes(board),
        *identical_notes(board, problems),
        *held_out_notes(board, problems),
        *standstill_notes(board, problems),
        *environment_notes(board),
        *data,
    )


def _tests(board: Leaderboard, problem: str | None) -> dict[str, Any]:
    """The facts on intervals, tests and ranks."""
    suite = board.suite
    verdicts = [board.verdicts[problem] for problem in board.problems]
    families = [each.family for each in verdicts if each.family]
    comparisons = [c for r in board.results.values() for c in (r.to_baseline, r.to_best) if c]
    moderated = any(c.test == "moderated t" for c in comparisons)
    ranked = [result.rank for result in board.results.values() if result.rank]
    return {
        "n": sample_size(board),
        "level": f"{100 * (1 - suite.alpha):g}",
        "alpha": f"{suite.alpha:g}",
        "smallest_n": SMALLEST_N,
        "families": families,
        "ranked": ranked,
        "declared": size_range(families or [0]),
        "contrasts": bool(suite.contrasts),
        "moderated": moderated,
        "tests": phrase_of_tests(board),
        "tested": join_names([within_sentence(board.metrics[m]) for m in suite.tested]),
        "by_chance": f"{suite.alpha * len(families):.2g}" if len(families) > 1 else "",
        "n_families": len(families),
        "signs": sum(c.test == "sign" for c in comparisons),
        "sign_n": next(n for n in range(2, 100) if 2.0 ** (1 - n) <= suite.alpha),
        "one_per_recipe": has_one_baseline_per_recipe(suite, board.compared.values()),
        "by_baseline": _by_baseline(board),
        "section": INCOMPARABLE,
        "few": moderated and SMALLEST_N in {c.difference.n for c in comparisons},
        "three_rows": moderated and 3 in Counter(problem for _, problem in board.compared).values(),
        "detectable": detectable_note(board, problem) if problem else "",
        "apart": _apart(board),
        "incomparable": any(rank.is_incomparable for rank in ranked),
        "provisional": any(each.is_provisional for each in verdicts),
    }


def _apart(board: Leaderboard) -> str:
    """`LA 2.2 times, CDT on digits-exp-100 24 times`: the scatter of rows that are set apart."""
    several = len(board.problems) > 1
    apart = [r for r in board.results.values() if r.rank and r.rank.is_incomparable]
    parts = [
        f"{r.title}{f' on {r.problem}' if several else ''} {r.rank.scatter:.1f} times"
        for r in apart[:MOST_ROWS]
        if r.rank
    ]
    return ", ".join(parts) + (f" and {len(apart) - MOST_ROWS} more" if apart[MOST_ROWS:] else "")


def _by_baseline(board: Leaderboard) -> str:
    """`ERM (lr=0.1) for LA (lr=0.1); none for VS`: the baseline of each row that is shown."""
    if len(board.baselines) < 2:
        return ""
    by_problem: dict[str, list[Result]] = {}
    for result in board.compared.values():
        by_problem.setdefault(result.problem, []).append(result)
    rows: dict[str, list[str]] = {}
    for result in board.results.values():
        if is_baseline(board.suite, result):
            continue
        found = baseline_of(board.suite, by_problem[result.problem], result)
        of = rows.setdefault(found.title if found else "", [])
        of += [result.title] if result.title not in of else []
    alone = rows.pop("", [])
    parts = [f"{title} for {join_names(of)}" for title, of in rows.items()]
    parts += [f"none for {join_names(alone)}"] if alone else []
    more = [f"and {len(parts) - MOST_ROWS} more"] if len(parts) > MOST_ROWS else []
    return "; ".join([*parts[:MOST_ROWS], *more])


def _selection(board: Leaderboard) -> dict[str, Any]:
    """The facts on the choice of settings on validation data."""
    select = board.suite.select
    return {
        "select": select,
        "is_chosen": any(r.choice and r.choice.candidates[1:] for r in board.results.values()),
        "selected_by": _selected_by(board) if select else "",
        "select_rule": RULE_PHRASES[select.epoch] if select else "",
    }


def _gaps(board: Leaderboard) -> dict[str, Any]:
    """The facts on incomplete and undefined results."""
    results = list(board.results.values())
    scores = [result.scores[metric, board.rule] for result in results for metric in board.metrics]
    return {
        "dagger": INCOMPLETE,
        "incomplete": any(INCOMPLETE in mark_meanings(board, result) for result in results),
        "unusable": len({gap.key for gap in board.gaps if gap.kind != "undefined"}),
        "undefined": any(score.estimate and not score.is_complete for score in scores),
    }


def _selected_by(board: Leaderboard) -> str:
    select = board.suite.select
    if (select is None or select.by is None) and len(board.ranked_by) > 1:
        return "primary metric of the problem"
    metric = select.by if select and select.by else next(iter(board.ranked_by))
    return within_sentence(REGISTRY.get("metric", metric).title)


def _halved(board: Leaderboard) -> str:
    """The problems that validate on half of the test images: `all problems`, names, or ""."""
    halved = {r.problem for r in board.results.values() if r.configuration.problem.val.test_half}
    return _problems(board, halved)


def _folds(board: Leaderboard) -> str:
    """The problems that are cross-validated: `all problems`, names, or ""."""
    return _problems(board, {r.problem for r in board.results.values() if r.test_ratio})


def _problems(board: Leaderboard, found: set[str]) -> str:
    """The names of some problems, or `all problems`; "" for none."""
    names = [problem for problem in board.problems if problem in found]
    is_all = len(names) == len(board.problems)
    return "all problems" if is_all else join_names(names, most=len(names)) if names else ""


def _part(board: Leaderboard) -> str:
    """`6 of 15 trials, 2 of 5 seeds`; "" for a report on the whole suite."""
    size, full = board.size._asdict(), board.full_size._asdict()
    if not board.suite.select:
        size.pop("settings")  # without `select:` every setting is a row of its own
    return ", ".join(f"{n} of {full[kind]} {kind}" for kind, n in size.items() if n < full[kind])
