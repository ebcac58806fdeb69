"""Every score of a suite as a tidy pandas frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evenhand.declared.base import Part
from evenhand.declared.record import RULES, Record, Rule, Split
from evenhand.declared.trial import Trial
from evenhand.metrics import better
from evenhand.suite.problems import has_validation
from evenhand.suite.resolve import Configuration, Suite
from evenhand_reports.board.record_source import Records
from evenhand_reports.board.scores import (
    SuiteRecords,
    match_records,
    metrics_of,
    read_records,
    value,
)

if TYPE_CHECKING:
    import pandas as pd


PROVENANCE = ("seconds", "device", "gpu", "commit")


def to_frame(suite: Suite, store: Records) -> pd.DataFrame:
    """One row for each trial × split × checkpoint rule × metric.

    Every trial of the suite is in the frame: where it has no record, has failed, or was trained on
    other data than the other records, its `value` is NaN and its `status` gives the reason.

    Columns:

    suite, version, edition   the suite and the set of records
    row, title, setting       the leaderboard's row, its name in print, and the setting that
                              competes within the row under `select:`
    method, method.SETTING    the method's name, and a column for each of its settings
    posthoc, teacher          post-hoc method and teacher, with their settings; "" without one
    problem                   such as cifar10-exp-100
    problem.dataset, problem.profile, problem.SETTING   settings of data set and profile
    recipe, recipe.FIELD      the recipe's name, and a column for each field
    seed, key                 key is what `evenhand show` takes
    split                     val or test; without validation images there are no rows for val
    rule                      last, best-val or best-test (chosen on test images)
    metric, better            the metric, and whether higher or lower is better
    value                     the score, as a fraction, NLL in nats; NaN where undefined or missing
    epoch                     epochs that the evaluated network was trained for
    status, cause             done, missing, failed, diverged, interrupted or "other data" (the data
                              differ from those of the other records), and why
    seconds, device, gpu, commit   cost and provenance

    Raises `StoreError` where the store cannot be read.
    """
    import pandas as pd

    records = match_records(suite, read_records(suite, store))
    rows = [
        row
        for configuration in suite.configurations
        for trial in configuration.trials
        for row in _rows(suite, configuration, trial, records, store.edition)
    ]
    return pd.DataFrame(rows)[_columns(rows)]


def _columns(rows: list[dict[str, Any]]) -> list[str]:
    """All columns, with those of one method's settings beside those of another's."""
    found = list(dict.fromkeys(name for row in rows for name in row))
    place = {name: i for i, name in reversed(list(enumerate(n.partition(".")[0] for n in found)))}
    return sorted(found, key=lambda name: place[name.partition(".")[0]])


def _rows(
    suite: Suite, configuration: Configuration, trial: Trial, records: SuiteRecords, edition: str
) -> Iterator[dict[str, Any]]:
    declared, record = suite.declaration, records.by_key.get(trial.key)
    ended = _of_record(record)
    if trial.key in records.other_data:
        ended |= {"status": "other data", "cause": records.other_data[trial.key]}
    shared = {
        "suite": declared.suite,
        "version": declared.version,
        "edition": edition,
        "row": configuration.row,
        "title": configuration.title,
        "setting": configuration.setting,
        **_of_trial(trial),
        **ended,
    }
    usable = records.usable(trial)
    for split, rule in _places(trial, record):
        evaluation = usable.evaluation(split, rule) if usable else None
        for metric in metrics_of(declared):
            found = value(usable, split, rule, metric)
            yield shared | {
                "split": split,
                "rule": rule,
                "metric": metric,
                "better": better(metric),
                # A column that holds only None would not be numeric.
                "value": float("nan") if found is None else found,
                "epoch": evaluation.epoch if evaluation else None,
            }


def _places(trial: Trial, record: Record | None) -> list[tuple[Split, Rule]]:
    """Splits and checkpoint rules at which the trial is evaluated.

    Whether the files of a data set hold a validation split is known from a record of the trial.
    """
    if record is not None and record.exit.status == "done":
        return [(evaluation.split, evaluation.rule) for evaluation in record.evaluations]
    if not has_validation(trial.problem):
        return [("test", "last"), ("test", "best-test")]
    return [("val", "last"), ("val", "best-val"), *(("test", rule) for rule in RULES)]


def _of_trial(trial: Trial) -> dict[str, Any]:
    problem, recipe = trial.problem, trial.recipe
    own, profile = problem.dataset.settings, problem.profile.settings
    # A data set and a profile may have a setting of one name.
    taken = own.keys() | {"dataset", "profile", "n_max"}
    profile = {f"profile.{k}" if k in taken else k: v for k, v in profile.items()}
    fields = {k: v for k, v in recipe if k != "name"}
    return {
        "method": trial.method.name,
        **_settings("method", trial.method.settings),
        "posthoc": str(trial.posthoc or ""),
        "teacher": str(trial.teacher.method) if trial.teacher else "",
        "problem": problem.name,
        "problem.dataset": problem.dataset.name,
        "problem.profile": problem.profile.name,
        **_settings("problem", {**own, **profile}),
        "problem.n_max": problem.n_max,
        "recipe": recipe.name,
        **_settings("recipe", fields),
        "seed": trial.seed,
        "key": trial.key,
    }


def _settings(of: str, values: dict[str, Any]) -> dict[str, Any]:
    return {f"{of}.{name}": _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """A number, a text or None unchanged; any other value as text, since pandas groups by text."""
    if isinstance(value, tuple) and all(isinstance(item, Part) for item in value):
        return ", ".join(map(str, value))
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _of_record(record: Record | None) -> dict[str, Any]:
    if record is None:
        return {"status": "missing", "cause": "", **dict.fromkeys(PROVENANCE)}
    ran = record.provenance
    found = (record.cost.seconds, ran.device, ran.gpu, ran.commit)
    ended = {"status": record.exit.status, "cause": record.exit.cause}
    return ended | dict(zip(PROVENANCE, found, strict=True))
