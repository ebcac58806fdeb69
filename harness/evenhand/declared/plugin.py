"""A plugin file: a Python file with parts of the user, named by `--plugin`.

It may import modules of its folder.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
import types
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from pathlib import Path

from evenhand.declared.module_sources import read_source
from evenhand.declared.plugin_modules import PLUGIN, PluginFiles, plugin_of, read_modules, serve
from evenhand.declared.registry import REGISTRY
from evenhand.errors import Mistake, SpecError


class Plugin(PluginFiles):
    """A plugin file with the modules that it imports, which is sent to the workers."""

    @classmethod
    def read(cls, path: str | Path) -> Plugin:
        """Read a file. Raises `SpecError` if it cannot be read."""
        try:
            text = read_source(Path(path))
            modules = read_modules(text, Path(path).resolve().parent)
            return cls(str(path), text, modules=tuple(modules.items()))
        except (OSError, ValueError, SyntaxError) as error:
            raise SpecError(f"{path}: cannot read the plugin: {error}") from None

    def load(self) -> None:
        """Run the file once in this process, after the parts of the packages are registered.

        Raises `SpecError` with the line of the file that fails.
        """
        REGISTRY.fill()
        texts = repr((self.source, self.modules))
        digest = hashlib.sha256(texts.encode()).hexdigest()[:8]
        name = f"{PLUGIN}{Path(self.path).stem}_{digest}"
        if name in sys.modules:
            return
        module = types.ModuleType(name)
        module.__file__ = self.file
        # As a package, so that `from .helper import mine` finds a module of the folder.
        module.__path__, module.__package__ = [], name
        module.__spec__ = ModuleSpec(name, None, origin=self.file, is_package=True)
        module.plugin = self  # type: ignore[attr-defined]  # read by `plugin_of`
        earlier = [other for other, plugin in _loaded().items() if plugin.is_file_of(module)]
        before = set(sys.modules)
        serve(self, name)
        sys.modules[name] = module
        try:
            exec(compile(self.source, self.file, "exec", dont_inherit=True), module.__dict__)
        except BaseException as error:
            # Also after Ctrl-C: the file is not loaded, and may be loaded again.
            for new in [new for new in sys.modules if new not in before and self._owns(new)]:
                del sys.modules[new]
            if isinstance(error, KeyboardInterrupt):
                raise
            # Foreign code: any exception becomes an error with the line of the file. So does
            # `sys.exit(0)`, after which a command would end as if it had done its work.
            raise SpecError([self._failure(error)], [self._place(error)]) from error
        for other in earlier:
            # Else the file would not be run again if an edit of it is taken back.
            del sys.modules[other]

    def is_file_of(self, module: types.ModuleType) -> bool:
        """Whether a module was made from the file of this plugin, in this or another version."""
        return self.file == module.__file__

    def _owns(self, module: str) -> bool:
        return plugin_of(module) == self

    def _place(self, error: BaseException) -> str:
        """The last line of the plugin's files that was run, or that of the syntax error."""
        names = {str(self.folder / path): str(self.folder / path) for path, _ in self.modules}
        names[self.file] = self.path
        if isinstance(error, SyntaxError) and error.filename in names:
            return f"{names[error.filename]}:{error.lineno or 1}"
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f"{names[f.filename]}:{f.lineno}" for f in frames if f.filename in names]
        return (lines or [f"{self.path}:1"])[-1]

    @staticmethod
    def _failure(error: BaseException) -> Mistake:
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
    found = [n for n in sys.modules if n.startswith(PLUGIN) and "." not in n]
    return {name: plugin for name in found if isinstance(plugin := plugin_of(name), Plugin)}
