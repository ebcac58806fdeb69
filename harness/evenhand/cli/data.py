"""`evenhand data`: prepare, check and list the data sets that a run reads from disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evenhand.cli.data_options import From, Name, Root, original_of, root_of
from evenhand.cli.features import features
from evenhand.cli.options import AsJson, Plugins, load_plugins
from evenhand.cli.output import console, errors, print_json
from evenhand.errors import DataError, listed

if TYPE_CHECKING:
    from evenhand.data.files.original import Original
    from evenhand.data.files.prepared import Prepared
    from evenhand.data.images import Source
    from evenhand.declared.registry import Registered
    from evenhand.remote.urls import Bucket

MOST_CLASSES = 8

app = typer.Typer(
    help="Prepare, check and list data sets; extract features of images.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def prepare(
    name: Name,
    root: Root = None,
    place: From = None,
    again: Annotated[
        bool, typer.Option("--again", help="Prepare the data set again if it is prepared already.")
    ] = False,
    plugin: Plugins = None,
    json: AsJson = False,
) -> None:
    """Download a data set, or convert files of it.

    The result is a folder that every run reads. Several processes may prepare the same data set
    at the same time; one of them does the work.
    """
    from evenhand.data.files.preparing import prepare_once

    load_plugins(plugin)
    original = original_of(name)
    where = None if place is None else place.expanduser()
    target = root_of(root)
    if isinstance(target, Path) and (target / name).exists() and not again:
        errors().print(
            f"{name} is prepared already; add --again to prepare it again", soft_wrap=True
        )
    _show(original, prepare_once(original, target, place=where, again=again), json)


@app.command()
def check(name: Name, root: Root = None, plugin: Plugins = None, json: AsJson = False) -> None:
    """Verify every byte of a prepared data set and print its counts.

    From object storage it is fetched first, as a run does it.
    """
    from evenhand.data.files.original import verify
    from evenhand.data.files.prepared import find

    load_plugins(plugin)
    original = original_of(name)
    prepared = find(name, root_of(root))
    verify(original, prepared.source, str(prepared.folder))
    _show(original, prepared, json)


@app.command("list")
def list_data(root: Root = None, plugin: Plugins = None, json: AsJson = False) -> None:
    """List the data sets and whether they are prepared."""
    from evenhand.declared.registry import REGISTRY

    load_plugins(plugin)
    from evenhand.data.files.data_root import shown
    from evenhand.data.files.fetching import open_root

    where = root_of(root)
    place = where if isinstance(where, Path) else open_root(where)
    rows = [
        {"name": entry.name, "status": _status(entry, place)} for entry in REGISTRY.all("dataset")
    ]
    if json:
        print_json({"root": shown(where), "datasets": rows})
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        console().print(f"{row['name']:{width}}  {row['status']}", soft_wrap=True)
    kind = "folder" if isinstance(where, Path) else "object storage"
    console().print(f"{kind}: {shown(where)}", soft_wrap=True)


app.command()(features)


def _status(entry: Registered, root: Path | Bucket) -> str:
    """The state of a data set in one line. The bytes of its files are not read."""
    from evenhand.data.files.prepared import find

    original: Original | None = entry.facts.get("original")
    if original is None:
        return str(entry.facts.get("comes", "needs no preparation"))
    if not isinstance(root, Path):
        return _status_there(original.name, root)
    if not (root / original.name).exists():
        return "not prepared"
    try:
        source = find(original.name, root, checked=False).source
    except DataError as error:
        return str(error).partition("\n")[0]
    return f"prepared: {_training(source)}"


def _status_there(name: str, bucket: Bucket) -> str:
    """The state of a data set in object storage, from where nothing else is fetched."""
    from evenhand.data.files.fetching import MissingError, read_contents

    try:
        contents = read_contents(bucket, name).contents
    except MissingError:
        return "not prepared"
    except DataError as error:
        return str(error).partition("\n")[0]
    return f"prepared: {contents.n_bytes / 1e9:,.3g} GB, fingerprint {contents.fingerprint}"


def _training(source: Source) -> str:
    """Number of training images, and of the complete data set where that is known."""
    whole = "" if source.per_class is None else f" of {source.n_whole:,}"
    return f"{len(source.train):,}{whole} training images"


def _show(original: Original, prepared: Prepared, json: bool) -> None:
    found = _found(original, prepared)
    if json:
        print_json(found)
        return
    source, contents = prepared.source, prepared.contents
    lines = [f"{original.name}: {_training(source)}, {len(source.test):,} test images"]
    if found["short"]:
        lines.append(
            f"classes with missing training images: {listed(found['short'], MOST_CLASSES)}"
        )
    if found["official_test"] is not None:
        what = "equal to" if found["official_test"] else "different from"
        lines.append(f"test images: {what} the official ones, compared bit for bit")
    if not source.in_official_order:
        lines.append("not in the official order, which the suite key `selection` needs")
    lines += _cells(found)
    lines.append(f"made from {contents.origin}")
    lines.append(f"folder {prepared.folder}, fingerprint {contents.fingerprint}")
    console().print("\n  ".join(lines), soft_wrap=True)


def _cells(found: dict[str, Any]) -> list[str]:
    """Number of images in each cell of data with groups, compared with the published numbers."""
    if "cells" not in found:
        return []
    lines = [
        f"{split}: "
        + "; ".join(
            f"{row}: " + ", ".join(f"{g} {n:,}" for g, n in by_group.items())
            for row, by_group in of_split.items()
        )
        for split, of_split in found["cells"].items()
    ]
    if found["as_published"] is not None:
        what = "equal to" if found["as_published"] else "DIFFERENT from"
        lines.append(f"these counts are {what} the published ones")
    return lines


def _found(original: Original, prepared: Prepared) -> dict[str, Any]:
    source, contents = prepared.source, prepared.contents
    train = source.train.counts(len(source.classes), len(source.groups)).sum(1).tolist()
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
        "short": [f"{name} {n:,}" for name, n in by_name.items() if n < (original.train or 0)],
        **_of_groups(original, source),
    }


def _of_groups(original: Original, source: Source) -> dict[str, Any]:
    from evenhand.data.files.original import counted

    if len(source.groups) == 1:
        return {}
    counts = {split: cells.tolist() for split, cells in counted(source).items()}
    published = {split: [list(row) for row in rows] for split, rows in original.published.items()}
    return {
        "cells": {
            split: {
                c: dict(zip(source.groups, row, strict=True))
                for c, row in zip(source.classes, rows, strict=True)
            }
            for split, rows in counts.items()
        },
        "as_published": counts == published if published else None,
    }
