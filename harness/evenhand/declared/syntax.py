"""Statements without comments and docstrings, and the names that they read."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

DECORATORS = frozenset(
    {
        *("method", "dataset", "backbone", "metric", "recipe", "profile", "schedule"),
        *("augmentation", "posthoc"),
    }
)
"""Evenhand's decorators. Each registers a part, whose code has a digest of its own."""

ABOUT = frozenset({"cite", "title", "version", "aliases"})
"""Arguments of these decorators that change no result, or that a key has beside the digest."""


class Use(NamedTuple):
    """A global name with the attributes that are read from it: `helper.losses.mine`."""

    name: str
    attributes: tuple[str, ...]


class Import(NamedTuple):
    """What an imported name stands for."""

    module: str
    """Full name of the module; relative imports are resolved."""
    name: str | None
    """The name in that module; None for the module itself."""


@dataclass(frozen=True)
class Statement:
    """A statement without comments and docstrings, with the names that it reads."""

    text: str
    uses: tuple[Use, ...]
    strings: frozenset[str]
    """Constants that may be names: `Backbone("my_net")`, `getattr(helper, "mine")`."""
    imports: dict[str, Import]
    """Imports inside the statement, by the name that they bind."""
    loaded: tuple[str, ...]
    """Modules that the statement imports."""
    named: tuple[str, ...]
    """Modules of `import_module("helper")`."""
    computed: bool
    """Whether it imports a module by a name that is known only when it runs."""

    @classmethod
    def of(cls, node: ast.stmt, package: str = "") -> Statement:
        """The statement at a node, in which relative imports begin at a package."""
        bare = ast.fix_missing_locations(_Bare().visit(node))
        text = ast.unparse(bare)
        names = set(_global_names(symtable.symtable(text, "statement", "exec")))
        found = _Found()
        found.visit(bare)
        imports, loaded = find_imports(bare, package)
        return cls(
            text=text,
            uses=tuple(use for use in found.uses if use.name in names or use.name in imports),
            strings=frozenset(found.strings),
            imports=imports,
            loaded=tuple(loaded),
            named=tuple(found.named),
            computed=found.computed,
        )


class _Bare(ast.NodeTransformer):
    """Removes docstrings, other constants that stand alone, and titles and citations of parts."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if is_constant(node) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if last_name(node.func) in DECORATORS:
            node.keywords = [k for k in node.keywords if k.arg not in ABOUT]
        return self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node


class _Found(ast.NodeVisitor):
    """Collects names with their attributes, strings, and imports by `import_module`."""

    def __init__(self) -> None:
        self.uses: list[Use] = []
        self.strings: set[str] = set()
        self.named: list[str] = []
        self.computed = False

    def visit_Attribute(self, node: ast.Attribute) -> None:
        names: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            names.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self.uses.append(Use(inner.id, tuple(reversed(names))))
        else:
            self.visit(inner)

    def visit_Name(self, node: ast.Name) -> None:
        self.uses.append(Use(node.id, ()))

    def visit_Global(self, node: ast.Global) -> None:
        self.uses += [Use(name, ()) for name in node.names]

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and node.value.isidentifier():
            self.strings.add(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if last_name(node.func) in ("import_module", "__import__"):
            given = node.args[0] if node.args else None
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                self.named.append(given.value)
            else:
                self.computed = True
        self.generic_visit(node)


def find_imports(node: ast.AST, package: str) -> tuple[dict[str, Import], list[str]]:
    """What the imports in a tree bind, and the modules that they load."""
    bound: dict[str, Import] = {}
    loaded: list[str] = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            for alias in inner.names:
                top = alias.name.partition(".")[0]
                bound[alias.asname or top] = Import(alias.name if alias.asname else top, None)
                loaded.append(alias.name)
        elif isinstance(inner, ast.ImportFrom):
            module = _absolute(inner, package)
            loaded.append(module)
            named = [alias for alias in inner.names if alias.name != "*"]
            bound |= {alias.asname or alias.name: Import(module, alias.name) for alias in named}
    return bound, loaded


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _global_names(table: symtable.SymbolTable) -> Iterator[str]:
    """The names of the module that a scope and the scopes inside it read or change."""
    at_top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_global() or (at_top and symbol.is_referenced()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _global_names(child)


def is_constant(node: ast.Expr) -> bool:
    """Whether an expression stands alone without an effect, as a docstring does."""
    return isinstance(node.value, ast.Constant)


def last_name(node: ast.expr) -> str:
    """`method` of `@eh.method(cite="a")`."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
