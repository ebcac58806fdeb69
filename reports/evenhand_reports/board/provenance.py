"""Where a number comes from: the trial behind it and the command that makes it again."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from evenhand.declared.record import Record
from evenhand.errors import SpecError
from evenhand.suite.only import Only, setting_beside, term, terms
from evenhand.suite.resolve import Configuration

AGAIN = "rerun"
"""A results folder of its own: what a store holds already is never computed twice."""

ALONE = {"--inline", "--retry-failed", "--json"}
"""Options of `evenhand run` that take no value."""


class Asked(NamedTuple):
    """What a recorded command ran: the suite as the user called it, "" where nobody knows."""

    suite: str
    plugins: tuple[str, ...]


def rerun(record: Record) -> str:
    """The one trial again: `evenhand run SUITE --only key=… --results rerun`."""
    found = asked(record)
    suite = found.suite or record.provenance.suite.partition(" ")[0] or "SUITE"
    return _command(suite, found.plugins, "--only", f"key={record.key}", "--results", AGAIN)


def rerun_suite(source: str, records: Iterable[Record]) -> str:
    """What is missing of the whole suite: `evenhand run SUITE --plugin FILE`."""
    return _command(source, _plugins(records))


def rerun_configuration(
    source: str, configuration: Configuration, records: Sequence[Record | None]
) -> str:
    """Every seed again: `evenhand run SUITE --only 'row=vs(tau=1.25),problem=…' --results …`.

    records  what the configuration's trials left: their commands say which plugins it takes
    """
    plugins = _plugins(record for record in records if record is not None)
    text = ",".join([*_terms(configuration), f"problem={configuration.problem.name}"])
    if not _finds(text, configuration):
        text = ",".join(f"key={trial.key}" for trial in configuration.trials)
    return _command(source, plugins, "--only", text, "--results", AGAIN)


def _terms(configuration: Configuration) -> list[str]:
    """The row, and what tells the configuration apart where a row does not say it whole."""
    return [term("row", configuration.row), *filter(None, terms(setting_beside(configuration)))]


def _finds(text: str, configuration: Configuration) -> bool:
    """Values that hold commas or brackets may read as something else."""
    try:
        only = Only.parse(text)
    except SpecError:
        return False
    return all(only.holds(configuration, trial) for trial in configuration.trials)


def _plugins(records: Iterable[Record]) -> tuple[str, ...]:
    """Every plugin of the commands that left the records, once."""
    return tuple(dict.fromkeys(path for record in records for path in asked(record).plugins))


def _command(suite: str, plugins: Sequence[str], *more: str) -> str:
    given = [word for path in plugins for word in ("--plugin", path)]
    return shlex.join(["evenhand", "run", suite, *given, *more])


def asked(record: Record) -> Asked:
    """The suite and the plugins of the command that left the record."""
    suite, plugins = "", []
    words = iter(_words(record.provenance.command))
    for word in words:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            suite = suite or word
        elif word not in ALONE:
            value = value if equals else next(words, "")
            plugins += [value] if name == "--plugin" else []
    return Asked(suite, tuple(plugins))


def _words(command: str) -> list[str]:
    """What follows `evenhand run`; nothing where it was another command."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return words[2:] if words[1:2] == ["run"] else []


def device(record: Record) -> str:
    """`NVIDIA H100`, or the processor where no GPU was used."""
    found = record.provenance
    return found.gpu or found.cpu or found.device


def commit(record: Record) -> str:
    """Twelve digits, with `+` where files had been changed."""
    found = record.provenance
    return f"{found.commit[:12]}{'+' if found.dirty else ''}" if found.commit else "unknown"


def made_with(records: Sequence[Record]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Every commit, device, host, command and package version, with the number of its records."""

    def counted(values: Iterable[str]) -> list[tuple[str, int]]:
        return Counter(value for value in values if value).most_common()

    packages = Counter(p for r in records for p in r.provenance.versions.items())
    found = [
        ("commit (+: files had been changed)", counted(map(commit, records))),
        ("device", counted(map(device, records))),
        ("host", counted(r.provenance.host for r in records)),
        ("command", counted(r.provenance.command for r in records)),
        ("packages", [(f"{name} {v}", n) for (name, v), n in sorted(packages.items())]),
    ]
    return [(name, values) for name, values in found if values]
