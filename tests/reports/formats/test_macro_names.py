"""Names of macros: words for digits, signs and Greek letters, whatever the order of the rows."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, permutations

import pytest

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.formats.latex_macros import macros
from evenhand_reports.formats.macro_names import macro_names

ALIKE = [("a-b", "p"), ("a b", "p"), ("A b", "p"), ("vs", "p")]
"""The first three have the same words."""

DEFINITION = re.compile(r"\\newcommand\{\\(\w+)\}\{(.*)\} % (.*)")


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("vs(tau=1.25)", "VsTauOnePointTwoFive"),
        ("vs(tau=-1.25)", "VsTauMinusOnePointTwoFive"),
        ("λ=1", "LambdaOne"),
        ("γ=1", "GammaOne"),
        ("Λ=1", "CapitalLambdaOne"),
        ("VS+1", "VSPlusOne"),
        ("VS-1", "VSMinusOne"),
        ("VS−1", "VSMinusOne"),
        ("VS+", "VSPlus"),
        ("VS-", "VSMinus"),
        ("VS*", "VSStar"),
        ("lr=1e-3", "LrOneEMinusThree"),
        ("lr=1e3", "LrOneEThree"),
        ("erm @resnet32-40ep", "ErmAtResnetThreeTwoFourZeroEp"),
        ("ldam_drw", "LdamDrw"),
        ("théorie", "Theorie"),
        ("✓", "CheckMark"),
        ("你", "CjkUnifiedIdeographFourFSixZero"),
    ],
)
def test_digits_signs_and_letters_of_other_alphabets_are_words(row: str, name: str) -> None:
    [found] = macro_names("E", [(row, "exp-100")]).values()

    assert found == f"E{name}ExpOneZeroZero"


def test_rows_of_the_same_words_have_letters_that_depend_on_the_row_alone() -> None:
    names = macro_names("E", ALIKE)

    assert names["vs", "p"] == "EVsP"
    assert len({*names.values()}) == len(ALIKE)
    # The letters are those of the place's SHA-256 in base 26, so that every report has them.
    assert names["a-b", "p"] == "EABPXquekgnub"
    assert all(name.isalpha() for name in names.values())


def test_the_order_of_the_rows_changes_no_name() -> None:
    assert len({tuple(sorted(macro_names("E", o).items())) for o in permutations(ALIKE)}) == 1


def test_no_name_moves_to_another_row_where_rows_are_added_or_removed() -> None:
    owners: dict[str, set[tuple[str, ...]]] = {}
    for n in (2, 3, 4):
        for some in combinations(ALIKE, n):
            for place, name in macro_names("E", some).items():
                owners.setdefault(name, set()).add(place)

    # A name without letters of the digest belongs to whichever of the rows is in the suite alone.
    assert owners.pop("EABP") == set(ALIKE[:3])
    assert all(len(places) == 1 for places in owners.values())


def test_each_macro_has_its_row_and_problem_beside_it(small: Leaderboard) -> None:
    definitions = DEFINITION.findall(macros(small))
    places = {f"{row} on {problem}" for row, problem in small.results}

    assert definitions
    for _, _, origin in definitions:
        row, _, where = origin.partition(", ")
        assert f"{row} on {where.rpartition(' on ')[2]}" in places


def test_re_ordering_rows_changes_no_macro(small: Leaderboard) -> None:
    problem = small.problems[0]
    results = [small.results[place] for place in list(small.results)[:3]]
    places = [("λ=1", problem), ("γ=1", problem), ("γ-1", problem)]
    found = {place: replace(r, row=place[0]) for place, r in zip(places, results, strict=True)}
    backwards = dict(reversed(found.items()))
    texts = [macros(replace(small, results=order, compared=order)) for order in (found, backwards)]

    assert sorted(DEFINITION.findall(texts[0])) == sorted(DEFINITION.findall(texts[1]))


def test_a_line_break_in_a_name_stays_in_its_comment(small: Leaderboard) -> None:
    [(row, problem), *_] = small.results
    found = {("a\n\\input{x}", problem): replace(small.results[row, problem], row="a\n\\input{x}")}

    text = macros(replace(small, results=found, compared=found))

    assert not [line for line in text.splitlines() if line and line[0] not in "%\\"]
    assert "\n\\input" not in text
