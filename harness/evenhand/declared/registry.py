"""The registry of parts. A decorator registers a function under a kind and a name for suites.

    @method(cite="kini2021label", title="VS")
    def vs(tau: float = 1.0, gamma: float = 0.15) -> Method: ...

The function's signature is the only list of its settings. The suite reader, the record and
`evenhand list` take their names, types and defaults from it. `importing.py` imports the parts of
this package and those of installed packages, whose entry points in the group `evenhand` name the
modules to import. `plugin.py` loads a file.
"""

from __future__ import annotations

import inspect
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import JsonValue

from evenhand.declared.base import Part, quote_value
from evenhand.declared.code import Digest, digest_of, made_by
from evenhand.declared.importing import import_all
from evenhand.declared.main_module import MAIN, digest_of_main
from evenhand.declared.module_sources import Sources
from evenhand.declared.plugin_modules import name_inside, plugin_of, sources_of
from evenhand.declared.setting import Setting, settings_of
from evenhand.errors import EvenhandError, Mistake, SpecError, UnknownName, suggest

OURS = frozenset({"evenhand", "evenhand_reports"})
"""Packages whose parts have no digest: their results follow the versions of parts and engine."""

FIXED_KINDS = frozenset({"metric"})
"""Kinds whose functions take data and no settings."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Registered:
    """A registered part."""

    kind: str
    """Kind of the part, such as "method" or "dataset"."""
    name: str
    """Name in suites."""
    make: Callable[..., Any]
    """The decorated function."""
    cite: str = ""
    """Key of the paper in `references.bib`."""
    title: str = ""
    """Name in tables."""
    version: int = 1
    """Version, which is raised when results change."""
    aliases: tuple[str, ...] = ()
    """Further names in suites."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Facts that are known without a call of the function, such as `n_classes` of a data set."""
    module: str = ""
    """The module that registers the part: another one than that of a function made elsewhere."""

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.make) or "").partition("\n")[0]

    @property
    def is_shipped(self) -> bool:
        """Whether the part is one of Evenhand, and not of the user or of another package."""
        return self.make.__module__.partition(".")[0] in OURS

    @property
    def code(self) -> str | None:
        """Digest of the code of a part of the user's own, which enters the key of a trial.

        None for a part of Evenhand. `code.py` says what the digest is made of.
        """
        if MAIN in (self.make.__module__, self.module):
            return digest_of_main(self.make)
        first = self._first_digest
        if first is None:
            return None
        now = first if first.is_current() else self._digest()
        if now is not None and now.text != first.text:
            edited = next(path for path in first.files if now.files.get(path) != first.files[path])
            what = f"{edited}: the code of the {self.kind} {self.name!r} was edited after it was"
            raise SpecError(f"{what} imported\n  start the program or the kernel again")
        return first.text

    @cached_property
    def _first_digest(self) -> Digest | None:
        """The digest of a part of a file, as it was when the part was registered."""
        return self._digest()

    def _digest(self) -> Digest | None:
        module = self.make.__module__
        top = module.partition(".")[0]
        if top in OURS:
            return None
        plugin = plugin_of(self.module) or plugin_of(module)
        sources = Sources(package=top) if plugin is None else sources_of(plugin)
        reached = made_by(self.make, self.module)
        return digest_of([(name_inside(m), name) for m, name in reached], sources)

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """The settings by name, in the order of the signature."""
        if self.kind in FIXED_KINDS:
            return {}
        part = f"{self.kind} {self.name!r}"
        return settings_of(part, self.make, self.facts.get("from_problem", ()))

    def resolve(self, given: Mapping[str, Any] | None = None) -> Part:
        """The part with these settings and the defaults of the others.

        Raises `SpecError` with one mistake for each setting that is unknown, missing or ill-typed.
        `where` of a mistake is the name of the setting.
        """
        given = dict(given or {})
        mistakes: list[Mistake] = []
        takes = f"it takes {', '.join(map(str, self.settings.values())) or 'no settings'}"
        for name in [name for name in given if name not in self.settings]:
            hint = suggest(str(name), list(self.settings)).hint
            what = f"{self.name} has no setting {name!r}"
            mistakes.append(Mistake(what, (name,), takes, hint))
        values: dict[str, JsonValue] = {}
        for name, setting in self.settings.items():
            try:
                if name not in given and setting.required:
                    what = f"{self.name}: {name} is not given"
                    mistakes.append(Mistake(what, (), takes))
                    continue
                values[name] = setting.check(given.get(name, setting.default))
            except ValueError as error:
                value = quote_value(given.get(name, setting.default))
                what = f"{self.name}: {name} = {value}: {error}"
                several = isinstance(given.get(name), list)
                hint = f"to try several, write {{grid: {given[name]}}}" if several else ""
                mistakes.append(Mistake(what, (name,), takes, hint))
        if mistakes:
            raise SpecError(mistakes)
        return Part(name=self.name, version=self.version, code=self.code, settings=values)


class Registry:
    """All registered parts by kind and name. `REGISTRY` is the instance; first use fills it."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Registered]] = {}
        self._aliases: dict[str, dict[str, str]] = {}
        self._filled = False
        # Re-entrant: other threads wait while one fills, and the parts that it imports do not.
        self._filling = threading.RLock()

    def add(self, entry: Registered) -> None:
        """Add a part. Raises `SpecError` if another function has the name."""
        entries = self._entries.setdefault(entry.kind, {})
        aliases = self._aliases.setdefault(entry.kind, {})
        for name in (entry.name, *entry.aliases):
            holder = entries.get(aliases.get(name, name))
            if holder is not None and not _replaces(entry.make, holder.make):
                hint = f"the other one is {holder.make.__module__}.{holder.make.__qualname__}"
                what = f"{entry.kind} {name!r} is registered twice"
                raise SpecError([Mistake(what, (), "", hint)])
        if entry.make.__module__ != MAIN:
            _ = entry.code  # now, while the file on disk is what this process imports
        entries[entry.name] = entry
        aliases.update(dict.fromkeys(entry.aliases, entry.name))

    def get(self, kind: str, name: str) -> Registered:
        """The part of this kind and name or alias. Raises `UnknownName` with the nearest name."""
        self.fill()
        entries = self._entries.get(kind, {})
        aliases = self._aliases.get(kind, {})
        try:
            return entries[aliases.get(name, name)]
        except KeyError:
            raise UnknownName(kind, name, [*entries, *aliases]) from None

    def all(self, kind: str) -> Iterator[Registered]:
        """All parts of a kind, in the order of their names."""
        self.fill()
        yield from (entry for _, entry in sorted(self._entries.get(kind, {}).items()))

    def part(self, kind: str, name: str, settings: Mapping[str, Any] | None = None) -> Part:
        """The part of this kind and name with all settings; see `Registered.resolve`."""
        return self.get(kind, name).resolve(settings)

    def make(self, kind: str, part: Part, **given: Any) -> Any:
        """Call the function of a part with its settings.

        given  values of the parameters that follow from the problem; others are ignored

        Raises `SpecError` with the line at which the function fails.
        """
        entry = self.get(kind, part.name)
        try:
            taken = {name: given[name] for name in entry.facts.get("from_problem", ())}
            return entry.make(**part.settings, **taken)
        except EvenhandError as error:
            if entry.is_shipped or not isinstance(error, SpecError) or any(error.places):
                raise
            raise SpecError(error.mistakes, [_line(error)] * len(error.mistakes)) from error
        except (Exception, SystemExit) as error:
            # Foreign code: any exception, and `sys.exit`, becomes an error with its line.
            what = f"{part.name}() fails: {type(error).__name__}: {error}"
            raise SpecError([Mistake(what)], [_line(error)]) from error

    def fill(self) -> None:
        """Import the parts of this package and of installed plugins, once."""
        with self._filling:
            if self._filled:
                return
            self._filled = True
            try:
                import_all()
            except BaseException:
                self._filled = False
                raise


REGISTRY = Registry()
PACKAGE = Path(__file__).parents[1]
"""Folder of this package."""

GENERATED = "<string>"
"""File of the methods that `dataclass` generates."""


def _line(error: BaseException) -> str:
    """File and line that an exception comes from, where possible outside this package."""
    frames = traceback.extract_tb(error.__traceback__)
    foreign = [
        frame
        for frame in frames
        if frame.filename != GENERATED and not Path(frame.filename).is_relative_to(PACKAGE)
    ]
    last = (foreign or frames)[-1]
    return f"{last.filename}:{last.lineno}"


def _replaces(new: Callable[..., Any], old: Callable[..., Any]) -> bool:
    """Whether a function is the other one, loaded again or edited, and not a second one.

    In a notebook a cell is run again after an edit, and a plugin file is read again: the later
    definition takes the place of the earlier one. In a package, two definitions are a mistake.
    """
    code = [getattr(inspect.unwrap(function), "__code__", None) for function in (new, old)]
    if new is old or new.__qualname__ != old.__qualname__:
        return new is old
    if new.__module__ == old.__module__:
        return new.__module__ == "__main__" or code[0] == code[1]
    in_plugins = all(plugin_of(function.__module__) for function in (new, old))
    files = {getattr(part, "co_filename", None) for part in code}
    return in_plugins and len(files) == 1
