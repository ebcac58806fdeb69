"""Notes on what the records hold beside scores: environments, undefined metrics and data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evenhand.declared.data_sentences import shared_sentence
from evenhand.declared.record import Record, SharedExamples
from evenhand.declared.registry import REGISTRY
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.once import once
from evenhand_reports.board.results import Result
from evenhand_reports.wording.formatting import ELSEWHERE
from evenhand_reports.wording.summary import join_names, size_range

MOST_GROUPS = 8
ENVIRONMENT = (
    "{mark} Ran in another environment than {reference} at the same seeds, to which the difference "
    "may be due: {rows}."
)
DIRTY = (
    "{n} of {of} records were made by code with uncommitted changes (+ after the commit), which "
    "can differ between trials of the same commit."
)
UNDEFINED = "{metric} is undefined{rows} on {problem}: {cause}."
CELLS = "{metrics}: on {problems}, without groups, each class is a cell."


@once
def environment_notes(board: Leaderboard) -> tuple[str, ...]:
    """The rows that ran in another environment than their reference, and uncommitted changes."""
    differing = [result for result in board.results.values() if result.deviations]
    notes = []
    for reference in dict.fromkeys(r.deviations[0].reference for r in differing):
        results = [r for r in differing if r.deviations[0].reference == reference]
        rows = "; ".join(_grouped(board, results))
        notes.append(ENVIRONMENT.format(mark=ELSEWHERE, reference=reference, rows=rows))
    dirty = sum(bool(record.provenance.dirty) for record in board.records.values())
    return (*notes, *([DIRTY.format(n=dirty, of=len(board.records))] if dirty else []))


def _grouped(board: Leaderboard, results: Iterable[Result]) -> list[str]:
    """`LA and VS: torch 2.10.0 (not 2.9.0)`: rows with the same differences together."""
    groups: dict[str, dict[str, list[str]]] = {}
    for result in results:
        text = ", ".join(map(str, result.deviations))
        groups.setdefault(text, {}).setdefault(result.title, []).append(result.problem)
    lines = [
        f"{join_names(list(rows), most=MOST_GROUPS)}{_on(board, rows.values())}: {text}"
        for text, rows in groups.items()
    ]
    more = len(lines) - MOST_GROUPS
    return [*lines[:MOST_GROUPS], *([f"and {more} more combinations"] if more > 0 else [])]


def _on(board: Leaderboard, problems: Iterable[Sequence[str]]) -> str:
    """` on cifar10-exp-100`; "" where a difference is one of all problems."""
    found = {problem for each in problems for problem in each}
    named = [problem for problem in board.problems if problem in found]
    return "" if len(named) == len(board.problems) else f" on {join_names(named)}"


@once
def undefined_notes(board: Leaderboard) -> tuple[str, ...]:
    """The metrics that have no value on whole records, each with the problem and the reason."""
    notes = []
    for metric, title in board.metrics.items():
        for problem in board.problems:
            results = board.on(problem)
            causes: dict[tuple[str, str], list[str]] = {}
            for result in results:
                score = result.scores[metric, board.rule]
                if score.undefined:
                    when = " at some seeds" if score.estimate else ""
                    causes.setdefault((when, score.undefined), []).append(result.title)
            for (when, cause), rows in causes.items():
                some = f" for {join_names(rows)}" if len(rows) < len(results) else ""
                fields = {"metric": title, "rows": some + when, "problem": problem, "cause": cause}
                notes.append(UNDEFINED.format(**fields))
    return tuple(notes)


@once
def cell_notes(board: Leaderboard) -> tuple[str, ...]:
    """The problems without groups, on which a metric over cells is one over classes."""
    facts = {metric: REGISTRY.get("metric", metric).facts for metric in board.metrics}
    titles = [board.metrics[metric] for metric, of in facts.items() if of.get("over") == "cells"]
    alone = []
    for problem in board.problems:
        records = [r for result in board.on(problem) for r in result.usable_records if r.data]
        if records and all(r.data and len(r.data.groups) < 2 for r in records):
            alone.append(problem)
    if not titles or not alone:
        return ()
    return (CELLS.format(metrics=join_names(titles), problems=join_names(alone)),)


def data_notes(board: Leaderboard, problem: str) -> list[str]:
    """Duplicates between the splits of a problem, and notes on how its files were read."""
    results = [result for (_, p), result in board.results.items() if p == problem]
    records = [record for result in results for record in result.usable_records if record.data]
    # All rows of a seed have the same data.
    by_seed = {record.trial.seed: record for record in records}
    reading = [r.data.reading for r in by_seed.values() if r.data and r.data.reading]
    read = dict.fromkeys(note for each in reading for note in each.notes)
    return [*_shared(problem, list(by_seed.values())), *(_sentence(problem, n) for n in read)]


def _sentence(problem: str, note: str) -> str:
    return f"{problem}: {note.rstrip('.')}."


def _shared(problem: str, records: Sequence[Record]) -> list[str]:
    """A sentence for each pair of splits that have examples in common at some seed."""
    found: dict[tuple[str, str], list[tuple[SharedExamples, int]]] = {}
    for record in records:
        assert record.data is not None, "of records with data"
        sizes = {"val": record.data.n_val, "test": record.data.n_test}
        for each in record.data.shared:
            pair = (each.split, each.other)
            found.setdefault(pair, []).append((each, sizes[each.split]))
    notes = []
    for (split, other), sharing in found.items():
        absent = [0] * (len(records) - len(sharing))
        relabelled = [shared.relabelled for shared, _ in sharing] + absent
        n = size_range([shared.n for shared, _ in sharing] + absent)
        of = size_range([of for _, of in sharing])
        text = shared_sentence(split, other, n, of, size_range(relabelled), problem)
        notes.append(f"{text}.")
    return notes
