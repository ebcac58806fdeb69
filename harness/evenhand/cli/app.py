"""The command line with all its commands."""

from __future__ import annotations

import typer

from evenhand import __version__
from evenhand.cli import (
    data,
    export,
    listing,
    new,
    plan,
    report,
    run,
    schema,
    show,
    status,
    validate,
)

app = typer.Typer(
    name="evenhand",
    help="An even-handed benchmark of methods for imbalanced learning.",
    no_args_is_help=True,
    # Help in plain text: rich needs as long to import as everything else that `--help` does.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("list")(listing.list_parts)
app.command()(new.new)
app.command()(validate.validate)
app.command()(schema.schema)
app.command()(plan.plan)
app.command()(run.run)
app.command()(status.status)
app.command()(report.report)
app.command()(export.export)
app.command()(show.show)
app.add_typer(data.app, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"evenhand {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """An even-handed benchmark of methods for imbalanced learning."""
