"""Start of the command line: its signals, its output, and the treatment of errors."""

from __future__ import annotations

import atexit
import gc
import sys
import traceback

from evenhand.cli.signals import stop_once
from evenhand.cli.streams import OutputLost, prepare_streams
from evenhand.ending import RUN_STOPPED, ExitCode


def main() -> None:
    """Run the command line. `ExitCode` has the exit codes; only a bug is shown as a traceback."""
    arguments = sys.argv[1:]
    # Else the interpreter looks for cycles among all objects of torch and Ray before it ends, which
    # takes more than a second.
    atexit.register(gc.freeze)
    prepare_streams(goes_on=arguments[:1] == ["run"])
    stop_once()
    try:
        code = _code(arguments)
        if code == ExitCode.STOPPED:
            print(_stopped(arguments), file=sys.stderr)
        sys.stdout.flush()
    except OutputLost as lost:
        # The reader of `evenhand list methods | head` has seen enough.
        code = ExitCode.DONE if lost.is_closed_pipe else ExitCode.UNWRITTEN
        if code:
            print(lost, file=sys.stderr)
    if code is not None:
        sys.exit(code)


def _code(arguments: list[str]) -> int | None:
    """Run a command; its exit code, and None where it was done at once."""
    try:
        if not _list_at_once(arguments):
            from evenhand.cli.app import app

            app(prog_name="evenhand")
    except OutputLost:
        raise
    except KeyboardInterrupt:
        return ExitCode.STOPPED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode(bool(end.code))
    except Exception as error:
        return _explain(error)
    return None


def _explain(error: Exception) -> int:
    """Print an error; its exit code."""
    # Imported here, so that `evenhand list` starts without it.
    from evenhand.errors import ClusterLost, EvenhandError

    if not isinstance(error, EvenhandError):
        traceback.print_exception(error)
        return ExitCode.BUG
    from evenhand.cli.output import errors

    errors().print(str(error), style="red", highlight=False, soft_wrap=True)
    return ExitCode.CLUSTER_LOST if isinstance(error, ClusterLost) else ExitCode.REFUSED


def _stopped(arguments: list[str]) -> str:
    if arguments[:1] == ["run"]:
        return RUN_STOPPED
    return "the watch is stopped; a run goes on" if "--watch" in arguments else "stopped"


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
