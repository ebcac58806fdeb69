"""The command that makes a number again keeps exactly the trials behind it."""

from __future__ import annotations

import shlex

import pytest

from evenhand.suite.only import restrict
from evenhand.suite.resolve import Suite
from evenhand_reports.board.provenance import parse_command, rerun, rerun_configuration
from tests.records import make_record
from tests.suite.suite_text import TEXT, resolved, with_

GRIDS = TEXT.replace("recipe: digits", "recipe: {digits: {lr: {grid: [0.1, 0.05]}}}").replace(
    "  - la: {tau: 1.0}",
    "  - la: {tau: {grid: [0.5, 1.0]}}\n"
    "  - vs\n"
    "  - vs: {tau: 1.25}\n"
    "  - ldam_drw: {start: {grid: [0.5, 0.8]}}",
)
SELECT = "select: {on: val}\n"


def filters(command: str) -> list[str]:
    words = shlex.split(command)
    return [words[i + 1] for i, word in enumerate(words) if word == "--only"]


@pytest.mark.parametrize("text", [TEXT, GRIDS, GRIDS + SELECT], ids=["plain", "grids", "select"])
def test_the_command_of_a_cell_keeps_that_cell_alone(text: str) -> None:
    suite: Suite = resolved(text)

    for cell in suite.configurations:
        assert restrict(
            suite, filters(rerun_configuration("small.yaml", cell, []))
        ).configurations == (cell,)


def test_the_command_of_a_cell_can_be_read() -> None:
    suite = resolved(GRIDS + SELECT)
    cell = next(c for c in suite.configurations if c.setting == "tau=0.5, lr=0.05")

    assert rerun_configuration("small.yaml", cell, []) == (
        "evenhand run small.yaml --only row=la,tau=0.5,lr=0.05,problem=digits-exp-10 "
        "--results rerun"
    )


def test_the_command_of_a_trial_names_its_key() -> None:
    suite = resolved(with_("recipe: digits", "recipe: {digits: {lr: {grid: [0.1, 0.05]}}}"))

    for cell in suite.configurations:
        for trial in cell.trials:
            [kept] = restrict(suite, filters(rerun(make_record(trial=trial)))).configurations
            assert kept.trials == (trial,)


@pytest.mark.parametrize(
    ("command", "suite", "plugins"),
    [
        ("evenhand run a.yaml", "a.yaml", ()),
        ("evenhand run --inline a.yaml --plugin p.py", "a.yaml", ("p.py",)),
        ("evenhand run --results out --plugin=p.py 'my a.yaml'", "my a.yaml", ("p.py",)),
        ("evenhand run a.yaml --plugin p.py --plugin 'q r.py'", "a.yaml", ("p.py", "q r.py")),
        ("evenhand run a.yaml --only it's", "a.yaml", ()),
        ("pytest tests/execution", "", ()),
        ("", "", ()),
    ],
)
def test_a_recorded_command_says_what_it_ran(
    command: str, suite: str, plugins: tuple[str, ...]
) -> None:
    record = make_record(provenance={"command": command})

    assert parse_command(record) == (suite, plugins)


def test_plugins_come_along() -> None:
    cell = resolved().configurations[0]
    record = make_record(
        trial=cell.trials[0], provenance={"command": "evenhand run x.yaml --plugin 'my parts.py'"}
    )

    assert rerun_configuration("x.yaml", cell, [record, None]).startswith(
        "evenhand run x.yaml --plugin 'my parts.py' --only row=erm,"
    )
    assert rerun(record).startswith("evenhand run x.yaml --plugin 'my parts.py' --only key=")


def test_without_a_command_the_name_of_the_suite_is_all_there_is() -> None:
    record = make_record(provenance={"command": "", "suite": "cifar-lt v1"})

    assert rerun(record).startswith("evenhand run cifar-lt --only")
