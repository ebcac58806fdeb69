"""From a number on the page to its trials: key, seed, value, commit, device, data and command."""

from __future__ import annotations

from typing import Any

from evenhand.declared.record import RULES, Record
from evenhand_reports.board import lineage
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.provenance import commit, device, rerun_configuration
from evenhand_reports.board.results import Choice, Standing
from evenhand_reports.wording import formatting

NAMES = ("commit", "device", "host", "data")


class _Names:
    """Each distinct text once: thousands of trials share a few commits, hosts and data sets."""

    def __init__(self) -> None:
        self.lists: dict[str, dict[str, int]] = {name: {} for name in NAMES}

    def number(self, name: str, text: str) -> int:
        known = self.lists[name]
        return known.setdefault(text, len(known))


def origins(board: Leaderboard) -> dict[str, Any]:
    """`standings`, in the board's order, and the texts that they number, under `origins`."""
    names = _Names()
    standings = [_standing(board, standing, names) for standing in board.standings.values()]
    texts = {name: list(found) for name, found in names.lists.items()}
    return {"origins": texts, "standings": standings}


def _standing(board: Leaderboard, standing: Standing, names: _Names) -> dict[str, Any]:
    cell = standing.configuration
    return {
        "made": lineage.whole(cell.trials[0]),
        "reads": lineage.read(cell.trials[0]),
        "trials": [_trial(board, standing, i, names) for i in range(len(cell.trials))],
        "candidates": _candidates(standing.choice) if standing.choice else [],
        "command": rerun_configuration(board.source, cell, standing.records),
    }


def _trial(board: Leaderboard, standing: Standing, i: int, names: _Names) -> dict[str, Any]:
    trial, record = standing.configuration.trials[i], standing.records[i]
    values = [standing.scores[board.suite.primary, rule].values[i] for rule in RULES]
    gap = next((gap.kind for gap in standing.gaps if gap.key == trial.key), None)
    return {
        "key": trial.key,
        "seed": trial.seed,
        "parent": trial.parent.key if trial.parent else None,
        "end": gap or "done",
        "values": [None if value is None else round(value, 6) for value in values],
        **(_origin(record, names) if record else {"seconds": None}),
    }


def _origin(record: Record, names: _Names) -> dict[str, Any]:
    return {
        "commit": names.number("commit", commit(record)),
        "device": names.number("device", device(record)),
        "host": names.number("host", record.provenance.host),
        "data": names.number("data", record.data.fingerprint if record.data else "unknown"),
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
