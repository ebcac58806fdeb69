"""Lines that `plan`, `run` and `status` share: the store that was read, and what it lacks."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evenhand.cli.output import console, plural, time_left
from evenhand.errors import joined

if TYPE_CHECKING:
    from rich.console import Console

    from evenhand.cli.look import Look
    from evenhand.execution.neighbours import Neighbour
    from evenhand.execution.plan import Plan
    from evenhand.suite.commands import Place
    from evenhand.suite.resolve import Suite


EDITIONS_SHOWN = 4


def print_store(place: Place, records: int, out: Console) -> None:
    """Print the store that was read, and its full path where it has no records."""
    from evenhand.remote.urls import URL

    where = f"store: {place.location} (edition {place.edition}): {plural(records, 'record')}"
    if not records and not URL.match(place.location):
        folder = Path(place.location).expanduser().absolute() / place.edition
        where += f" in {folder}" if folder.is_dir() else f"; there is no folder {folder}"
    out.print(where, soft_wrap=True)


def print_editions(place: Place, out: Console) -> None:
    """Print the editions with records near a store that has none."""
    from evenhand.store.neighbours import editions_near
    from evenhand.suite.commands import Place, store_command

    filled = ((near, len(near.keys())) for near in editions_near(place.location, place.edition))
    for near, n in islice(((near, n) for near, n in filled if n), EDITIONS_SHOWN):
        command = store_command("status", place=Place(near.location, near.edition))
        where = f"{near.location} (edition {near.edition})"
        out.print(f"{where} has {plural(n, 'record')}: `{command}`", style="yellow", soft_wrap=True)


def time_and_rate(look: Look) -> str:
    """The time that is left, and the trials that end in an hour where that is known."""
    left = time_left(*look.left)
    if look.per_hour is None:
        return left
    digits = 0 if look.per_hour >= 10 else 1
    return f"{left}, {look.per_hour:.{digits}f} trials an hour"


def print_without_row(plan: Plan, out: Console) -> None:
    """Print how many missing trials are networks that only other trials need."""
    n = sum(trial.key not in plan.suite.trials for trial in plan.missing)
    if n:
        text = f"teachers and parents: {plural(n, 'missing trial')} without a row"
        out.print(f"{text}, from which trials of rows read", soft_wrap=True)


def print_best_by(suite: Suite) -> None:
    """Print the metric that chooses epochs, where the suite ranks by another one."""
    pairs = {
        (trial.recipe.best_by, suite.declaration.primary_on(configuration.problem.name))
        for configuration in suite.configurations
        for trial in configuration.trials
    }
    others: dict[str, list[str]] = {}
    for metric, primary in sorted(pair for pair in pairs if _goal(pair[0]) != _goal(pair[1])):
        others.setdefault(metric, []).append(primary)
    for metric, primaries in others.items():
        console().print(
            f"best-val and best-test choose epochs by {metric}, and the suite ranks by "
            f"{joined(primaries, 'or')}; `best_by` in the recipe chooses another metric of counts, "
            "and the trials then have other keys",
            soft_wrap=True,
        )


def _goal(metric: str) -> str:
    """The metric, or the one of which it is the complement to 1: both choose the same epoch."""
    return {"worst_class_error": "min_recall"}.get(metric, metric.replace("error", "accuracy"))


def print_unscored(plan: Plan, out: Console) -> None:
    """Print how many finished trials a run completes by metrics of their kept logits."""
    if plan.unscored:
        what = "a run computes their metrics of logits from the kept logits, without training"
        out.print(f"{plural(len(plan.unscored), 'finished trial')}: {what}", soft_wrap=True)


def print_missing(plan: Plan, place: Place, out: Console) -> None:
    """Print why records are not used, and where other records of the missing trials are."""
    from evenhand.execution.neighbours import find_neighbours

    for reason, n in plan.reasons.items():
        verb = "has a record" if n == 1 else "have records"
        text = f"{plural(n, 'trial')} {verb} of {reason}; not compared"
        out.print(text, style="yellow", soft_wrap=True)
    for neighbour in find_neighbours(plan):
        out.print(_elsewhere(plan, neighbour, place), style="yellow", soft_wrap=True)


def _elsewhere(plan: Plan, neighbour: Neighbour, place: Place) -> str:
    from evenhand.suite.commands import suite_command

    near = place._replace(location=neighbour.location, edition=neighbour.edition)
    where = f"{neighbour.location} (edition {neighbour.edition})"
    n = neighbour.trials
    found = [f"records of {plural(n, 'missing trial')}"] if n else []
    found += [
        f"{plural(n, 'record')} of {reason}, not compared" for reason, n in neighbour.stale.items()
    ]
    if neighbour.unread:
        n = neighbour.unread
        verb = "was" if n == 1 else "were"
        found.append(f"{plural(n, 'further record')} that {verb} not read")
    command = suite_command("plan", plan.suite, place=near)
    return f"{where} has {'; '.join(found)}: `{command}`"


def neighbours_as_json(plan: Plan) -> list[dict[str, Any]]:
    """The editions nearby that have records of missing trials, for `--json`."""
    from evenhand.execution.neighbours import find_neighbours

    return [dict(vars(neighbour)) for neighbour in find_neighbours(plan)]


def print_blocked(plan: Plan, place: Place) -> None:
    """Print each trial that cannot run, and what to do."""
    from evenhand.suite.commands import store_command, suite_command

    for blocked in plan.blocked:
        text = f"blocked: {plan.label(blocked.trial)}: {blocked.cause}"
        console().print(text, style="yellow", soft_wrap=True)
    failed = [blocked.parent for blocked in plan.blocked if blocked.parent]
    if failed:
        show = store_command("show", failed[0][:8], place=place)
        again = suite_command("run", plan.suite, "--retry-failed", place=place)
        text = f"`{show}` prints the cause; when it is corrected, `{again}` runs them"
        console().print(text, style="yellow", soft_wrap=True)
    if len(failed) < len(plan.blocked):
        again = suite_command("run", plan.suite, place=place)
        text = f"when the place of a record can be read and written, `{again}` runs its trial"
        console().print(text, style="yellow", soft_wrap=True)
