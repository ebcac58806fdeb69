"""The reference page on the command line, generated from the typer application."""

from __future__ import annotations

from collections.abc import Iterator
from enum import EnumMeta
from typing import Any

import typer.main

from evenhand.cli.app import app
from evenhand_docs.docstrings import prose
from evenhand_docs.markup import page, table


def command_line() -> str:
    """Every command with its arguments and options."""
    intro = (
        "`evenhand --help` prints the list of commands and `evenhand COMMAND --help` the options "
        "of one. A mistake in a suite or an option ends with exit code 2 and a message that gives "
        "the place, the wrong value and a correction."
    )
    found = list(commands("evenhand", typer.main.get_command(app)))
    rows = [(f"[`{path}`](#{_slug(path)})", prose(_first(c))) for path, c in found]
    parts = [_command(path, command) for path, command in found]
    return page("Command line", intro, table(("command", "what it does"), rows), *parts)


def commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command below this one with its full name, such as `evenhand data list`."""
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, inner in command.commands.items():
        yield from commands(f"{path} {name}", inner)


def _command(path: str, command: Any) -> str:
    options = [p for p in command.params if "--help" not in p.opts]
    usage = " ".join([path, *(_argument(p) for p in options if p.param_type_name == "argument")])
    lines = [f"## `{path}`", prose(_help(command)), f"```shell\n{usage} [OPTIONS]\n```"]
    if options:
        rows = [(_name(p), _meaning(p), _default(p)) for p in options]
        lines.append(table(("argument or option", "meaning", "default"), rows))
    return "\n\n".join(lines)


def _argument(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name).strip("{}[]").upper().replace("|", "|")
    return name if parameter.required else f"[{name}]"


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_argument(parameter)}`"
    shown = " / ".join([*parameter.opts, *parameter.secondary_opts])
    takes = "" if parameter.is_flag else f" {parameter.metavar or _type(parameter)}"
    return f"`{shown}{takes}`"


def _meaning(parameter: Any) -> str:
    """Help text of a parameter, with its values where these are an enumeration."""
    described = getattr(parameter, "type_descriptor", None)
    kind = described.annotation if described else None
    if not isinstance(kind, EnumMeta) or "One of" in (parameter.help or ""):
        return prose(parameter.help or "")
    values = ", ".join(f"`{member.value}`" for member in kind)
    return f"{prose(parameter.help or '')} One of {values}."


def _type(parameter: Any) -> str:
    """Name of a parameter's type, such as `INT`."""
    # Typer stores the type of its own options in `type_descriptor` instead of `type`.
    described = getattr(parameter, "type_descriptor", None)
    name = described.annotation.__name__ if described else parameter.type.name
    return str(name).upper()


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.default in (None, False, (), []) or callable(parameter.default):
        return ""
    return f"`{parameter.default}`"


def _help(command: Any) -> str:
    return " ".join((command.help or "").split())


def _first(command: Any) -> str:
    return (command.help or "").strip().partition("\n")[0]


def _slug(path: str) -> str:
    return path.replace(" ", "-")
