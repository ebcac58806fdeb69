"""Scores from records: values, gaps and the selected setting of each configuration."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evenhand.declared.base import canonical
from evenhand.declared.record import RULES, Record, Rule, Split
from evenhand.declared.trial import Trial
from evenhand.metrics import better, is_of_logits, score, version_of
from evenhand.suite.declaration import Select, SuiteDeclaration
from evenhand.suite.resolve import Configuration, Suite
from evenhand_reports.board.compact import Compact
from evenhand_reports.board.metric_estimate import metric_estimate
from evenhand_reports.board.record_source import Records
from evenhand_reports.board.results import Candidate, Choice, Gap, Result, Score
from evenhand_reports.board.undefined import why_undefined


@dataclass(frozen=True)
class SuiteRecords:
    """The records of a suite's trials."""

    by_key: Mapping[str, Record]
    other_data: Mapping[str, str]
    """Causes by key, for records whose data differ from those of the others."""

    networks: Mapping[str, Record]
    """Records of the networks of post-hoc trials, by the key of the post-hoc trial."""

    def usable(self, trial: Trial) -> Record | None:
        """The record of a trial that is done, on the same data as the others; otherwise None."""
        record = self.by_key.get(trial.key)
        if record is None or record.exit.status != "done" or trial.key in self.other_data:
            return None
        return record


def read_records(suite: Suite, store: Records) -> list[Record]:
    """The records that a report reads, compact: all rows of the suite on the problems it shows.

    A part of a suite is compared with all rows, whichever of them `--only` shows. The records of
    the networks of post-hoc trials hold the hardware on which these were trained.
    """
    shown = set(suite.problems)
    trials = [
        trial
        for configuration in (suite.whole or suite).configurations
        if configuration.problem.name in shown
        for trial in configuration.trials
    ]
    networks = [trial.parent for trial in trials if trial.posthoc and trial.parent]
    by_key = {trial.key: trial for trial in [*trials, *networks]}
    return store.records(list(by_key), Compact(by_key))


def match_records(suite: Suite, records: Sequence[Record]) -> SuiteRecords:
    """The records of the whole suite's trials; records of other trials are ignored."""
    whole = suite.whole or suite
    found = {record.key: record for record in records}
    by_key = {key: record for key, record in found.items() if key in whole.trials}
    networks = {
        trial.key: found[trial.parent.key]
        for trial in whole.trials.values()
        if trial.posthoc and trial.parent and trial.parent.key in found
    }
    return SuiteRecords(by_key, _other_data(whole, by_key), networks)


def _other_data(suite: Suite, records: Mapping[str, Record]) -> dict[str, str]:
    """Keys of records whose data differ from those of most others at the same problem and seed.

    Where neither the subset nor the split follows the seed, all seeds share one data set. A user's
    own table is the same at all seeds before it is split. Without a majority the intended data are
    unknown, and none of the records is used.
    """
    groups: dict[tuple[str, int | None], dict[str, str]] = defaultdict(dict)
    for configuration in suite.configurations:
        problem = canonical(configuration.problem)
        for trial in configuration.trials:
            record = records.get(trial.key)
            if record is not None and record.data is not None and record.exit.status == "done":
                differs_by_seed = {"subset", "split"} & set(trial.vary)
                group = groups[problem, trial.seed if differs_by_seed else 0]
                group[trial.key] = record.data.fingerprint
                if record.data.source:
                    groups[problem, None][trial.key] = record.data.source
    causes: dict[str, str] = {}
    for group in groups.values():
        (usual, n), *others = Counter(group.values()).most_common()
        if not others:
            continue
        agreed = usual if 2 * n > len(group) else None
        for key, fingerprint in group.items():
            if fingerprint != agreed:
                causes[key] = f"data {fingerprint[:12]}, {_agreement(agreed, n, len(group))}"
    return causes


def _agreement(agreed: str | None, n: int, of: int) -> str:
    return f"{n} of {of} records have {agreed[:12]}" if agreed else f"{of} records disagree"


def result_of(
    suite: SuiteDeclaration, configurations: Sequence[Configuration], records: SuiteRecords
) -> Result:
    """The result of a row on a problem, not yet compared with others.

    `configurations` are the settings that compete for the row; only one without `select:`.
    """
    choice = _choose(suite, suite.select, configurations, records) if suite.select else None
    assert choice or len(configurations) == 1, "settings share a row only where the suite selects"
    configuration = configurations[(choice.chosen or 0) if choice else 0]
    usable = tuple(records.usable(trial) for trial in configuration.trials)
    ratio = test_ratio(usable, "test")
    scores = _scores(suite, usable, ratio)
    primary = scores[suite.primary_on(configuration.problem.name), ranking_rule(suite)]
    gaps = [gap for each in configurations for gap in _gaps(each, records)]
    gaps += _undefined(suite, configuration, usable, primary)
    return Result(
        row=configuration.row,
        title=configuration.title,
        problem=configuration.problem.name,
        configuration=configuration,
        records=tuple(records.by_key.get(trial.key) for trial in configuration.trials),
        scores=scores,
        gaps=tuple(gaps),
        is_complete=primary.is_complete
        and (choice is None or choice.chosen is not None)
        and not any(_blocks(gap, configuration) for gap in gaps),
        test_ratio=ratio,
        networks={
            trial.key: records.networks[trial.key]
            for trial in configuration.trials
            if trial.key in records.networks
        },
        choice=choice,
    )


def test_ratio(records: Sequence[Record | None], split: Split) -> float:
    """Mean of n_test / n_train over records of a cross-validation; 0 for all other records."""
    ratios = [
        (data.n_test if split == "test" else data.n_val) / max(1, int(data.train_counts.sum()))
        for record in records
        if record is not None and (data := record.data) is not None and data.folds
    ]
    return sum(ratios) / len(ratios) if ratios else 0.0


def _blocks(gap: Gap, chosen: Configuration) -> bool:
    """Whether a gap makes the result incomplete.

    A competing setting that diverged has lost. Any other gap of a competing setting may hide a
    better one.
    """
    return gap.kind != "diverged" or gap.setting == chosen.setting


def ranking_rule(suite: SuiteDeclaration) -> Rule:
    """The checkpoint rule of every rank and test; never one that uses test data."""
    return suite.select.epoch if suite.select else "last"


def metrics_of(suite: SuiteDeclaration) -> tuple[str, ...]:
    """The metrics of the suite, primary metrics first, each once."""
    return tuple(dict.fromkeys((*suite.primaries.values(), *suite.metrics)))


def value(record: Record | None, split: Split, rule: Rule, metric: str) -> float | None:
    """A record's metric on one split at one checkpoint rule; None without such an evaluation."""
    evaluation = record.evaluation(split, rule) if record else None
    if record is None or record.data is None or evaluation is None:
        return None
    if is_of_logits(metric):
        is_current = record.scored.get(metric) == version_of(metric)
        return evaluation.scores.get(metric) if is_current else None
    return score(metric, evaluation.counts, record.data.train_counts, record.trial.method.settings)


def _scores(
    suite: SuiteDeclaration, records: Sequence[Record | None], ratio: float
) -> dict[tuple[str, Rule], Score]:
    scores: dict[tuple[str, Rule], Score] = {}
    for rule in RULES:
        for metric in metrics_of(suite):
            values = [value(record, "test", rule, metric) for record in records]
            known = [v for v in values if v is not None]
            mean = (
                metric_estimate(metric, known, alpha=suite.alpha, test_ratio=ratio)
                if known
                else None
            )
            missing = [r for r, v in zip(records, values, strict=True) if r and v is None]
            reasons = (why_undefined(metric, record, "test", rule) for record in missing)
            scores[metric, rule] = Score(tuple(values), mean, next(filter(None, reasons), ""))
    return scores


def _gaps(configuration: Configuration, records: SuiteRecords) -> list[Gap]:
    gaps = []
    for trial in configuration.trials:
        record = records.by_key.get(trial.key)
        if record is None:
            gaps.append(_gap(configuration, trial, "missing"))
        elif record.exit.status != "done":
            gaps.append(_gap(configuration, trial, record.exit.status, record.exit.cause))
        elif trial.key in records.other_data:
            gaps.append(_gap(configuration, trial, "other data", records.other_data[trial.key]))
    return gaps


def _undefined(
    suite: SuiteDeclaration,
    configuration: Configuration,
    records: Sequence[Record | None],
    primary: Score,
) -> list[Gap]:
    """Gaps of seeds whose record is usable but has no value of the primary metric."""
    metric = suite.primary_on(configuration.problem.name)
    none = f"no {metric} on the test split at {ranking_rule(suite)}"
    cause = f"{metric}: {primary.undefined}" if primary.undefined else none
    seeds = zip(configuration.trials, records, primary.values, strict=True)
    return [
        _gap(configuration, t, "undefined", cause)
        for t, r, v in seeds
        if r is not None and v is None
    ]


def _gap(configuration: Configuration, trial: Trial, kind: str, cause: str = "") -> Gap:
    return Gap(
        row=configuration.row,
        title=configuration.title,
        problem=configuration.problem.name,
        setting=configuration.setting,
        seed=trial.seed,
        key=trial.key,
        kind=kind,  # type: ignore[arg-type]  # an exit's status is a kind of gap
        cause=cause,
    )


def _choose(
    suite: SuiteDeclaration,
    select: Select,
    configurations: Sequence[Configuration],
    records: SuiteRecords,
) -> Choice:
    """Choose the setting of the best mean validation score, among those that have all seeds.

    Ties go to the setting that the suite names first. A setting alone needs no validation score.
    """
    metric = select.by or suite.primary_on(configurations[0].problem.name)
    sign = 1 if better(metric) == "higher" else -1
    candidates = []
    for configuration in configurations:
        usable = [records.usable(trial) for trial in configuration.trials]
        values = [value(record, select.on, select.epoch, metric) for record in usable]
        known = [v for v in values if v is not None]
        is_complete = len(known) == len(values)
        ratio = test_ratio(usable, select.on)
        mean = (
            metric_estimate(metric, known, alpha=suite.alpha, test_ratio=ratio)
            if is_complete
            else None
        )
        candidates.append(Candidate(configuration.setting, mean, configuration.trials))
    # The negative index makes `max` choose the first of several settings with equal means.
    merits = [(sign * c.score.mean, -i) for i, c in enumerate(candidates) if c.score is not None]
    alone = None if candidates[1:] else 0
    chosen = -max(merits)[1] if merits else alone
    return Choice(metric, select.epoch, tuple(candidates), chosen)
