"""`evenhand data features`: a table with the features of images under a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evenhand.cli.data_options import From, Root, original_of, root_of
from evenhand.cli.options import AsJson, Plugins, load_plugins
from evenhand.cli.output import console, errors, print_json
from evenhand.errors import DataError

if TYPE_CHECKING:
    from evenhand.data.images import Source


def features(
    name: Annotated[
        str,
        typer.Argument(metavar="DATA", help="A data set as in a suite, for example waterbirds."),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The table to write, .npz or .parquet.")
    ],
    backbone: Annotated[
        str, typer.Option("--backbone", metavar="MODEL", help="The name of a model in timm.")
    ] = "resnet18.tv_in1k",
    weights: Annotated[
        Path | None,
        typer.Option("--weights", metavar="FILE", help="A file with the weights. Default: timm's."),
    ] = None,
    pretrained: Annotated[
        bool, typer.Option(help="Use pretrained weights, or random ones.")
    ] = True,
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="The number of images in a batch.")
    ] = 128,
    root: Root = None,
    place: From = None,
    plugin: Plugins = None,
    json: AsJson = False,
) -> None:
    """Extract features of images with a network.

    The features are the network's output before its head. They are written as a table, which the
    data set `table` reads.
    """
    import torch

    from evenhand.data.files.feature_table import check_form, save, splits
    from evenhand.train.extraction import Extractor

    load_plugins(plugin)
    check_form(out)
    source = _source(name, root_of(root), place)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    extractor = Extractor.of(
        backbone, source, weights=weights, pretrained=pretrained, device=device
    )
    parts = splits(source)
    with _progress(sum(map(len, parts.values()))) as told:
        found = {k: extractor.features(v, batch=batch, told=told) for k, v in parts.items()}
    save(out, source, found)
    counts = {split: len(array) for split, array in found.items()}
    said = {
        "file": str(out),
        "features": int(found["train"].shape[1]),
        "rows": counts,
    }
    if json:
        print_json(said)
        return
    rows = ", ".join(f"{split} {n:,}" for split, n in counts.items())
    console().print(
        f"{out}: {said['features']} features of {backbone}; rows: {rows}", soft_wrap=True
    )


def _source(given: str, root: Path | str, place: Path | None) -> Source:
    """The data set of a name, or of a name with settings: `celeba: {label: Smiling}`."""
    import yaml
    from pydantic import ValidationError

    from evenhand.data.files.data_root import use_data_root
    from evenhand.data.files.preparing import prepare_once
    from evenhand.data.splits import load
    from evenhand.declared.registry import REGISTRY
    from evenhand.suite.declaration import Named

    try:
        named = Named.model_validate(yaml.safe_load(given))
    except (ValidationError, yaml.YAMLError):
        raise DataError(f"{given}: write a data set's name, or `name: {{setting: …}}`") from None
    if place is not None:
        prepare_once(original_of(named.name), root, place=place.expanduser())
    with use_data_root(root):
        part = REGISTRY.part("dataset", named.name, named.settings)
        return load(part)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing in a pipe."""
    from rich.progress import Progress

    with Progress(console=errors(), transient=True, disable=not errors().is_terminal) as bar:
        task = bar.add_task("images", total=total)
        yield lambda n: bar.advance(task, n)
