"""The verbs together, and what becomes of an error."""

from __future__ import annotations

import sys

import typer

from evenhand import __version__
from evenhand.cli import data, listing, plan, report, run, schema, show, status, validate
from evenhand.cli.output import errors
from evenhand.errors import EvenhandError

app = typer.Typer(
    name="evenhand",
    help="An even-handed benchmark of methods for imbalanced learning.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("list")(listing.list_parts)
app.command()(validate.validate)
app.command()(schema.schema)
app.command()(plan.plan)
app.command()(run.run)
app.command()(status.status)
app.command()(report.report)
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


def main() -> None:
    """Run the command line. A user's mistake is told without a traceback; the exit code is 2."""
    try:
        app()
    except EvenhandError as error:
        errors().print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
    except BrokenPipeError:
        # `evenhand list methods | head`: the reader has seen enough.
        sys.stderr.close()
        sys.exit(0)
