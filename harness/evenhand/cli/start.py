"""Start of the command line, and the treatment of errors."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. A user's mistake is shown without a traceback; the exit code is 2."""
    try:
        if not _list_at_once(sys.argv[1:]):
            from evenhand.cli.app import app

            app(prog_name="evenhand")
    except BrokenPipeError:
        # The reader of `evenhand list methods | head` has closed the pipe.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        # Imported here, so that `evenhand list` starts without it.
        from evenhand.errors import EvenhandError

        if not isinstance(error, EvenhandError):
            raise
        from evenhand.cli.output import errors

        errors().print(str(error), style="red", highlight=False, soft_wrap=True)
        sys.exit(2)


def _list_at_once(arguments: list[str]) -> bool:
    """Print `evenhand list KIND [--json]`; False where the command line is anything else.

    Typer needs 0.1 s to parse a command, which is more than the rest of `evenhand list` takes.
    Every other form, including a wrong kind and `--plugin`, is left to typer.
    """
    from evenhand.cli.index import Kind

    match arguments:
        case ["list", kind] | ["list", kind, "--json"] if kind in {*Kind}:
            from evenhand.cli.tables import print_parts

            print_parts(kind, json="--json" in arguments)
            return True
    return False
