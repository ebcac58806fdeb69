"""Texts of the modules that code of the user's own imports, and versions of installed packages."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from evenhand.declared.input_files import read_input
from evenhand.declared.module_tree import Module, parse
from evenhand.declared.syntax import Statement

PACKAGES = ("evenhand", "torch", "torchvision", "timm", "numpy", "ray", "scikit-learn")
"""Packages whose versions every record states."""

NOT_FOLLOWED = frozenset(
    {"evenhand_reports", "sklearn", *PACKAGES, *sys.stdlib_module_names, "__main__"}
)
"""Modules that enter no digest: the standard library, and the packages that every record states."""

MOST_BYTES = 2**24
"""Size of a Python file."""

COMPILED = (".so", ".pyd", ".pyc")

INSTALLED = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True)
class Sources:
    """The modules that count as code of a part's own.

    These are the modules of its folder or package, and all others that are not installed: modules
    beside a script, on PYTHONPATH, or installed as editable.
    """

    package: str = ""
    """Top-level package of the part, which may be installed; "" for a plugin file or a notebook."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Texts of a plugin's folder by path, such as `helper.py` or `losses/__init__.py`."""

    @cached_property
    def _by_name(self) -> dict[str, tuple[str, bool]]:
        """Text of each module of the folder, and whether it is a package."""
        return {
            module_name(path): (text, path.endswith("__init__.py"))
            for path, text in self.files.items()
        }

    def find(self, name: str) -> Module | None:
        """A module of one's own; None for one of an installed package, or that does not exist."""
        if name in self._by_name:
            return _parsed(name, *self._by_name[name])
        top = name.partition(".")[0]
        inside = {other.partition(".")[0] for other in self._by_name if other}
        if top in inside:
            is_folder = any(other.startswith(f"{name}.") for other in self._by_name)
            return Module(name, is_package=True) if is_folder else None
        path = self.path_of(name)
        if path is None or path.is_dir():
            return None if path is None else Module(name, is_package=True)
        try:
            text = read_source(path)
        except (OSError, ValueError, SyntaxError):
            return _compiled(name, path)
        return _parsed(name, text, path.name == "__init__.py")

    def path_of(self, name: str) -> Path | None:
        """File or folder of a module of one's own that is not among the texts of a plugin."""
        top = name.partition(".")[0]
        is_left_out = top in NOT_FOLLOWED and top != self.package
        if is_left_out or any(other.partition(".")[0] == top for other in self._by_name):
            return None
        return _located(name, self.package)

    def siblings(self) -> Iterator[str]:
        """Every module of the folder or package: what an import by a computed name may mean."""
        yield from (name for name in self._by_name if name)
        root = _located(self.package, self.package) if self.package else None
        if root is not None and root.stem == "__init__":
            for path in sorted(root.parent.rglob("*.py")):
                inside = module_name(path.relative_to(root.parent).as_posix())
                yield f"{self.package}.{inside}".rstrip(".")


def read_source(path: Path) -> str:
    """Text of a Python file in the encoding that it declares. Raises `OSError`, `SyntaxError`."""
    return importlib.util.decode_source(read_input(path, most=MOST_BYTES))


def module_name(path: str) -> str:
    """Name of the module in a file: `losses.mine` for `losses/mine.py`; "" for `__init__.py`."""
    return path.removesuffix(".py").removesuffix("__init__").rstrip("/").replace("/", ".")


@cache
def installed_version(module: str) -> str | None:
    """Distribution and version of an installed top-level module, such as `geotorch 0.3.0`.

    None for a package that every record states, and for a module of no distribution.
    """
    if module in NOT_FOLLOWED:
        return None
    try:
        return f"{module} {version(module)}"
    except PackageNotFoundError:
        names = packages_distributions().get(module, ())
    return ", ".join(sorted(f"{name} {version(name)}" for name in set(names))) or None


def _parsed(name: str, text: str, is_package: bool) -> Module:
    try:
        return parse(name, text, is_package=is_package)
    except (SyntaxError, ValueError):
        # Its import fails with the line; until then all of its text counts.
        whole = Statement(text, (), frozenset(), {}, (), (), computed=False)
        return Module(name, is_package, [whole], effects=[0])


def _located(name: str, package: str) -> Path | None:
    """File of a module of one's own; a folder for a namespace package; None if there is none."""
    top, *rest = name.split(".")
    spec = _spec(top)
    if spec is None:
        return None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    place = Path(spec.origin) if spec.origin and spec.has_location else next(iter(folders), None)
    if place is None or (top != package and INSTALLED.intersection(place.parts)):
        return None
    if not rest:
        return place
    for folder in folders:
        path = folder.joinpath(*rest)
        compiled = sorted(path.parent.glob(f"{path.name}.*"))
        for found in (path.with_suffix(".py"), path / "__init__.py", *compiled):
            if found.is_file() and (found.suffix == ".py" or found.suffixes[-1] in COMPILED):
                return found
        if path.is_dir() or _holder(path) is not None:
            return path
    return None


def _holder(path: Path) -> Path | None:
    """The file itself, or the archive that it is in."""
    return next((place for place in (path, *path.parents) if place.is_file()), None)


def _compiled(name: str, path: Path) -> Module | None:
    """A module without a source, compiled or in an archive, which counts by the bytes of its file.

    None where there is no file.
    """
    holder = _holder(path)
    if holder is None:
        return None
    text = hashlib.sha256(holder.read_bytes()).hexdigest()
    whole = Statement(text, (), frozenset(), {}, (), (), computed=False)
    return Module(name, is_package=True, statements=[whole], effects=[0])


def _spec(top: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):  # a module without a specification, such as `__main__`
        return None
