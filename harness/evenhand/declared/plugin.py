"""A plugin file: one Python file with parts of the user, named by `--plugin`."""

from __future__ import annotations

import hashlib
import sys
import traceback
import types
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from evenhand.declared.registry import PLUGIN, REGISTRY
from evenhand.errors import Mistake, SpecError


@dataclass(frozen=True)
class Plugin:
    """A plugin file with its text, which is sent to the workers."""

    path: str
    """Path of the file, as given."""
    source: str
    """Text of the file."""
    file: str = ""
    """Absolute path of the file, which tells it from a file of the same name elsewhere."""

    def __post_init__(self) -> None:
        if not self.file:
            object.__setattr__(self, "file", str(Path(self.path).resolve()))

    @classmethod
    def read(cls, path: str | Path) -> Plugin:
        """Read a file. Raises `SpecError` if it cannot be read."""
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
            return cls(str(path), text)
        except (OSError, ValueError) as error:
            raise SpecError(f"{path}: cannot read the plugin: {error}") from None

    def load(self) -> None:
        """Run the file once in this process, after the parts of the packages are registered.

        Raises `SpecError` with the line of the file that fails.
        """
        REGISTRY.fill()
        digest = hashlib.sha256(self.source.encode()).hexdigest()[:8]
        name = f"{PLUGIN}{Path(self.path).stem}_{digest}"
        if name in sys.modules:
            return
        module = types.ModuleType(name)
        module.__file__ = self.file
        module.plugin = self  # type: ignore[attr-defined]  # read by `loaded_plugins`
        earlier = [other for other, plugin in _loaded().items() if plugin.is_file_of(module)]
        sys.modules[name] = module
        try:
            exec(compile(self.source, self.file, "exec", dont_inherit=True), module.__dict__)
        except BaseException as error:
            # Also after Ctrl-C and `sys.exit`: the file is not loaded, and may be loaded again.
            sys.modules.pop(name, None)
            if not isinstance(error, Exception):
                raise
            # Foreign code: any exception becomes an error with the line of the file.
            raise SpecError([self._failure(error)], [f"{self.path}:{self._line(error)}"]) from error
        for other in earlier:
            # Else the file would not be run again if an edit of it is taken back.
            del sys.modules[other]

    def is_file_of(self, module: types.ModuleType) -> bool:
        """Whether a module was made from the file of this plugin, in this or another version."""
        return self.file == module.__file__

    def _line(self, error: Exception) -> int:
        """The last line of this file that was run, or the line with the syntax error."""
        if isinstance(error, SyntaxError) and error.filename == self.file:
            return error.lineno or 1
        frames = traceback.extract_tb(error.__traceback__)
        return ([f.lineno for f in frames if f.filename == self.file and f.lineno] or [1])[-1]

    @staticmethod
    def _failure(error: Exception) -> Mistake:
        if isinstance(error, SpecError):
            return error.mistakes[0]
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        return Mistake(f"the plugin fails: {type(error).__name__}: {said}")


def load_plugins(paths: Iterable[str | Path]) -> tuple[Plugin, ...]:
    """Run files of parts of one's own, each once in this process.

    Raises `SpecError` with the line where one fails.
    """
    plugins = tuple(Plugin.read(path) for path in paths)
    for plugin in plugins:
        plugin.load()
    return plugins


def loaded_plugins() -> tuple[Plugin, ...]:
    """The plugin files that this process has loaded, each as it was read last."""
    return tuple(_loaded().values())


def _loaded() -> dict[str, Plugin]:
    """The plugins by the names of their modules."""
    modules = {name: m for name, m in sys.modules.items() if name.startswith(PLUGIN)}
    return {name: module.plugin for name, module in modules.items()}
