"""`evenhand show KEY`: the record of one trial."""

from __future__ import annotations

from json import loads as json_of
from typing import TYPE_CHECKING, Annotated

import typer

from evenhand.cli.options import AsJson, Changes, Edition, Plugins, Results, open_part
from evenhand.cli.output import console, print_json, print_text
from evenhand.errors import StoreError

if TYPE_CHECKING:
    from evenhand.suite.resolve import Suite


def show(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="The key of a trial, or its first characters.")
    ],
    results: Results = "results",
    edition: Edition = "main",
    suite: Annotated[
        str | None,
        typer.Option(metavar="SUITE", help="The suite of a trial that has no record yet."),
    ] = None,
    changes: Changes = None,
    plugin: Plugins = None,
    json: AsJson = False,
) -> None:
    """Print one trial: its specification, scores, cost and provenance.

    With `--suite`, a trial without a record is printed as it would run: the epochs of its stages
    and drops of the learning rate, and the expected steps and updates.
    """
    from evenhand.store import Store
    from evenhand.suite.commands import Place, store_command
    from evenhand_reports.board import provenance
    from evenhand_reports.formats import trial

    if changes and suite is None:
        raise StoreError("--set changes a suite, and show was given none\n  name it: --suite SUITE")
    store = Store.open(results, edition)
    keys = [known for known in store.heads() if known.startswith(key)]
    if suite is not None and not keys:
        opened = open_part(suite, None, plugin, changes)
        if _show_planned(key, opened, json=json):
            return
    damaged = [fault for fault in store.faults if key in fault.path]
    if not keys and damaged:
        raise StoreError(f"{damaged[0]}\n  {damaged[0].advice}")
    if len(keys) != 1:
        found = "no record has" if not keys else f"{len(keys)} records have"
        what = f"{store.location}: {found} a key that begins with {key!r}"
        of = [suite] if suite else []
        command = store_command("status", *of, "--keys", place=Place(results, edition))
        raise StoreError(f"{what}\n  `{command}` lists the keys")
    record = store.read(keys[0])
    if json:
        # In ASCII: a terminal would obey control characters of a record.
        print_json(json_of(record.model_dump_json()))
        return
    console().print(trial.render(record))
    # Without rich, which would wrap the line: a command is there to be copied.
    print_text(provenance.rerun(record))


def _show_planned(key: str, suite: Suite, *, json: bool) -> bool:
    """Print the trial of a suite with this key; false if not exactly one has it."""
    from evenhand.suite.standstill import expected_stages
    from evenhand_reports.formats import trial

    given = suite.trials.values()
    trials = {
        t.key: t for each in given for t in (each, each.parent) if t and t.key.startswith(key)
    }
    if len(trials) != 1:
        return False
    [planned] = trials.values()
    stages = expected_stages(planned)
    if json:
        fields = planned.model_dump(mode="json")
        expected = [stage.model_dump(mode="json") for stage in stages]
        print_json({"key": planned.key, "trial": fields, "expected_stages": expected})
        return True
    console().print(trial.render_planned(planned, stages))
    return True
