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

import builtins
import hashlib
import json
from collections.abc import Callable, Iterable
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


def digest_of(names: Iterable[tuple[str, str]], sources: Sources) -> Digest:
    """Digest of what names of modules reach; of the whole module where a name is not bound.

    A function that another function or a loop makes is bound to no name of its module.
    """
    reach = Reach(sources)
    for module, name in names:
        found = sources.find(module)
        if found is None:
            continue
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
        for name in module.imports:
            self.name(module, name)
        for star in module.stars:
            self._star(star, "", (), is_bound=False)

    def name(self, module: Module, name: str, attributes: tuple[str, ...] = ()) -> None:
        """Add what binds a name of a module; attributes are those that are read from it."""
        if (module.name, name, attributes) in self._seen:
            return
        self._seen.add((module.name, name, attributes))
        for index in module.bound.get(name, ()):
            self._keep(module, index)
        for target in module.imports.get(name, ()):
            self._todo.append(partial(self.target, target, attributes))
        is_bound = name in module.bound or name in module.imports
        for star in module.stars:
            self._star(star, name, attributes, is_bound=is_bound)
        if not is_bound and not module.stars and not _is_builtin(name):
            # Bound in a way that is not followed, such as `case name:`.
            self.whole(module)

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
        is_module = inner is not None and first not in module.bound
        if inner is not None and is_module:
            self.load(inner)
            self.attribute(inner, rest)
        # `from .losses import losses` in a package binds the function in place of the module.
        if first in module.bound or first in module.imports or (module.stars and not is_module):
            self.name(module, first, rest)
        elif not is_module:
            self.whole(module)

    def statement(self, statement: Statement, module: Module | None) -> None:
        """Add what a statement of a module reads."""
        for use in statement.uses:
            for target in statement.imports.get(use.name, ()):
                self.target(target, use.attributes)
            if module is not None:
                self.name(module, use.name, use.attributes)
        if statement.by_name and module is not None:
            self.whole(module)
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
                for i, statement in enumerate(module.statements):
                    if statement.derives and any(s.lists for s in self.kept.values()):
                        self._keep(module, i)

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

    def _star(self, star: str, name: str, attributes: tuple[str, ...], *, is_bound: bool) -> None:
        """Add a name that `from star import *` may bind; the whole module for the name ""."""
        found = self.sources.find(star)
        step = (star, f"*{name}", attributes)
        if step in self._seen:  # two modules that import each other
            return
        self._seen.add(step)
        if name.startswith("_") and found is not None and "__all__" not in found.bound:
            return
        if found is None:
            if not is_bound:
                self._version(star)
        elif not name:
            self.whole(found)
        elif name in found.bound or name in found.imports:
            self.name(found, name, attributes)
        elif self.sources.find(f"{star}.{name}") is not None:
            self.attribute(found, (name, *attributes))
        else:
            for further in found.stars:
                self._star(further, name, attributes, is_bound=is_bound)

    def _version(self, module: str) -> None:
        if known := installed_version(module.partition(".")[0]):
            self.versions.add(known)


def _is_builtin(name: str) -> bool:
    """Whether a name needs no statement: a built-in one, or one of every module: `__file__`."""
    return hasattr(builtins, name) or name in ("__file__", "__path__")


def made_by(make: Callable[..., Any], registered: str) -> list[tuple[str, str]]:
    """Modules and names of the code that makes a part; the name "" for the whole module.

    registered: module that registers the part, which alone holds the call of
    `method(name="mine")(helper.make(2.0))`.
    """
    path: str = getattr(make, "__qualname__", "")
    name = "" if "<locals>" in path else path.partition(".")[0]
    others = {registered} - {"", make.__module__}
    return [(make.__module__, name), *((other, "") for other in others)]
