"""`evenhand show KEY`: the record of one trial."""

from __future__ import annotations

from typing import Annotated

import typer

from evenhand.cli.options import AsJson, Edition, Results
from evenhand.cli.output import console
from evenhand.errors import StoreError


def show(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="The key of a trial, or its first characters.")
    ],
    results: Results = "results",
    edition: Edition = "main",
    json: AsJson = False,
) -> None:
    """Print one trial: its specification, scores, cost and provenance."""
    from evenhand.store import Store
    from evenhand.suite.commands import Place, store_command
    from evenhand_reports.board import provenance
    from evenhand_reports.formats import trial

    store = Store.open(results, edition)
    keys = [known for known in store.heads() if known.startswith(key)]
    damaged = [fault for fault in store.faults if key in fault.path]
    if not keys and damaged:
        raise StoreError(f"{damaged[0]}\n  run its suite again, which trains it again")
    if len(keys) != 1:
        found = "no record has" if not keys else f"{len(keys)} records have"
        what = f"{store.location}: {found} a key that begins with {key!r}"
        command = store_command("status", "--keys", place=Place(results, edition))
        raise StoreError(f"{what}\n  `{command}` lists the keys")
    record = store.read(keys[0])
    if json:
        print(record.model_dump_json(indent=2))
        return
    console().print(trial.render(record))
    # Without rich, which would wrap the line: a command is there to be copied.
    print(provenance.rerun(record))
