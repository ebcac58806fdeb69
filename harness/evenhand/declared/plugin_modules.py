"""Modules beside a plugin file that it imports: their texts, and their import from these texts.

The texts are read once, when the plugin is read, and travel with it to the workers. All code of a
plugin therefore runs from the texts that its digest was made of.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from evenhand.declared.module_sources import NOT_FOLLOWED, Sources, module_name, read_source
from evenhand.declared.syntax import Statement, find_imports
from evenhand.errors import SpecError

PLUGIN = "evenhand_plugin_"
"""Beginning of the module name of a plugin file; the file's name and digest follow."""


@dataclass(frozen=True)
class PluginFiles:
    """Texts of a plugin file and of the modules beside it that it imports."""

    path: str
    """Path of the file, as given."""
    source: str
    """Text of the file."""
    file: str = ""
    """Absolute path of the file, which tells it from a file of the same name elsewhere."""
    modules: tuple[tuple[str, str], ...] = ()
    """Path and text of the modules of its folder that it imports, directly or not."""

    def __post_init__(self) -> None:
        if not self.file:
            object.__setattr__(self, "file", str(Path(self.path).resolve()))

    @property
    def folder(self) -> Path:
        """Folder of the file, in which the modules are."""
        return Path(self.file).parent


def read_modules(text: str, folder: Path) -> dict[str, str]:
    """Texts by path of the modules in a folder that a plugin imports, directly or not."""
    found: dict[str, str] = {}
    waiting = list(_imported(text, "", folder))
    while waiting:
        name = waiting.pop()
        for path in _paths(name, folder):
            if path not in found:
                found[path] = read_source(folder / path)
                inside = module_name(path)
                package = inside if path.endswith("__init__.py") else inside.rpartition(".")[0]
                waiting += _imported(found[path], package, folder)
    return dict(sorted(found.items()))


def _imported(text: str, package: str, folder: Path) -> Iterator[str]:
    """Full names of all modules that a text may import, wherever in it."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    bound, loaded = find_imports(tree, package)
    yield from loaded
    for target in (target for targets in bound.values() for target in targets):
        yield f"{target.module}.{target.name}".lstrip(".")
    whole = Statement.of(ast.If(ast.Constant(1), tree.body, []), package) if tree.body else None
    if whole is not None:
        yield from whole.named
        # `__all__ = ["inner"]` of a package names modules for `import *`.
        yield from (f"{package}.{name}" for name in sorted(whole.strings) if package)
    if whole is not None and whole.computed:
        for path in sorted(folder.rglob("*.py")):
            yield module_name(path.relative_to(folder).as_posix())


def _paths(name: str, folder: Path) -> Iterator[str]:
    """Paths of a module and of the packages that it is in, as far as they are in the folder."""
    parts = name.split(".")
    if parts[0] in NOT_FOLLOWED or not all(part.isidentifier() for part in parts):
        return
    for end in range(1, len(parts) + 1):
        path = "/".join(parts[:end])
        package, module = f"{path}/__init__.py", f"{path}.py"
        if (folder / package).is_file():
            yield package
        elif (folder / module).is_file():
            yield module


@dataclass(frozen=True)
class _Loader(InspectLoader):
    """Loads one module of a plugin's folder from its text."""

    plugin: PluginFiles
    path: str

    def get_source(self, fullname: str) -> str:
        return dict(self.plugin.modules)[self.path]

    def get_filename(self, fullname: str) -> str:
        return str(self.plugin.folder / self.path)

    def is_package(self, fullname: str) -> bool:
        return self.path.endswith("__init__.py")

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self.get_filename(module.__name__)
        code = compile(self.get_source(""), module.__file__, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102  a module of the user's own


class _Finder(MetaPathFinder):
    """Finds the modules in the folders of plugins, before any other of the same name."""

    def __init__(self) -> None:
        self.plugins: dict[str, PluginFiles] = {}
        """The plugin that a top-level name belongs to."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The specification of a module in the folder of a plugin; None for any other."""
        top, _, inside = fullname.partition(".")
        plugin = self.plugins.get(top)
        if plugin is None:
            return None
        # `from . import helper` of a plugin file is a module inside that file.
        name = inside if top.startswith(PLUGIN) else fullname
        for found in plugin.modules:
            if module_name(found[0]) == name:
                loader = _Loader(plugin, found[0])
                is_package = loader.is_package(fullname)
                return ModuleSpec(
                    fullname, loader, origin=loader.get_filename(""), is_package=is_package
                )
        if any(module_name(path).startswith(f"{name}.") for path, _ in plugin.modules):
            return ModuleSpec(fullname, None, is_package=True)
        return None


def plugin_of(module: str) -> PluginFiles | None:
    """The plugin that a module belongs to: its file, or a module of its folder; else None."""
    found = sys.modules.get(module)
    loader = getattr(getattr(found, "__spec__", None), "loader", None)
    return loader.plugin if isinstance(loader, _Loader) else getattr(found, "plugin", None)


def serve(plugin: PluginFiles, name: str) -> None:
    """Let imports find the modules of a plugin, in place of earlier texts of them.

    name: the module name of the plugin file. Raises `SpecError` where another module has the name.
    """
    finder = next((f for f in sys.meta_path if isinstance(f, _Finder)), None)
    if finder is None:
        finder = _Finder()
        sys.meta_path.insert(0, finder)
    tops = {module_name(path).partition(".")[0] for path, _ in plugin.modules}
    for top in sorted(tops):
        _check_free(top, plugin, finder)
    for module in [m for m in sys.modules if m.partition(".")[0] in tops]:
        if not _is_current(module, plugin):
            del sys.modules[module]
    finder.plugins |= dict.fromkeys([*tops, name], plugin)


def _check_free(top: str, plugin: PluginFiles, finder: _Finder) -> None:
    """Raise `SpecError` where a top-level name belongs to a module of another place."""
    module = sys.modules.get(top)
    place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    folder = plugin.folder
    if module is None or place is None or Path(place).is_relative_to(folder):
        return
    owner = finder.plugins.get(top)
    files = [name for name in sys.modules if name.startswith(PLUGIN) and "." not in name]
    if owner is not None and owner.folder not in {p.folder for p in map(plugin_of, files) if p}:
        return  # of a plugin that is no longer loaded
    raise SpecError(
        f"{plugin.path}: it imports {top!r}, which stands beside it in {folder}; another module "
        f"of this name was imported from {place}\n  rename the module beside the plugin"
    )


def _is_current(module: str, plugin: PluginFiles) -> bool:
    """Whether a module was made from the texts of its folder as they are now."""
    earlier = plugin_of(module)
    if earlier is None or earlier.folder != plugin.folder:
        return False
    now: Mapping[str, str] = dict(plugin.modules)
    top = module.partition(".")[0]
    return all(
        now.get(path) == text
        for path, text in earlier.modules
        if module_name(path).partition(".")[0] == top
    )


def name_inside(module: str) -> str:
    """The name of a module among the sources of its plugin: "" for the plugin file."""
    return module.partition(".")[2] if module.startswith(PLUGIN) else module


def sources_of(plugin: PluginFiles) -> Sources:
    """The texts of a plugin, its own file under the name ""."""
    return Sources(files={"__init__.py": plugin.source, **dict(plugin.modules)})
