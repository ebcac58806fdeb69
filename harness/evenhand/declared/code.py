"""Digest of the code that makes a part of the user's own. It is a part of the key of a trial.

The digest follows the function of the part and what it reaches: functions, classes, base classes,
decorators and module-level names, in its own module and in the modules that it imports from the
plugin's folder, from its package, from beside the script or from PYTHONPATH. Comments, docstrings
and the layout do not count, nor does what the part does not reach. Statements of a module whose
effect at import belongs to no name, such as `register(Net)`, count for every part that reaches the
module.

Installed packages count by name and version where the part reaches them. PyTorch, NumPy and the
other `PACKAGES` are left out, as they are for parts of Evenhand itself: an upgrade would train
everything again, and every record states their versions.

Files of data are not code: a part that reads `weights.npy` keeps its digest when that file changes.
Raise the part's `version` then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from evenhand.declared.module_sources import Sources, installed_version
from evenhand.declared.module_tree import Module
from evenhand.declared.syntax import Import, Statement

DIGITS = 8


class Digest(NamedTuple):
    """Digest of the code of a part, and the state of the files that it was read from."""

    text: str
    files: dict[Path, tuple[int, int]]
    """Time of change in nanoseconds and size of each file; texts of a plugin have no file."""

    def is_current(self) -> bool:
        """Whether no file was written since."""
        return all(state_of(path) == state for path, state in self.files.items())


def state_of(path: Path) -> tuple[int, int]:
    """Time of change and size of a file; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def digest_of(module: str, name: str, sources: Sources) -> Digest:
    """Digest of what a name of a module reaches; of the whole module where the name is not bound.

    A function that another function or a loop makes is bound to no name of its module.
    """
    reach = Reach(sources)
    found = sources.find(module)
    if found is not None:
        reach.load(found)
        if name in found.bound:
            reach.name(found, name)
        else:
            reach.whole(found)
    text = reach.digest()
    paths = filter(None, map(sources.path_of, reach.modules()))
    return Digest(text, {path: state_of(path) for path in paths})


class Reach:
    """The statements and the versions that a part reaches."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.kept: dict[tuple[str, int], Statement] = {}
        """Statements by module and place."""
        self.values: dict[str, str] = {}
        """Further texts: values of a notebook's variables."""
        self.versions: set[str] = set()
        self._loaded: dict[str, Module] = {}
        self._seen: set[tuple[str, str, tuple[str, ...]]] = set()
        self._todo: list[Callable[[], None]] = []

    def digest(self) -> str:
        """Digest of all that is reached, in eight hexadecimal digits."""
        self._settle()
        modules: dict[str, list[str]] = {}
        for (module, _), statement in sorted(self.kept.items()):
            modules.setdefault(module, []).append(statement.text)
        text = json.dumps([modules, self.values, sorted(self.versions)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]

    def modules(self) -> tuple[str, ...]:
        """Names of the modules of which something is reached."""
        return tuple(sorted({module for module, _ in self.kept}))

    def load(self, module: Module) -> None:
        """Add what acts when a module is imported, and what it imports itself."""
        if module.name in self._loaded:
            return
        self._loaded[module.name] = module
        for index in module.effects:
            self._keep(module, index)
        for name in module.loaded:
            self._todo.append(partial(self._load_named, name))

    def whole(self, module: Module) -> None:
        """Add every statement of a module."""
        for index in range(len(module.statements)):
            self._keep(module, index)
        for name in [*module.imports, *([""] if module.stars else [])]:
            self.name(module, name)

    def name(self, module: Module, name: str, attributes: tuple[str, ...] = ()) -> None:
        """Add what binds a name of a module; attributes are those that are read from it."""
        if (module.name, name, attributes) in self._seen:
            return
        self._seen.add((module.name, name, attributes))
        for index in module.bound.get(name, ()):
            self._keep(module, index)
        for target in module.imports.get(name, ()):
            self._todo.append(partial(self.target, target, attributes))
        if name not in module.bound and name not in module.imports:
            for star in module.stars:
                self._star(star, name, attributes)

    def target(self, target: Import, attributes: tuple[str, ...] = ()) -> None:
        """Add what an imported name stands for."""
        self._load_named(target.module)
        found = self.sources.find(target.module)
        if found is None:
            self._version(target.module)
        elif target.name is None:
            self.attribute(found, attributes)
        else:
            self.attribute(found, (target.name, *attributes))

    def attribute(self, module: Module, attributes: tuple[str, ...]) -> None:
        """Add what `module.a.b` reaches; the whole module where none of its names is meant."""
        if not attributes:
            self.whole(module)
            return
        first, rest = attributes[0], attributes[1:]
        inner = self.sources.find(f"{module.name}.{first}".lstrip("."))
        if inner is not None and first not in module.bound:
            self.load(inner)
            self.attribute(inner, rest)
        elif first in module.bound or first in module.imports or module.stars:
            self.name(module, first, rest)
        else:
            self.whole(module)

    def statement(self, statement: Statement, module: Module | None) -> None:
        """Add what a statement of a module reads."""
        for use in statement.uses:
            if use.name in statement.imports:
                self.target(statement.imports[use.name], use.attributes)
            if module is not None:
                self.name(module, use.name, use.attributes)
        for name in statement.loaded:
            self._load_named(name)
        for name in (*statement.named, *(self.sources.siblings() if statement.computed else ())):
            self._load_named(name)
            if found := self.sources.find(name):
                self.whole(found)

    def _settle(self) -> None:
        """Follow all that is left to follow, and strings that name what a loaded module binds."""
        done = -1
        while self._todo or done != len(self.kept):
            done = len(self.kept)
            while self._todo:
                self._todo.pop()()
            strings = {text for s in self.kept.values() for text in s.strings}
            for module in list(self._loaded.values()):
                for name in sorted(strings.intersection(module.bound)):
                    self.name(module, name)

    def _keep(self, module: Module, index: int) -> None:
        if (module.name, index) not in self.kept:
            statement = module.statements[index]
            self.kept[module.name, index] = statement
            self._todo.append(partial(self.statement, statement, module))

    def _load_named(self, name: str) -> None:
        """Load a module of one's own and the packages that it is in."""
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            found = self.sources.find(".".join(parts[:end]))
            if found is not None and found.name:
                self.load(found)

    def _star(self, star: str, name: str, attributes: tuple[str, ...]) -> None:
        found = self.sources.find(star)
        if found is None:
            self._version(star)
        elif name:
            self.name(found, name, attributes)
        else:
            self.whole(found)

    def _version(self, module: str) -> None:
        if known := installed_version(module.partition(".")[0]):
            self.versions.add(known)


def root_name(make: Callable[..., Any]) -> str:
    """The name of the module's top level that a function is bound to; "" for an inner function."""
    path: str = getattr(make, "__qualname__", "")
    return "" if "<locals>" in path else path.partition(".")[0]
