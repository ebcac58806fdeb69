"""Digest of a part that a notebook or a script defines.

The variables of a notebook change while it runs, and so does its list of cells. The digest is
therefore made of what the part reaches at this moment: the sources of functions and classes of
`__main__`, the values of its variables, and modules beside it.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import sys
import textwrap
import time
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evenhand.declared.code import Reach
from evenhand.declared.module_sources import Sources
from evenhand.declared.object_contents import PLAIN, attributes, state_of, text_of
from evenhand.declared.syntax import BY_NAME, Import, Statement, Use
from evenhand.errors import SpecError

MAIN = "__main__"
STARTED = time.time()


def digest_of_main(make: Callable[..., Any]) -> str:
    """Digest of a function of `__main__` and of all that it reaches now."""
    reached = _Reached(getattr(inspect.unwrap(make), "__globals__", {}))
    reached.add("", make, ())
    reached.reach.digest()  # to reach all modules
    reached.add_changed_constants()
    digest = reached.reach.digest()
    for module in reached.reach.modules():
        _check_loaded(module)
    return digest


class _Reached:
    """Values of `__main__` that a part reaches."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.variables = variables
        self.reach = Reach(Sources())
        self._seen: dict[tuple[int, tuple[str, ...]], Any] = {}

    def add(self, name: str, value: Any, attributes: tuple[str, ...]) -> None:
        """Add a value under the name of the variable that holds it."""
        if isinstance(value, PLAIN):
            self.reach.values[name] = repr(value)
            return
        if (id(value), attributes) in self._seen:
            return
        # The value is kept, so that no other value gets its id.
        self._seen[id(value), attributes] = value
        value = _undecorated(value)
        if isinstance(value, types.ModuleType):
            self.reach.target(Import(value.__name__, None), attributes)
        elif getattr(value, "__module__", None) == MAIN and isinstance(value, type):
            self._add_class(name, value)
        elif getattr(value, "__module__", None) == MAIN and isinstance(value, types.FunctionType):
            self._add_function(name, value)
        elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
            top = value.__qualname__.partition(".")[0]
            self.reach.target(Import(value.__module__ or "builtins", top), attributes)
            if isinstance(value, types.FunctionType):  # a function that another one made
                self._add_cells(name, value)
        else:
            self._add_value(name, value)

    def add_changed_constants(self) -> None:
        """Add constants of the reached modules that have another value than in their file."""
        for name in self.reach.modules():
            module = sys.modules.get(name)
            path = getattr(module, "__file__", None) or ""
            for key, given in _assigned(path).items() if path.endswith(".py") else ():
                value = getattr(module, key, given)
                if isinstance(value, PLAIN) and repr(value) != repr(given):
                    self.reach.values[f"{name}.{key}"] = repr(value)

    def _add_function(self, name: str, function: types.FunctionType) -> None:
        statement = _source(function)
        if statement is None:
            code = function.__code__
            self.reach.values[f"{name}()"] = _fingerprint(code)
            uses = [Use(used, ()) for used in _names(code)]
        else:
            self.reach.values[f"{name}()"] = statement.text
            self.reach.statement(statement, None)
            uses = list(statement.uses)
        for use in uses:
            if use.name in function.__globals__:
                self.add(use.name, function.__globals__[use.name], use.attributes)
        if not BY_NAME.isdisjoint(use.name for use in uses):
            for used, value in list(function.__globals__.items()):
                if used[0] != "_" and getattr(value, "__module__", None) == MAIN:
                    self.add(used, value, ())
        # The variables of the defaults may have other values by now.
        if function.__defaults__ or function.__kwdefaults__:
            self.add(f"{name}.=", [function.__defaults__, function.__kwdefaults__], ())
        self._add_cells(name, function)

    def _add_cells(self, name: str, function: types.FunctionType) -> None:
        cells = function.__closure__ or ()
        for free, cell in zip(function.__code__.co_freevars, cells, strict=True):
            try:
                self.add(f"{name}.{free}", cell.cell_contents, ())
            except ValueError:  # a variable that is not bound yet
                continue

    def _add_class(self, name: str, made: type) -> None:
        for base in made.__bases__:
            self.add(f"{name}.{base.__name__}", base, ())
        statement = _source(made)
        if statement is not None:
            # A statement further below may have given an attribute of the class another value.
            plain = {k: v for k, v in vars(made).items() if isinstance(v, PLAIN) and k[0] != "_"}
            self.reach.values |= {f"{name}.{key}": repr(value) for key, value in plain.items()}
            self.reach.values[f"{name}()"] = statement.text
            self.reach.statement(statement, None)
            for use in statement.uses:
                if use.name in self.variables:
                    self.add(use.name, self.variables[use.name], use.attributes)
            return
        # Python finds no source of a class of a notebook, but that of each of its methods.
        for key, member in sorted(vars(made).items()):
            if isinstance(member, PLAIN) and key.startswith("__"):
                continue
            for i, function in enumerate(_functions(member)):
                self.add(f"{name}.{key}.{i}", function, ())
            if isinstance(member, PLAIN):
                self.add(f"{name}.{key}", member, ())
        self.add(f"{name}.fields", _fields(made), ())

    def _add_value(self, name: str, value: Any) -> None:
        parts: dict[str, Any] | None = None
        if isinstance(value, list | tuple):
            parts = {f"[{i}]": inner for i, inner in enumerate(value)}
        elif isinstance(value, dict):
            parts = {f"[{key!r}]": inner for key, inner in value.items()}
        elif isinstance(value, set | frozenset):
            parts = {"": str(sorted(map(repr, value)))}
        elif isinstance(value, functools.partial):
            parts = {".func": value.func, ".args": value.args, ".keywords": value.keywords}
        elif isinstance(value, types.MethodType):
            parts = {".__func__": value.__func__, ".__self__": value.__self__}
        elif hasattr(value, "state_dict") and hasattr(value, "forward"):
            parts = state_of(value)
        elif type(value).__module__ == MAIN or dataclasses.is_dataclass(value):
            parts = {f".{key}": inner for key, inner in attributes(value)}
        self.add(f"{name}.type", type(value), ())
        if parts is None:
            self.reach.values[name] = text_of(value)
            return
        self.reach.values[name] = f"{type(value).__name__}: {', '.join(parts)}"
        for key, inner in parts.items():
            self.add(f"{name}{key}", inner, ())


def _undecorated(value: Any) -> Any:
    """The function behind `functools.wraps`, `lru_cache` and the like."""
    return inspect.unwrap(value) if callable(value) and not isinstance(value, type) else value


def _functions(member: Any) -> Iterator[types.FunctionType]:
    """The functions of a method, property, or class or static method."""
    found = [member, getattr(member, "__func__", None)]
    found += [getattr(member, name, None) for name in ("fget", "fset", "fdel", "func")]
    yield from (inner for inner in found if isinstance(inner, types.FunctionType))


def _fields(made: type) -> dict[str, Any]:
    """Annotations of a class, and the defaults of the fields of a dataclass."""
    found: dict[str, Any] = {k: str(v) for k, v in vars(made).get("__annotations__", {}).items()}
    for field in dataclasses.fields(made) if dataclasses.is_dataclass(made) else ():
        given = [v for v in (field.default, field.default_factory) if v is not dataclasses.MISSING]
        found[f"{field.name}="] = given
    return found


def _source(value: Any) -> Statement | None:
    """The statement that defines a function or class; None where Python has no source of it."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    except (OSError, TypeError, SyntaxError):  # typed at a prompt, or in the middle of a line
        return None
    return Statement.of(tree.body[0])


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _names(inner)


def _fingerprint(code: types.CodeType) -> str:
    """Instructions and constants of a function, without its lines."""
    has_docstring = sys.version_info < (3, 13) or bool(code.co_flags & 0x4000000)
    begin = int(has_docstring and isinstance(next(iter(code.co_consts), None), str))
    constants = [
        _fingerprint(c) if isinstance(c, types.CodeType) else _constant(c)
        for c in code.co_consts[begin:]
    ]
    return f"{code.co_code.hex()} {constants} {code.co_names}"


def _constant(value: Any) -> str:
    """A constant of a function; the order of a set differs between processes."""
    return str(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


def _check_loaded(name: str) -> None:
    """Raise `SpecError` for a module whose file was edited after this process had imported it.

    The part would run the earlier code under the key of the later one.
    """
    module = sys.modules.get(name)
    path = getattr(module, "__file__", None)
    if module is None or not path or Path(path).stat().st_mtime < STARTED:
        return
    try:
        code = compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        code = None
    there = {} if code is None else {c.co_qualname: _fingerprint(c) for c in _codes(code)}
    functions = [f for _, f in inspect.getmembers(module, inspect.isfunction)]
    own = [inspect.unwrap(f) for f in functions if f.__module__ == name]
    loaded = {f.__qualname__: _fingerprint(f.__code__) for f in own}
    constants = {k: v for k, v in vars(module).items() if isinstance(v, PLAIN) and k[:2] != "__"}
    given = _assigned(path)
    if all(there.get(k, v) == v for k, v in loaded.items()) and all(
        constants[k] == v for k, v in given.items() if k in constants
    ):
        return
    raise SpecError(
        f"{path}: the module {name!r} was edited after it was imported\n"
        f"  reload it with `importlib.reload({name})` or start the program again"
    )


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield inner
            yield from _codes(inner)


def _assigned(path: str) -> dict[str, Any]:
    """The constants that a file gives to its variables, each for the last time."""
    found: dict[str, Any] = {}
    try:
        body = ast.parse(Path(path).read_bytes()).body
    except (OSError, SyntaxError, ValueError):  # edited since, and not whole
        return {}
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                found[name] = value
    return found
