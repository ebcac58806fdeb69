"""What a suite makes of the user's own files: columns, images, splits and duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from evenhand.cli.output import console

if TYPE_CHECKING:
    from evenhand.declared.record import DataSummary
    from evenhand.declared.trial import Problem
    from evenhand.suite.resolve import Suite


class OwnData(NamedTuple):
    """The data of a problem on a user's own files."""

    summary: DataSummary | None
    """Data at the first seed; None where the files are not here."""
    path: Path
    """The file or folder."""


def read_own(suite: Suite, data: str | Path | None) -> dict[str, OwnData]:
    """Read the files of every problem on data of the user's own, by the name of the problem.

    data    folder or URL of data sets; None: the suite's `data:`, else the user's cache

    Raises `DataError` for files that cannot be read rightly or do not fit their problem, and
    `SpecError` for methods that the data do not suit.
    """
    from evenhand.data.files.data_root import use_data_root

    with use_data_root(data, suite.declaration.data):
        paths = {problem.name: (problem, _path(problem)) for problem in _own(suite)}
        here = [problem for problem, path in paths.values() if path.exists()]
        summaries = _summaries(suite, here)
    return {name: OwnData(summaries.get(name), path) for name, (_, path) in paths.items()}


def print_own(found: dict[str, OwnData]) -> None:
    """Print the data of each problem, with what was done to them."""
    from rich.table import Table
    from rich.text import Text

    from evenhand.declared.data_sentences import Fact, describe_data, describe_sizes

    for name, own in found.items():
        console().print(Text(f"\n{name}", style="bold"), soft_wrap=True)
        if own.summary is None:
            text = Text(f"  not read: {own.path} does not exist on this machine")
            console().print(text, soft_wrap=True)
            continue
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for fact in [Fact("data", describe_sizes(own.summary)), *describe_data(own.summary)]:
            grid.add_row(f"  {fact.heading}", Text(fact.text))
        console().print(grid)


def as_json(found: dict[str, OwnData]) -> dict[str, Any]:
    """The data of each problem for `--json`; None where the files are not here."""
    return {
        name: None if own.summary is None else own.summary.model_dump(mode="json")
        for name, own in found.items()
    }


def _own(suite: Suite) -> list[Problem]:
    """The problems on files of the user's own, each once."""
    from evenhand.declared.registry import REGISTRY

    problems = {c.problem.name: c.problem for c in suite.configurations}
    return [
        problem
        for problem in problems.values()
        if REGISTRY.get("dataset", problem.dataset.name).facts.get("own_files")
    ]


def _path(problem: Problem) -> Path:
    from evenhand.data.files.data_root import own_file

    return own_file(str(problem.dataset.settings["path"]))


def _summaries(suite: Suite, problems: list[Problem]) -> dict[str, DataSummary]:
    if not problems:
        return {}
    from evenhand.execution.preflight import check_data, load_data, seeds_of

    trials = list(suite.trials.values())
    loaded = load_data(problems, seeds_of(trials), suite.declaration.vary)
    check_data(suite, trials, loaded.sources)
    return loaded.summaries
