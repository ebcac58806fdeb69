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
        *("augmentation", "posthoc", "optimizer", "mixing"),
    }
)
"""Evenhand's decorators. Each registers a part, whose code has a digest of its own."""

ABOUT = frozenset({"cite", "title", "version", "aliases"})
"""Arguments of these decorators that change no result, or that a key has beside the digest."""


BY_NAME = frozenset({"globals", "eval", "exec"})
"""Functions that reach code of their module by names that are known only when they run."""

LISTING = frozenset({"__subclasses__", "__init_subclass__"})
"""Names by which a class reaches the classes that derive from it."""

BY_PATH = ("import_module", "__import__", "resolve_name", "run_module")
"""Functions that import the module that their first argument names."""


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
    imports: dict[str, list[Import]]
    """Imports inside the statement, by the name that they bind."""
    loaded: tuple[str, ...]
    """Modules that the statement imports."""
    named: tuple[str, ...]
    """Modules of `import_module("helper")`."""
    computed: bool
    """Whether it imports a module by a name that is known only when it runs."""
    by_name: bool = False
    """Whether it reaches names of its module that are known only when it runs."""
    lists: bool = False
    """Whether it reaches classes that derive from its own."""
    derives: bool = False
    """Whether it is a class with a base class or a metaclass."""

    @classmethod
    def of(cls, node: ast.stmt, package: str = "") -> Statement:
        """The statement at a node, in which relative imports begin at a package."""
        bare = ast.fix_missing_locations(_Bare().visit(node))
        text = ast.unparse(bare)
        names = set(_global_names(symtable.symtable(text, "statement", "exec")))
        found = _Found(package)
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
            by_name=found.by_name,
            lists=found.lists,
            derives=isinstance(node, ast.ClassDef) and bool(node.bases or node.keywords),
        )


class _Bare(ast.NodeTransformer):
    """Removes docstrings, other constants that stand alone, and titles and citations of parts."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if is_constant(node) else self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for call in getattr(node, "decorator_list", ()):
            if isinstance(call, ast.Call) and last_name(call) in DECORATORS:
                call.keywords = [k for k in call.keywords if k.arg not in ABOUT]
        super().generic_visit(node)
        if getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        if isinstance(node, ast.Try) and not node.handlers and not node.finalbody:
            node.finalbody = [ast.Pass()]
        return node


class _Found(ast.NodeVisitor):
    """Collects names with their attributes, strings, and imports by `import_module`."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.by_name = False
        self.lists = False
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
        is_modules = isinstance(inner, ast.Name) and (inner.id, names[-1]) == ("sys", "modules")
        self.by_name |= is_modules
        self.lists |= not LISTING.isdisjoint(names)
        if isinstance(inner, ast.Name):
            self.uses.append(Use(inner.id, tuple(reversed(names))))
        else:
            self.visit(inner)

    def visit_Name(self, node: ast.Name) -> None:
        self.by_name |= node.id in BY_NAME
        self.uses.append(Use(node.id, ()))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.lists |= node.name in LISTING
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        metas = [k.value for k in node.keywords if k.arg == "metaclass"]
        # A metaclass may list its classes, and so may its base.
        self.lists |= any(last_name(meta) != "ABCMeta" for meta in metas)
        self.lists |= any(last_name(base) == "type" for base in node.bases)
        self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        self.uses += [Use(name, ()) for name in node.names]

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and node.value.isidentifier():
            self.strings.add(node.value)
        elif isinstance(node.value, str) and node.value.endswith(".py"):
            # `run_path("helper.py")`, `spec_from_file_location("helper", "losses/helper.py")`
            self.named.append(node.value.removesuffix(".py").strip("./").replace("/", "."))

    def visit_Call(self, node: ast.Call) -> None:
        if last_name(node.func) in BY_PATH:
            given = node.args[0] if node.args else None
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                self.named.append(_named(given.value, self.package))
            else:
                self.computed = True
        self.generic_visit(node)


def find_imports(node: ast.AST, package: str) -> tuple[dict[str, list[Import]], list[str]]:
    """What the imports in a tree may bind to each name, and the modules that they load."""
    bound: dict[str, list[Import]] = {}
    loaded: list[str] = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            for alias in inner.names:
                top = alias.name.partition(".")[0]
                target = Import(alias.name if alias.asname else top, None)
                bound.setdefault(alias.asname or top, []).append(target)
                loaded.append(alias.name)
        elif isinstance(inner, ast.ImportFrom):
            module = _absolute(inner, package)
            loaded.append(module)
            for alias in inner.names:
                if alias.name != "*":
                    target = Import(module, alias.name)
                    bound.setdefault(alias.asname or alias.name, []).append(target)
    return bound, loaded


def _named(text: str, package: str) -> str:
    """The module of `"helper"`, `"helper:function"` or, inside a package, `".helper"`."""
    name = text.partition(":")[0]
    return f"{package}.{name.lstrip('.')}".lstrip(".") if name.startswith(".") else name


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _global_names(table: symtable.SymbolTable) -> Iterator[str]:
    """The names of the module that a scope and the scopes inside it read or change."""
    # The body of a class may read a global before it binds the name: `tau: float = tau`.
    reads_all = table.get_type() in ("module", "class")
    for symbol in table.get_symbols():
        if symbol.is_global() or (reads_all and symbol.is_referenced()):
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
