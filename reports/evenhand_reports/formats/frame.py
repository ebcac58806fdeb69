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
from evenhand_reports.board.scores import metrics_of, value
from evenhand_reports.board.suite_trials import SuiteTrials

if TYPE_CHECKING:
    import pandas as pd


PROVENANCE = ("seconds", "device", "gpu", "commit")
SCORE = ("split", "rule", "metric", "better", "value", "epoch")
"""The columns in which the rows of a trial differ."""


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
    return trials_frame(SuiteTrials.read(suite, store))


def trials_frame(trials: SuiteTrials) -> pd.DataFrame:
    """The frame of `to_frame`, from records that have been read."""
    import pandas as pd

    shared, scores, rows_of = list[dict[str, Any]](), list[tuple[Any, ...]](), list[int]()
    for configuration, trial, record in trials:
        found = list(_scores(trials, trial, record))
        rows_of += [len(shared)] * len(found)
        scores += found
        shared.append(_shared(trials, configuration, trial, record))
    names = dict.fromkeys([*shared[0], *SCORE, *(name for row in shared for name in row)])
    # A frame of dictionaries, one for each row, would take ten times the memory.
    left = pd.DataFrame(shared).iloc[rows_of].reset_index(drop=True)
    right = pd.DataFrame(scores, columns=list(SCORE))
    return pd.concat([left, right], axis=1)[_columns(list(names))]


def _columns(found: list[str]) -> list[str]:
    """All columns, with those of one method's settings beside those of another's."""
    place = {name: i for i, name in reversed(list(enumerate(n.partition(".")[0] for n in found)))}
    return sorted(found, key=lambda name: place[name.partition(".")[0]])


def _shared(
    trials: SuiteTrials, configuration: Configuration, trial: Trial, record: Record | None
) -> dict[str, Any]:
    """The columns in which all rows of a trial agree."""
    status, cause = trials.end(trial, record)
    return {
        "suite": trials.suite.suite,
        "version": trials.suite.version,
        "edition": trials.edition,
        "row": configuration.row,
        "title": configuration.title,
        "setting": configuration.setting,
        **_of_trial(trial),
        "status": status,
        "cause": cause,
        **_provenance(record),
    }


def _scores(trials: SuiteTrials, trial: Trial, record: Record | None) -> Iterator[tuple[Any, ...]]:
    """The values of `SCORE` in each row of a trial."""
    usable = trials.records.usable(trial)
    for split, rule in _places(trial, record):
        evaluation = usable.evaluation(split, rule) if usable else None
        epoch = evaluation.epoch if evaluation else None
        for metric in metrics_of(trials.suite):
            found = value(usable, split, rule, metric)
            # A column that holds only None would not be numeric.
            shown = float("nan") if found is None else found
            yield split, rule, metric, better(metric), shown, epoch


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


def _provenance(record: Record | None) -> dict[str, Any]:
    if record is None:
        return dict.fromkeys(PROVENANCE)
    ran = record.provenance
    found = (record.cost.seconds, ran.device, ran.gpu, ran.commit)
    return dict(zip(PROVENANCE, found, strict=True))
