"""Every printed table has a protocol whose facts our recipes and suites follow."""

from __future__ import annotations

import csv

import pytest

from evenhand.declared.record import RULES
from evenhand.declared.registry import REGISTRY
from evenhand.suite.resolve import open_suite
from evenhand_reports.papers import published
from evenhand_reports.papers.protocols import FILE, TUNING, protocol_of

PROTOCOLS = {(n.paper, n.table, n.dataset): protocol_of(n) for n in published.rows()}


def test_every_table_has_one_protocol_for_each_data_set_and_no_other() -> None:
    with FILE.open(encoding="utf-8", newline="") as stream:
        places = [(x["paper"], x["table"], x["dataset"]) for x in csv.DictReader(stream)]

    assert len(places) == len(set(places)) == 26
    assert set(places) == set(PROTOCOLS)


@pytest.mark.parametrize("place", PROTOCOLS, ids=" ".join)
def test_the_facts_of_a_protocol_are_those_of_its_recipe(place: tuple[str, str, str]) -> None:
    protocol = PROTOCOLS[place]
    assert protocol.checkpoint in (None, *RULES)
    assert protocol.tuned_on in TUNING
    assert protocol.source
    if not protocol.recipe:
        return
    recipe = REGISTRY.get("recipe", protocol.recipe).make()
    assert protocol.epochs in (None, recipe.epochs)
    depth = protocol.network.removeprefix("ResNet-")
    assert f"resnet{depth}" in str(recipe.backbone)


SUITES = {
    "kini2021_table1": "kini2021label",
    "kini2021_table2": "kini2021label",
    "li2021_table1": "li2021autobalance",
    "narasimhan2021_table2": "narasimhan2021training",
    "narasimhan2021_table5": "narasimhan2021training",
    "wang2023_table1": "wang2023unified",
}


@pytest.mark.parametrize("name", SUITES)
def test_the_shipped_suite_of_a_table_follows_its_protocol(name: str) -> None:
    table = f"Table {name[-1]}"
    for cell in open_suite(name).configurations:
        numbers = published.numbers_for(cell.problem, [SUITES[name]])
        [protocol] = {protocol_of(number) for number in numbers if number.table == table}
        recipe = REGISTRY.get("recipe", protocol.recipe).make()

        assert (cell.problem.val, cell.recipe.train_on) == (protocol.val, protocol.train_on)
        assert protocol.selection in (None, cell.problem.selection)
        without = {"name", "sam", "train_on"}
        assert cell.recipe.model_dump(exclude=without) == recipe.model_dump(exclude=without)


def test_words_name_what_is_not_known() -> None:
    [words] = {p.words for (_, table, data), p in PROTOCOLS.items() if (table, data) == FEATURES}

    assert words == (
        "network not stated, 500 epochs, epoch of the number not stated, tuning not stated, "
        "held out: half of the training images in the search"
    )


FEATURES = ("Table 3", "Waterbirds")


def test_the_numbers_without_a_deviation_in_a_table_with_deviations_are_quoted() -> None:
    for number in published.rows(paper="kini2021label"):
        assert bool(number.quoted_from) == (number.std is None)
        assert (number.n_runs is None) == bool(number.quoted_from)


def test_wang_table_2_has_two_rows_of_its_own() -> None:
    rows = [n for n in published.rows(paper="wang2023unified") if n.table == "Table 2"]

    assert {n.method for n in rows if not n.quoted_from} == {"SAM", "Ours"}


def test_half_a_digit_is_that_of_the_printed_number() -> None:
    found = {n.printed: (n.half_digit, n.std_half_digit) for n in published.rows()}

    assert found["71.94 ± 0.38"] == pytest.approx((5e-5, 5e-5))
    assert found["78.8 ± 0.2"] == pytest.approx((5e-4, 5e-4))
    assert found["0.750"] == pytest.approx((5e-4, 0.0))
