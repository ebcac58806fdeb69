"""`evenhand data prepare|check|list`: data sets that a run finds on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import AsJson, Plugins, load_plugins
from harness.cli.output import console, errors, print_json, some_of
from harness.errors import DataError

if TYPE_CHECKING:
    from harness.data.original import Original
    from harness.data.prepared import Prepared

Name = Annotated[str, typer.Argument(metavar="NAME", help="A data set, e.g. cifar10.")]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        "--data",
        metavar="DIR",
        envvar="EVENHAND_DATA",
        help="Where prepared data sets are kept; by default ~/.cache/evenhand.",
    ),
]

app = typer.Typer(
    help="Prepare data sets once, check them, list them.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def prepare(
    name: Name,
    root: Root = None,
    place: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR|FILE",
            help="The official files, folders of images or Parquet files; else it is downloaded.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Make it anew where it is already there.")
    ] = False,
    plugin: Plugins = None,
    json: AsJson = False,
) -> None:
    """Download a data set, or convert files of it, once; any number may do so at a time."""
    from harness.data.preparing import prepare_once

    load_plugins(plugin)
    original = _original(name)
    where = None if place is None else place.expanduser()
    if (_root(root) / name).exists() and not again:
        errors().print(f"{name} was prepared before; --again makes it anew", soft_wrap=True)
    _show(original, prepare_once(original, _root(root), place=where, again=again), json)


@app.command()
def check(name: Name, root: Root = None, plugin: Plugins = None, json: AsJson = False) -> None:
    """Verify every byte of a prepared data set, and say what it holds."""
    from harness.data.original import verify
    from harness.data.prepared import find

    load_plugins(plugin)
    original = _original(name)
    prepared = find(name, _root(root))
    verify(original, prepared.source, str(prepared.folder))
    _show(original, prepared, json)


@app.command("list")
def list_data(root: Root = None, plugin: Plugins = None, json: AsJson = False) -> None:
    """Say which data sets have to be prepared, and which of them are."""
    from harness.spec.registry import REGISTRY

    load_plugins(plugin)
    where = _root(root)
    rows = [
        {"name": entry.name, "status": _status(entry.facts.get("original"), where)}
        for entry in REGISTRY.all("dataset")
    ]
    if json:
        print_json({"root": str(where), "datasets": rows})
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        console().print(f"{row['name']:{width}}  {row['status']}", soft_wrap=True)
    console().print(f"in {where}", soft_wrap=True)


def _status(original: Original | None, root: Path) -> str:
    """One line; the bytes are not read."""
    from harness.data.prepared import find

    if original is None:
        return "needs no preparing"
    if not (root / original.name).exists():
        return "not prepared"
    try:
        source = find(original.name, root, checked=False).source
    except DataError as error:
        return str(error).partition("\n")[0]
    return f"prepared: {len(source.train):,} of {source.n_whole:,} training images"


def _root(given: Path | None) -> Path:
    from harness.data.root import data_root, rooted

    with rooted(given):
        return data_root()


def _original(name: str) -> Original:
    """Raises `SpecError` for an unknown name, `DataError` for one that needs no preparing."""
    from harness.spec.registry import REGISTRY

    original: Original | None = REGISTRY.get("dataset", name).facts.get("original")
    if original is None:
        there = [e.name for e in REGISTRY.all("dataset") if e.facts.get("original")]
        raise DataError(f"{name} needs no preparing\n  these do: {', '.join(there)}")
    return original


def _show(original: Original, prepared: Prepared, json: bool) -> None:
    found = _found(original, prepared)
    if json:
        print_json(found)
        return
    source, contents = prepared.source, prepared.contents
    lines = [
        f"{original.name}: {len(source.train):,} of {source.n_whole:,} training images, "
        f"{len(source.test):,} test images"
    ]
    if found["short"]:
        lines.append(f"short of training images: {some_of(found['short'])}")
    if found["official_test"] is not None:
        what = "" if found["official_test"] else "not "
        lines.append(f"test images: {what}the official ones, bit for bit")
    if not source.in_official_order:
        lines.append("not in the official order, which a suite's `selection:` needs")
    lines.append(f"made of {contents.origin}")
    lines.append(f"in {prepared.folder}, fingerprint {contents.fingerprint}")
    console().print("\n  ".join(lines), soft_wrap=True, markup=False)


def _found(original: Original, prepared: Prepared) -> dict[str, Any]:
    source, contents = prepared.source, prepared.contents
    train = source.train.counts(len(source.classes), 1)[:, 0].tolist()
    by_name = dict(zip(source.classes, train, strict=True))
    return {
        "name": original.name,
        "folder": str(prepared.folder),
        "fingerprint": contents.fingerprint,
        "origin": contents.origin,
        "prepared": contents.prepared,
        "in_official_order": source.in_official_order,
        "official_test": original.has_official_test(source),
        "train": by_name,
        "test": len(source.test),
        "short": [f"{name} {n:,}" for name, n in by_name.items() if n < original.train],
    }
