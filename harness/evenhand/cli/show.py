"""`evenhand show KEY`: one trial, whole."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from evenhand.cli.options import AsJson, Edition, Results
from evenhand.cli.output import console
from evenhand.errors import StoreError


def show(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A trial's key, or how it begins.")],
    results: Results = "results",
    edition: Edition = "main",
    json: AsJson = False,
) -> None:
    """Show one trial: its spec, scores, cost and where it ran."""
    from evenhand.store import Store
    from evenhand_reports.board import provenance
    from evenhand_reports.formats import trial

    store = Store.open(results, edition)
    keys = [known for known in store.heads() if known.startswith(key)]
    torn = [fault for fault in store.faults if key in fault.path]
    if not keys and torn:
        raise StoreError(f"{torn[0]}\n  `evenhand run` trains it again")
    if len(keys) != 1:
        said = "no record's key begins" if not keys else f"{len(keys)} records' keys begin"
        raise StoreError(f"{store.location}: {said} with {key!r}\n  {_where(results, edition)}")
    record = store.read(keys[0])
    if json:
        print(record.model_dump_json(indent=2))
        return
    console().print(trial.render(record))
    # Never wrapped: a command is there to be copied.
    print(provenance.rerun(record))


def _where(results: str, edition: str) -> str:
    """The command that lists every key."""
    given = ["--results", results] if results != "results" else []
    given += ["--edition", edition] if edition != "main" else []
    return f"`{shlex.join(['evenhand', 'status', '--keys', *given])}` lists what is there"
