"""Top level of a module: the statements that bind each name, and those that act at import."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from evenhand.declared.syntax import (
    DECORATORS,
    Import,
    Statement,
    find_imports,
    is_constant,
    last_name,
)

PURE = DECORATORS | {
    *("dataclass", "wraps", "cache", "lru_cache", "contextmanager", "property", "cached_property"),
    *("staticmethod", "classmethod", "abstractmethod", "overload", "override", "final"),
    *("total_ordering", "no_grad", "compile", "script", "jaxtyped", "beartype", "njit", "jit"),
}
"""Names of decorators that change nothing but the decorated definition."""

PURE_FROM = frozenset(
    {"evenhand", "torch", "numba", "jaxtyping", "beartype", *sys.stdlib_module_names}
)
"""Packages that these decorators are imported from."""


@dataclass
class Module:
    """The statements at the top level of a module."""

    name: str
    """Name by which it is imported; "" for a plugin file."""
    is_package: bool
    statements: list[Statement] = field(default_factory=list)
    bound: dict[str, list[int]] = field(default_factory=dict)
    """Indices of the statements that bind or change a name."""
    imports: dict[str, list[Import]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    """Modules of `from helper import *`."""
    loaded: list[str] = field(default_factory=list)
    """Modules that are imported with this one."""
    effects: list[int] = field(default_factory=list)
    """Indices of the statements whose effect at import no name stands for."""

    @property
    def package(self) -> str:
        """The package at which relative imports begin."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def add(self, node: ast.stmt) -> None:
        """Add a statement of the top level."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._add_imports(node)
            return
        if isinstance(node, ast.If) and _is_main_guard(node.test):
            for inner in node.orelse:
                self.add(inner)
            return
        if isinstance(node, ast.Expr) and is_constant(node):
            return
        for inner in _at_top(node):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                self._add_imports(inner)
        index = len(self.statements)
        statement = Statement.of(node, self.package)
        self.statements.append(statement)
        names = [name for inner in _at_top(node) for name in _bound(inner)]
        for name in dict.fromkeys(names):
            self.bound.setdefault(name, []).append(index)
        own = self.bound.keys() | {n for n, targets in self.imports.items() if _is_own(targets)}
        if any(_acts(inner, self.bound, own) for inner in _at_top(node)):
            self.effects.append(index)

    def _add_imports(self, node: ast.Import | ast.ImportFrom) -> None:
        imports, loaded = find_imports(node, self.package)
        for name, targets in imports.items():
            self.imports.setdefault(name, []).extend(targets)
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            self.stars += loaded
        self.loaded += loaded


@lru_cache(maxsize=512)
def parse(name: str, text: str, *, is_package: bool) -> Module:
    """Parse the text of a module. Raises `SyntaxError`."""
    module = Module(name, is_package)
    for node in ast.parse(text).body:
        module.add(node)
    return module


def _at_top(node: ast.stmt) -> Iterator[ast.stmt]:
    """A statement, and those inside its branches and loops, which belong to the same scope."""
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield from _at_top(child)
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            for inner in child.body:
                yield from _at_top(inner)


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement binds, or whose value it changes."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    yield from filter(None, map(_root, _targets(node)))
    yield from (n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr))


def _targets(node: ast.stmt) -> list[ast.expr]:
    """What a statement assigns to or changes: `x`, `x.a`, `x["a"]`, and `x` of `x.update(…)`."""
    if isinstance(node, ast.Expr):
        call = node.value
        return [call.func] if isinstance(call, ast.Call) and _is_method(call) else []
    items = [item.optional_vars for item in getattr(node, "items", ())]
    given = [*getattr(node, "targets", ()), getattr(node, "target", None), *items]
    found: list[ast.expr] = []
    for target in filter(None, given):
        found += target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    return found


def _is_method(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute)


def _root(node: ast.expr) -> str:
    """The variable of `table`, `table["a"]`, `table.update` or `*table`; "" for no variable."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _acts(node: ast.stmt, bound: dict[str, list[int]], own: Collection[str]) -> bool:
    """Whether a statement has an effect at import that no name of its module stands for.

    own: names of the module that code of the user's own binds, such as a decorator `cache`.
    """
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return any(
            last_name(decorator) not in PURE or _root(decorator) in own
            for decorator in node.decorator_list
        )
    if isinstance(node, ast.Expr) and not is_constant(node) and not _targets(node):
        return True
    # `TABLE.update(…)` belongs to TABLE; `torch.manual_seed(…)` belongs to no name of the module.
    # The statement itself is among those of the name.
    changed = [_root(target) for target in _targets(node) if not isinstance(target, ast.Name)]
    unnamed = any(isinstance(target, ast.Name) and target.id == "_" for target in _targets(node))
    return (
        unnamed
        or isinstance(node, ast.Assert | ast.Raise)
        or (isinstance(node, ast.If | ast.While) and _calls(node.test))
        or any(len(bound.get(name, ())) < 2 for name in changed)
        or (isinstance(node, ast.Assign | ast.AnnAssign) and _may_change(node.value, bound, own))
    )


def _may_change(
    value: ast.expr | None, bound: Mapping[str, list[int]], own: Collection[str]
) -> bool:
    """Whether a value is made by a function of the user's own that gets another variable.

    `count = add(TABLE, 1)` may change TABLE.
    """
    calls = [inner for inner in ast.walk(value) if isinstance(inner, ast.Call)] if value else []
    given = [
        (call, argument)
        for call in calls
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]
    ]
    return any(_root(call.func) in own and _root(argument) in bound for call, argument in given)


def _calls(test: ast.expr) -> bool:
    return any(isinstance(inner, ast.Call) for inner in ast.walk(test))


def _is_own(targets: list[Import]) -> bool:
    """Whether a name is not imported from the packages of the pure decorators."""
    return any(target.module.partition(".")[0] not in PURE_FROM for target in targets)


def _is_main_guard(test: ast.expr) -> bool:
    return ast.unparse(test) in ("__name__ == '__main__'", "'__main__' == __name__")
