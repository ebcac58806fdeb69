"""The provenance of a number: its commit, device and packages, and the command that reruns it.

A record may be somebody else's. Of the files that its command names, only a plugin runs code: a
command here has the plugins that this process has loaded, and `FILE` in place of any other.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from evenhand.declared.plugin import loaded_plugins
from evenhand.declared.record import Record
from evenhand.errors import SpecError
from evenhand.suite.commands import Place, python_call, source_command, store_command, suite_command
from evenhand.suite.only import Only, setting_beside, term, terms
from evenhand.suite.resolve import Configuration, Suite

RERUN_FOLDER = "rerun"
"""A new results folder: in the old one, a trial that has a record would not run again."""

PYTHON_CALL = python_call("run").rstrip(")")
"""How the recorded command of a suite that was built in Python begins."""

PLUGIN_FILE = "FILE"
"""Stands for a plugin that a record names and this process has not loaded."""

PROGRAMS = ("evenhand", "__main__.py")

SUITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

_TEXT = r"'[^'\\]*'"
_VALUE = rf"(?:{_TEXT}|\({_TEXT}, {_TEXT}\)|[\w.]+)"
_STORE = rf"evenhand\.open_store\((?:(?:\w+=)?{_VALUE}(?:, )?)*\)"
PYTHON = re.compile(rf"evenhand\.run\(suite(?:, (?:\w+=)?(?:{_STORE}|{_VALUE}))*\)")
"""The recorded command of a suite that was built in Python."""

FLAGS = {"--inline", "--retry-failed", "--json", "--ship-code", "--compile", "--no-compile"}
"""Options of `evenhand run` that take no value."""


class RunCommand(NamedTuple):
    """The arguments of a recorded `evenhand run` that a rerun needs."""

    suite: str
    """As the user named it; "" where the command is not an `evenhand run`."""

    plugins: tuple[str, ...]
    data: str = ""
    """The folder of prepared data sets; "" for the default."""
    changes: tuple[str, ...] = ()
    """The changes of `--set`."""
    is_separated: bool = False
    """Whether the run added seeds to two rows, by `--until-separated`."""


def rerun(record: Record) -> str:
    """The command that reruns one trial: `evenhand run SUITE --only key=… --results rerun`."""
    found = parse_command(record)
    suite = found.suite
    if not suite and not record.provenance.command.startswith(PYTHON_CALL):
        name = record.provenance.suite.partition(" ")[0]
        suite = name if SUITE_NAME.fullmatch(name) else "SUITE"
    # The suite by itself has no trial at a further seed.
    seeds = (f"seeds=[{record.trial.seed}]",) if found.is_separated else ()
    return _rerun(suite, [f"key={record.key}"], [found], (*found.changes, *seeds))


def rerun_suite(
    source: str, only: Sequence[str], records: Iterable[Record], changes: Sequence[str] = ()
) -> str:
    """The command that reruns a suite or a part of it: `evenhand run SUITE --results rerun`."""
    return _rerun(source, only, [parse_command(record) for record in records], changes)


def _rerun(
    source: str, only: Sequence[str], commands: Sequence[RunCommand], changes: Sequence[str]
) -> str:
    """The command with the plugins and the data of the recorded commands."""
    if not source:
        call = python_call("run", place=Place(RERUN_FOLDER))
        return f"{call}  # the suite was built in Python"
    folder = _folder(commands)
    words = [*(["--data", folder] if folder else []), "--results", RERUN_FOLDER]
    plugins = dict.fromkeys(_named(path) for command in commands for path in command.plugins)
    return source_command("run", source, *words, only=only, plugins=plugins, changes=changes)


def _named(plugin: str) -> str:
    """A plugin of a record as the user has named it in this process; `FILE` if it is not loaded."""
    loaded = {found.file: found.path for found in loaded_plugins()}
    return loaded.get(str(Path(plugin).resolve()), PLUGIN_FILE) if plugin else PLUGIN_FILE


def recorded_command(record: Record) -> str:
    """The command of a record, with `FILE` for plugins that this process has not loaded.

    "" for a text that is no command of this package. `evenhand show KEY --json` has the whole text.
    """
    command = record.provenance.command
    if PYTHON.fullmatch(command):
        return command
    words = _words(command)
    if not words:
        return ""
    for i, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name == "--plugin" and equals:
            words[i] = f"{name}={_named(value)}"
        elif i and words[i - 1] == "--plugin":
            words[i] = _named(word)
    return shlex.join(["evenhand", "run", *words])


def run_missing(suite: Suite, records: Iterable[Record], *, location: str, edition: str) -> str:
    """The command that runs the missing trials of a suite into the store that a report reads."""
    folder = _folder([parse_command(record) for record in records])
    return suite_command("run", suite, place=Place(location, edition, folder))


def list_keys(suite: Suite, *, location: str, edition: str) -> str:
    """The command that lists the keys of the trials in a report."""
    place = Place(location, edition)
    if suite.source:
        return suite_command("status", suite, "--keys", place=place)
    return store_command("status", "--keys", place=place)


def rerun_configuration(
    source: str,
    configuration: Configuration,
    records: Sequence[Record | None],
    changes: Sequence[str] = (),
) -> str:
    """The command that reruns every seed of a configuration.

    `evenhand run SUITE --only 'row=vs(tau=1.25),problem=…' --results rerun`. The commands in the
    configuration's records name the plugins that it needs.
    """
    found = [parse_command(record) for record in records if record is not None]
    text = ",".join([*_terms(configuration), f"problem={configuration.problem.name}"])
    if not _finds(text, configuration):
        text = ",".join(f"key={trial.key}" for trial in configuration.trials)
    return _rerun(source, [text], found, changes)


def _terms(configuration: Configuration) -> list[str]:
    """The row, and the settings that distinguish the configurations of one row."""
    return [term("row", configuration.row), *filter(None, terms(setting_beside(configuration)))]


def _finds(text: str, configuration: Configuration) -> bool:
    """Whether a filter matches all trials: a value with commas or brackets may be misread."""
    try:
        only = Only.parse(text)
    except SpecError:
        return False
    return len(only.trials(configuration)) == len(configuration.trials)


def _folder(commands: Sequence[RunCommand]) -> str | None:
    """The `--data` of the records' commands, where all that have one agree."""
    folders = {command.data for command in commands if command.data}
    return folders.pop() if len(folders) == 1 else None


def parse_command(record: Record) -> RunCommand:
    """The suite, the plugins, the data and the changes of the command that made the record."""
    return _parsed(record.provenance.command)


@lru_cache(maxsize=1 << 15)
def _parsed(command: str) -> RunCommand:
    """A command, which thousands of records share."""
    # Typer's own parser would need the command line's module, which is above the reports.
    suite, plugins, data, changes, is_separated = "", [], "", [], False
    words = iter(_words(command))
    for word in words:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            suite = suite or word
        elif name == "--until-separated":
            is_separated = True
            # Two values, of which the first may be joined to the option.
            next(words, "")
            _ = equals or next(words, "")
        elif word not in FLAGS:
            value = value if equals else next(words, "")
            plugins += [value] if name == "--plugin" else []
            data = value if name == "--data" else data
            changes += [value] if name == "--set" else []
    return RunCommand(suite, tuple(plugins), data, tuple(changes), is_separated)


def _words(command: str) -> list[str]:
    """The arguments after `evenhand run`, by any path of the program; none for another command."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    is_ours = words[1:2] == ["run"] and Path(words[0]).name in PROGRAMS
    return words[2:] if is_ours else []


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
        ("command", counted(map(recorded_command, records))),
        ("packages", [(f"{name} {v}", n) for (name, v), n in sorted(packages.items())]),
    ]
    return [(name, values) for name, values in found if values]
