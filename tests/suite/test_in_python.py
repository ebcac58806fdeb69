"""A suite built in Python is the suite of the same keys in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from evenhand.errors import SpecError
from evenhand.suite.resolve import Suite, open_suite
from tests.suite.suite_text import TEXT, with_

KEYS = yaml.safe_load(TEXT)


def test_the_same_keys_give_the_same_trials(tmp_path):
    (tmp_path / "small.yaml").write_text(TEXT)
    read = open_suite(tmp_path / "small.yaml")
    built = Suite(**KEYS)
    assert built.trials == read.trials
    assert built.configurations == read.configurations
    assert built.declaration == read.declaration
    assert built.source == ""


def test_tuples_ranges_arrays_and_paths_are_what_they_stand_for(tmp_path):
    usual = Suite(**KEYS | {"seeds": [0, 1]})
    for seeds in ((0, 1), range(2), np.arange(2)):
        assert Suite(**KEYS | {"seeds": seeds, "data": Path(tmp_path)}).trials == usual.trials


@pytest.mark.parametrize(
    ("line", "wrong", "facts"),
    [
        ("seeds: 2", "seeds: 0", ["Suite: seeds", "at least 1"]),
        ("baseline: erm", "baseline: nobody", ["Suite: baseline", "nobody"]),
        ("primary: ", "primery: ", ["primery", "did you mean 'primary'"]),
    ],
)
def test_a_mistake_is_told_with_the_path_of_its_key(line, wrong, facts):
    assert line in TEXT
    with pytest.raises(SpecError) as error:
        Suite(**yaml.safe_load(with_(line, wrong)))
    assert all(fact in str(error.value) for fact in facts), str(error.value)


def test_a_mistake_in_a_method_names_its_place():
    with pytest.raises(SpecError) as error:
        Suite(**KEYS | {"methods": ["erm", {"vs": {"gama": 1}}]})
    assert "methods[1].vs.gama" in str(error.value)


def test_it_is_shown_in_a_line():
    shown = repr(Suite(**KEYS))
    assert shown.startswith(f"<Suite {KEYS['suite']} v")
    assert len(shown) < 80


def test_a_number_in_single_precision_is_the_number_that_was_written():
    usual = Suite(**KEYS | {"methods": ["erm", {"la": {"tau": 0.1}}]})
    single = Suite(**KEYS | {"methods": ["erm", {"la": {"tau": np.float32(0.1)}}]})
    assert single.trials == usual.trials
