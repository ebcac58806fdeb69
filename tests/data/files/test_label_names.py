"""Names of classes have one order, whatever they look like."""

from __future__ import annotations

import random

import pytest

from evenhand.data.files.label_names import in_order, similar_names


@pytest.mark.parametrize(
    "names",
    [
        ("1", "9", "10"),
        ("-1", "0.5", "1e5"),
        ("10", "9", "b"),
        ("1", "nan"),
        ("-inf", "1e5", "inf", "nan"),
        ("10", "1_0", "9"),
        ("9007199254740993", "9007199254740994", "18446744073709551615"),
    ],
)
def test_names_have_one_order(names):
    for seed in range(5):
        shuffled = random.Random(seed).sample(names, len(names))
        assert in_order(shuffled) == names


@pytest.mark.parametrize(
    ("first", "second"),
    [("007", "7"), ("1", "1.0"), ("Owl", "owl"), ("a b", "a  b"), ("x", "x."), ("Ａ", "a")],
)
def test_names_that_may_mean_one_thing_are_told(first, second):
    assert similar_names((first, "other", second), "classes") == (
        f"different classes: {first!r} and {second!r}",
    )


@pytest.mark.parametrize(
    ("first", "second"), [("a", "b"), ("1", "11"), (str(2**60), str(2**60 + 1)), ("C", "C++")]
)
def test_other_names_are_not(first, second):
    assert similar_names((first, second), "classes") == ()
