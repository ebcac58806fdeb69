"""The trials behind each number of the page: key, seed, value, commit, device, data, command."""

from __future__ import annotations

from typing import Any

from evenhand.declared.record import RULES, Record
from evenhand.metrics import unit
from evenhand_reports.board import lineage
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.provenance import commit, device, rerun_configuration
from evenhand_reports.board.results import Choice, Result
from evenhand_reports.wording import formatting

FIELDS = ("commit", "device", "host", "data")


class _TextIndex:
    """Each distinct text once, since thousands of trials share a few commits, hosts and data."""

    def __init__(self) -> None:
        self.texts: dict[str, dict[str, int]] = {name: {} for name in FIELDS}

    def number(self, field: str, text: str) -> int:
        """The number of a text among those of its field."""
        known = self.texts[field]
        return known.setdefault(text, len(known))


def page_trials(board: Leaderboard) -> dict[str, Any]:
    """`results`, in the board's order, and under `origins` the texts that they number."""
    index = _TextIndex()
    results = [_result(board, result, index) for result in board.results.values()]
    texts = {field: list(found) for field, found in index.texts.items()}
    return {"origins": texts, "results": results}


def _result(board: Leaderboard, result: Result, index: _TextIndex) -> dict[str, Any]:
    configuration = result.configuration
    trials = configuration.trials
    return {
        "method": lineage.full_method(trials[0]),
        "primary": board.metrics[board.primary(result.problem)],
        "unit": unit(board.primary(result.problem)),
        "parent": lineage.parent_role(trials[0]),
        "trials": [_trial(board, result, i, index) for i in range(len(trials))],
        "candidates": _candidates(result.choice) if result.choice else [],
        "command": rerun_configuration(board.source, configuration, result.records, board.changes),
    }


def _trial(board: Leaderboard, result: Result, i: int, index: _TextIndex) -> dict[str, Any]:
    trial, record = result.configuration.trials[i], result.records[i]
    values = [board.score(result, rule).values[i] for rule in RULES]
    gap = next((gap.kind for gap in result.gaps if gap.key == trial.key), None)
    return {
        "key": trial.key,
        "seed": trial.seed,
        "parent": trial.parent.key if trial.parent else None,
        "end": gap or "done",
        "values": [None if value is None else round(value, 6) for value in values],
        **(_origin(record, index) if record else {"seconds": None}),
    }


def _origin(record: Record, index: _TextIndex) -> dict[str, Any]:
    return {
        "commit": index.number("commit", commit(record)),
        "device": index.number("device", device(record)),
        "host": index.number("host", record.provenance.host),
        "data": index.number("data", record.data.fingerprint if record.data else "unknown"),
        "seconds": round(record.cost.seconds, 1),
    }


def _candidates(choice: Choice) -> list[dict[str, Any]]:
    return [
        {
            "setting": candidate.setting,
            "score": formatting.mean_sd(candidate.score) if candidate.score else None,
            "chosen": i == choice.chosen,
            "keys": candidate.keys,
        }
        for i, candidate in enumerate(choice.candidates)
    ]
