"""The leaderboard in long form, one number a line: for machines. Scores are fractions here."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from evenhand.declared.record import Rule
from evenhand.declared.trial import Trial
from evenhand.metrics import better
from evenhand_reports.board import lineage
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.papers.matching import Quote, beside
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.statistics.paired_tests import Comparison


@dataclass(frozen=True)
class Line:
    """One estimate. What does not exist is None: an interval at n = 1, a rank without a test.

    method    with every setting; teacher and posthoc beside it, where there are any
    chosen    this setting stands for its row
    complete  every seed is in it, and nothing is lacking that the ranking needs
    keys      trials whose values are in the mean, as `evenhand show` takes them, space-separated
    rank…p_to_baseline  only where the table ranks: the primary metric at the ranking's rule
    printed…  what a paper prints for the row, at the same place; the first of several
    """

    suite: str
    version: int
    edition: str
    row: str
    title: str
    setting: str
    method: str
    teacher: str
    posthoc: str
    problem: str
    metric: str
    better: str
    rule: str
    split: str
    n: int
    seeds: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    level: float
    chosen: bool
    complete: bool
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    best_group: bool | None = None
    difference_to_best: float | None = None
    p_to_best: float | None = None
    difference_to_baseline: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_to_baseline: float | None = None
    printed: float | None = None
    printed_sd: float | None = None
    printed_in: str = ""
    keys: str = ""


def lines(board: Leaderboard) -> Iterator[Line]:
    """Test scores of every standing, then the validation scores that settings were chosen by."""
    papers = {metric: beside(board, metric) for metric in board.metrics}
    for place, standing in board.standings.items():
        for metric, rule in standing.scores:
            line = _test_line(board, standing, metric, rule)
            yield replace(line, **_printed(papers[metric].get(place, ())))
    for standing in board.standings.values():
        yield from _validation_lines(board, standing)


def _test_line(board: Leaderboard, standing: Standing, metric: str, rule: Rule) -> Line:
    score = standing.scores[metric, rule]
    found = zip(standing.configuration.trials, score.values, strict=True)
    ranked = _ranked(standing) if (metric, rule) == (board.suite.primary, board.rule) else {}
    whole = standing.is_whole and score.is_whole
    return _line(
        board,
        standing,
        trial=standing.configuration.trials[0],
        setting=", ".join(
            filter(None, (standing.configuration.local, standing.configuration.setting))
        ),
        metric=metric,
        rule=rule,
        split="test",
        estimate=score.estimate,
        chosen=True,
        complete=whole,
        keys=" ".join(trial.key for trial, value in found if value is not None),
        **ranked,
    )


def _validation_lines(board: Leaderboard, standing: Standing) -> Iterator[Line]:
    choice = standing.choice
    for i, candidate in enumerate(choice.candidates if choice else ()):
        assert choice is not None
        yield _line(
            board,
            standing,
            trial=candidate.trials[0],
            setting=candidate.setting,
            metric=choice.metric,
            rule=choice.rule,
            split="val",
            estimate=candidate.score,
            chosen=i == choice.chosen,
            complete=candidate.score is not None,
            keys=" ".join(candidate.keys) if candidate.score else "",
        )


def _line(
    board: Leaderboard,
    standing: Standing,
    *,
    trial: Trial,
    estimate: Estimate | None,
    metric: str,
    **given: object,
) -> Line:
    interval = estimate.interval if estimate else None
    suite = board.suite
    return Line(
        suite=suite.suite,
        version=suite.version,
        edition=board.edition,
        row=standing.row,
        title=standing.title,
        method=str(trial.method),
        teacher=lineage.teacher(trial),
        posthoc=lineage.posthoc(trial),
        problem=standing.problem,
        metric=metric,
        better=better(metric),
        n=estimate.n if estimate else 0,
        seeds=len(standing.records),
        mean=estimate.mean if estimate else None,
        sd=estimate.sd if estimate else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        level=1 - suite.alpha,
        **given,  # type: ignore[arg-type]  # the fields that the callers name
    )


def _ranked(standing: Standing) -> dict[str, object]:
    rank = standing.rank
    best, baseline = standing.to_best, standing.to_baseline
    interval = baseline.difference.interval if baseline else None
    return {
        "rank": rank.rank if rank else None,
        "rank_low": rank.span[0] if rank else None,
        "rank_high": rank.span[1] if rank else None,
        "best_group": rank.is_best if rank else None,
        "difference_to_best": _mean(best),
        "p_to_best": best.holm if best else None,
        "difference_to_baseline": _mean(baseline),
        "difference_low": interval.low if interval else None,
        "difference_high": interval.high if interval else None,
        "p_to_baseline": baseline.holm if baseline else None,
    }


def _printed(quotes: Sequence[Quote]) -> dict[str, Any]:
    if not quotes:
        return {}
    first = quotes[0]
    number = first.number
    return {"printed": number.value, "printed_sd": number.std, "printed_in": first.source}


def _mean(comparison: Comparison | None) -> float | None:
    return comparison.difference.mean if comparison else None


def csv_text(board: Leaderboard) -> str:
    """Comma-separated with one header line; what does not exist is empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [f.name for f in fields(Line)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(line) for line in lines(board))
    return stream.getvalue()


def write_parquet(board: Leaderboard, path: Path) -> None:
    """The same with types; what does not exist is null."""
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
    schema = pa.schema([(f.name, kinds[str(f.type).split(" ")[0]]) for f in fields(Line)])
    table = pa.Table.from_pylist([asdict(line) for line in lines(board)], schema=schema)
    parquet.write_table(table, path)
