"""The leaderboard in long form, one estimate per line, for other programs.

Scores are fractions, and NLL is in nats.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from evenhand.declared.record import Rule
from evenhand.declared.trial import Trial
from evenhand.metrics import better
from evenhand_reports.board import lineage
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.once import once
from evenhand_reports.board.results import Result
from evenhand_reports.formats.printed_columns import printed_columns
from evenhand_reports.papers.matching import printed_numbers
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.statistics.paired_tests import Comparison
from evenhand_reports.wording.record_notes import data_notes

if TYPE_CHECKING:
    import pyarrow as pa
    from _typeshed import DataclassInstance

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Characters with which a formula begins in a spreadsheet."""

RESAMPLED = "corrected resampled t"

T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True)
class Line:
    """One estimate; None where a value is undefined: an interval at n = 1, a rank without a test.

    The fields from `rank` to `p_to_baseline` are filled in only for the numbers that the table
    ranks: the primary metric at the checkpoint rule of the ranking.
    """

    suite: str
    version: int
    edition: str
    row: str
    title: str
    setting: str
    method: str
    """With every setting."""

    teacher: str
    posthoc: str
    problem: str
    metric: str
    better: str
    rule: str
    split: str
    n: int | None
    """None where the metric is undefined on whole records; `undefined` is the reason."""

    seeds: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    level: float
    interval_kind: str
    """`t`, or `corrected resampled t` where the seeds are folds of a cross-validation; followed by
    `of the logit` or `of the log` where the metric has bounds."""

    chosen: bool
    """Whether the row shows this setting."""

    complete: bool
    """Whether every seed is in the estimate and the ranking has all that it needs."""

    undefined: str = ""
    """The reason why whole records have no value."""

    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    best_group: bool | None = None
    incomparable: bool | None = None
    difference_to_best: float | None = None
    p_to_best: float | None = None
    difference_to_baseline: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_to_baseline: float | None = None
    printed: float | None = None
    """The number that a paper prints for the row; the first one of several."""

    printed_sd: float | None = None
    printed_in: str = ""
    printed_protocol: str = ""
    """Network, epochs, checkpoint, tuning and held-out images of the printed number, in words."""

    printed_verdict: str = ""
    """`reproduced`, `higher`, `lower`, `undecided`, `not comparable`, `incomplete`, `not tested`
    or `quoted`, at the checkpoint rule of the line."""

    printed_why: str = ""
    """The reason of a verdict without a test."""

    printed_difference: float | None = None
    """Ours − printed, where they are tested."""

    printed_low: float | None = None
    """Ends of the 1 − 2α interval of the difference, with the rounding of the printed number."""

    printed_high: float | None = None
    printed_p_margin: float | None = None
    """The larger p-value of the two one-sided tests of equivalence within the suite's `margin`."""

    printed_p_zero: float | None = None
    """The p-value of the two-sided test of a difference."""

    printed_seeds: int | None = None
    """Seeds that would decide an undecided number; None where none are known to."""

    printed_rule: str = ""
    """The checkpoint rule whose verdict the page and the tables show."""

    keys: str = ""
    """Trials whose values are in the mean, as `evenhand show` takes them, separated by spaces."""

    environment: str = ""
    """Differences of the environment from that of the baseline; "" where there are none."""

    data_notes: str = ""
    """Duplicates between splits, and how the files of the problem were read."""


@once
def lines(board: Leaderboard) -> tuple[Line, ...]:
    """Test scores of every result, then the validation scores by which settings were chosen."""
    return tuple(_lines(board))


def _lines(board: Leaderboard) -> Iterator[Line]:
    papers = {metric: printed_numbers(board, metric) for metric in board.metrics}
    notes = {problem: " ".join(data_notes(board, problem)) for problem in board.problems}
    for place, result in board.results.items():
        for metric, rule in result.scores:
            line = _test_line(board, result, metric, rule)
            printed = printed_columns(board, result, rule, papers[metric].get(place, ()))
            yield replace(line, **printed, data_notes=notes[line.problem])
    for result in board.results.values():
        for line in _validation_lines(board, result):
            yield replace(line, data_notes=notes[line.problem])


def _test_line(board: Leaderboard, result: Result, metric: str, rule: Rule) -> Line:
    score = result.scores[metric, rule]
    found = zip(result.configuration.trials, score.values, strict=True)
    is_primary = metric == board.primary(result.problem)
    ranked = _ranked(result) if is_primary and rule == board.rule else {}
    is_complete = result.is_complete and score.is_complete
    return _line(
        board,
        result,
        trial=result.configuration.trials[0],
        setting=", ".join(filter(None, (result.configuration.local, result.configuration.setting))),
        metric=metric,
        rule=rule,
        split="test",
        estimate=score.estimate,
        chosen=True,
        complete=is_complete,
        undefined=score.undefined,
        keys=" ".join(trial.key for trial, value in found if value is not None),
        **ranked,
    )


def _validation_lines(board: Leaderboard, result: Result) -> Iterator[Line]:
    choice = result.choice
    for i, candidate in enumerate(choice.candidates if choice else ()):
        assert choice is not None
        yield _line(
            board,
            result,
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
    result: Result,
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
        row=result.row,
        title=result.title,
        method=str(trial.method),
        teacher=lineage.teacher(trial),
        posthoc=lineage.posthoc(trial),
        problem=result.problem,
        metric=metric,
        better=better(metric),
        n=estimate.n if estimate else None if given.get("undefined") else 0,
        seeds=len(result.records),
        mean=estimate.mean if estimate else None,
        sd=estimate.sd if estimate else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        level=1 - suite.alpha,
        environment="; ".join(map(str, result.deviations)),
        interval_kind=_interval_kind(estimate),
        **given,  # type: ignore[arg-type]  # the fields that the callers name
    )


def _interval_kind(estimate: Estimate | None) -> str:
    """`t of the logit`, `corrected resampled t of the log`, `t`."""
    kind = RESAMPLED if estimate and estimate.is_resampled else "t"
    scale = estimate.scale if estimate else "identity"
    return kind if scale == "identity" else f"{kind} of the {scale}"


def _ranked(result: Result) -> dict[str, object]:
    rank = result.rank
    best, baseline = result.to_best, result.to_baseline
    interval = baseline.difference.interval if baseline else None
    return {
        "rank": rank.rank if rank else None,
        "rank_low": rank.span[0] if rank else None,
        "rank_high": rank.span[1] if rank else None,
        "best_group": rank.is_best if rank else None,
        "incomparable": rank.is_incomparable if rank else None,
        "difference_to_best": _mean(best),
        "p_to_best": best.adjusted if best else None,
        "difference_to_baseline": _mean(baseline),
        "difference_low": interval.low if interval else None,
        "difference_high": interval.high if interval else None,
        "p_to_baseline": baseline.adjusted if baseline else None,
    }


def _mean(comparison: Comparison | None) -> float | None:
    return comparison.difference.mean if comparison else None


def csv_text(board: Leaderboard) -> str:
    """Comma-separated values with one header line; None is empty."""
    return csv_of(Line, lines(board))


def csv_of(kind: type[T], rows: Iterable[T]) -> str:
    """The CSV text of data classes of one kind: a header line, then one line for each."""
    stream = io.StringIO()
    # The default line end of the module is \r\n; the other files of a report have \n.
    writer = csv.DictWriter(stream, [f.name for f in fields(kind)], lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: inert(v) for k, v in vars(row).items()} for row in rows)
    return stream.getvalue()


def inert(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula: such a text begins with an apostrophe."""
    is_formula = isinstance(value, str) and value.startswith(FORMULA)
    return f"'{value}" if is_formula else value


def parquet_bytes(board: Leaderboard) -> bytes:
    """The same lines as a Parquet file with types; None is null."""
    from pyarrow import parquet

    stream = io.BytesIO()
    parquet.write_table(table_of(Line, lines(board)), stream)
    return stream.getvalue()


def table_of(kind: type[T], rows: Iterable[T]) -> pa.Table:
    """The Arrow table of data classes of one kind, with a type for each field."""
    import pyarrow as pa

    kinds = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
    schema = pa.schema([(f.name, kinds[str(f.type).split(" ")[0]]) for f in fields(kind)])
    return pa.Table.from_pylist([vars(row) for row in rows], schema=schema)
