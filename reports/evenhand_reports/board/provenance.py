"""The provenance of a number: its commit, device and packages, and the command that reruns it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from evenhand.declared.record import Record
from evenhand.errors import SpecError
from evenhand.suite.commands import Place, suite_command
from evenhand.suite.only import Only, setting_beside, term, terms
from evenhand.suite.resolve import Configuration, Suite

RERUN_FOLDER = "rerun"
"""A new results folder: in the old one, a trial that has a record would not run again."""

PYTHON_CALL = "evenhand.run("
"""How the recorded command of a suite that was built in Python begins."""

FLAGS = {"--inline", "--retry-failed", "--json"}
"""Options of `evenhand run` that take no value."""


class RunCommand(NamedTuple):
    """The arguments of a recorded `evenhand run` that a rerun needs."""

    suite: str
    """As the user named it; "" where the command is not an `evenhand run`."""

    plugins: tuple[str, ...]
    data: str = ""
    """The folder of prepared data sets; "" for the default."""


def rerun(record: Record) -> str:
    """The command that reruns one trial: `evenhand run SUITE --only key=… --results rerun`."""
    found = parse_command(record)
    suite = found.suite
    if not suite and not record.provenance.command.startswith(PYTHON_CALL):
        suite = record.provenance.suite.partition(" ")[0] or "SUITE"
    more = ["--only", f"key={record.key}", *_data(found.data), "--results", RERUN_FOLDER]
    return _command(suite, found.plugins, *more)


def _data(folder: str) -> list[str]:
    return ["--data", folder] if folder else []


def rerun_suite(source: str, records: Iterable[Record], *more: str) -> str:
    """The command that runs a suite: `evenhand run SUITE --plugin FILE --data FOLDER`."""
    found = [parse_command(record) for record in records]
    return _command(source, _plugins(found), *_folder(found), *more)


def run_missing(suite: Suite, records: Iterable[Record], *, location: str, edition: str) -> str:
    """The command that runs the missing trials of a suite into the store that a report reads."""
    folder = _folder([parse_command(record) for record in records])
    place = Place(location, edition, folder[-1] if folder else None)
    return suite_command("run", suite, place=place)


def rerun_configuration(
    source: str, configuration: Configuration, records: Sequence[Record | None]
) -> str:
    """The command that reruns every seed of a configuration.

    `evenhand run SUITE --only 'row=vs(tau=1.25),problem=…' --results rerun`. The commands in the
    configuration's records name the plugins that it needs.
    """
    found = [parse_command(record) for record in records if record is not None]
    plugins = _plugins(found)
    text = ",".join([*_terms(configuration), f"problem={configuration.problem.name}"])
    if not _finds(text, configuration):
        text = ",".join(f"key={trial.key}" for trial in configuration.trials)
    return _command(source, plugins, "--only", text, *_folder(found), "--results", RERUN_FOLDER)


def _terms(configuration: Configuration) -> list[str]:
    """The row, and the settings that distinguish the configurations of one row."""
    return [term("row", configuration.row), *filter(None, terms(setting_beside(configuration)))]


def _finds(text: str, configuration: Configuration) -> bool:
    """Whether a filter matches all trials: a value with commas or brackets may be misread."""
    try:
        only = Only.parse(text)
    except SpecError:
        return False
    return all(only.holds(configuration, trial) for trial in configuration.trials)


def _plugins(commands: Iterable[RunCommand]) -> tuple[str, ...]:
    """Every plugin of the records' commands, once."""
    return tuple(dict.fromkeys(path for command in commands for path in command.plugins))


def _folder(commands: Sequence[RunCommand]) -> list[str]:
    """The `--data` of the records' commands, where all that have one agree."""
    folders = {command.data for command in commands if command.data}
    return _data(folders.pop()) if len(folders) == 1 else []


def _command(suite: str, plugins: Sequence[str], *more: str) -> str:
    """The command line; the call in Python for a suite that has no file."""
    if not suite:
        return f'{PYTHON_CALL}suite, "{RERUN_FOLDER}")  # the suite was built in Python'
    given = [word for path in plugins for word in ("--plugin", path)]
    return shlex.join(["evenhand", "run", suite, *given, *more])


def parse_command(record: Record) -> RunCommand:
    """The suite and the plugins of the command that made the record."""
    # Typer's own parser would need the command line's module, which is above the reports.
    suite, plugins, data = "", [], ""
    words = iter(_words(record.provenance.command))
    for word in words:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            suite = suite or word
        elif word not in FLAGS:
            value = value if equals else next(words, "")
            plugins += [value] if name == "--plugin" else []
            data = value if name == "--data" else data
    return RunCommand(suite, tuple(plugins), data)


def _words(command: str) -> list[str]:
    """The arguments after `evenhand run`; none for another command."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return words[2:] if words[1:2] == ["run"] else []


def device(record: Record) -> str:
    """The GPU, for example `NVIDIA H100`; the processor where no GPU was used."""
    found = record.provenance
    return found.gpu or found.cpu or found.device


def commit(record: Record) -> str:
    """Twelve digits of the commit, followed by `+` if there were uncommitted changes."""
    found = record.provenance
    return f"{found.commit[:12]}{'+' if found.dirty else ''}" if found.commit else "unknown"


def environments(records: Sequence[Record]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Every commit, device, host, command and package version, with its number of records."""

    def counted(values: Iterable[str]) -> list[tuple[str, int]]:
        return Counter(value for value in values if value).most_common()

    packages = Counter(p for r in records for p in r.provenance.versions.items())
    found = [
        ("commit (+: with uncommitted changes)", counted(map(commit, records))),
        ("device", counted(map(device, records))),
        ("host", counted(r.provenance.host for r in records)),
        ("command", counted(r.provenance.command for r in records)),
        ("packages", [(f"{name} {v}", n) for (name, v), n in sorted(packages.items())]),
    ]
    return [(name, values) for name, values in found if values]
