"""The generated reference covers what is registered and declared."""

from __future__ import annotations

import pytest
from evenhand_docs import (
    building_blocks,
    command_line,
    declarations,
    pages,
    public_api,
    suites,
)
from evenhand_docs.bibliography import references
from evenhand_docs.composition import changes, composition
from evenhand_docs.introductions import PAGES

import evenhand
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.suite.declaration import shipped


def test_the_page_of_methods_has_every_method_and_setting():
    text = pages.methods()

    for entry in REGISTRY.all("method"):
        assert f"\n### `{entry.name}`\n" in text
        for name in entry.settings:
            assert f"| `{name}` |" in text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_parts_has_every_part(name):
    kind, title, intro = PAGES[name]
    text = pages.of_kind(kind, title, intro)()

    for entry in REGISTRY.all(kind):
        assert f"\n## `{entry.name}`\n" in text


def test_the_page_of_recipes_has_every_field_of_every_recipe():
    text = declarations.recipes()
    n_recipes = len(list(REGISTRY.all("recipe")))

    for field in Recipe.model_fields:
        if field != "name":
            assert text.count(f"| `{field}` |") == n_recipes + 1  # one row explains the field


def test_every_key_of_a_suite_is_explained():
    rows = [line for line in declarations.suite_schema().splitlines() if line.startswith("| `")]

    assert rows
    assert [row for row in rows if row.split("|")[2].strip() == ""] == []


def test_no_type_of_a_suite_file_stands_twice_in_a_choice():
    pages_of_types = declarations.suite_schema(), declarations.recipes()
    rows = [line.split(" | ") for page in pages_of_types for line in page.splitlines()]
    choices = [row[2].split(" or ") for row in rows if len(row) == 4]

    assert ["text", "mapping from text to text"] in choices
    assert [choice for choice in choices if len(set(choice)) < len(choice)] == []


def test_the_page_of_suites_has_every_shipped_suite():
    text = suites.shipped_suites()

    assert [name for name in shipped() if f"\n## `{name}`\n" not in text] == []


def test_the_page_of_commands_has_the_commands_of_data():
    text = command_line.command_line()

    assert "## `evenhand run`" in text
    assert "## `evenhand data prepare`" in text
    assert "`--results DIR|URL`".replace("|", r"\|") in text


def test_every_reference_has_authors_title_and_year():
    for reference in references().values():
        assert reference.full.endswith(f"{reference.fields['year']}.")
        assert reference.fields["title"] in reference.full


def test_a_method_of_two_stages_is_shown_with_its_vectors():
    text = composition(REGISTRY.get("method", "vs_tla_adrw"))

    first, second = text.split("- Stage 2")
    assert "CountPower(gamma=0.15)" in first
    assert "β = 1" in second
    assert "PriorPower(nu=0.15)" in second


@pytest.mark.parametrize(
    ("name", "what"),
    [("cvar_dro", "CVaR"), ("dro", "GroupDRO"), ("focal", "focal loss")],
)
def test_a_part_is_summarised_by_words_or_by_its_acronym(name, what):
    method = REGISTRY.make("method", REGISTRY.part("method", name))

    assert changes(method) == what


def test_the_page_of_losses_has_the_vectors_with_their_formulas():
    text = building_blocks.building_blocks()

    for name in ("VectorScaling", "LogPrior", "GroupDRO", "CellWeighted", "GroupMargin"):
        assert f"\n### `{name}`\n" in text
    assert "LogPrior(tau)" in text
    assert "BoundVectorScaling" not in text


def test_the_page_of_the_python_api_has_every_public_name():
    text = public_api.public_api()

    for name in evenhand.__all__:
        is_module = name in ("losses", "metrics")
        assert (f"## `evenhand.{name}`" if is_module else f":: evenhand.{name}\n") in text
    for name in evenhand.losses.__all__:
        assert f":: evenhand.losses.{name}\n" in text
