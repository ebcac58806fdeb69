"""`grid:` multiplies, `sample:` draws."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from evenhand.errors import SpecError
from evenhand.suite.expand import expand

DRAWN = {"sample": 8, "tau": {"uniform": [0.5, 2.0]}, "gamma": {"loguniform": [0.01, 0.5]}}
PINNED = [{"tau": 1.848, "gamma": 0.01052}, {"tau": 0.7179, "gamma": 0.01037}]


def test_a_declaration_without_settings_is_one_setting():
    assert expand({}, seed="s") == [{}]


def test_plain_values_are_left_alone():
    plain = {"a": 1, "b": [1, 2], "c": {"mlp": {"hidden": 8}}, "d": None}
    assert expand(plain, seed="s") == [plain]


def test_grids_multiply_the_last_one_fastest():
    settings = {"tau": {"grid": [1, 2]}, "b": 0, "gamma": {"grid": ["x", "y"]}}
    assert expand(settings, seed="s") == [
        {"tau": t, "b": 0, "gamma": g} for t in (1, 2) for g in ("x", "y")
    ]


def test_a_list_is_a_list():
    assert expand({"a": [1, 2]}, seed="s") == [{"a": [1, 2]}]


def test_a_grid_may_hold_parts_with_settings():
    values = ["linear", {"mlp": {"hidden": 8}}]
    assert expand({"backbone": {"grid": values}}, seed="s") == [{"backbone": v} for v in values]


def test_sample_draws_as_many_different_settings_within_bounds():
    settings = expand(DRAWN, seed="s")
    assert len(settings) == 8
    assert len({tuple(s.items()) for s in settings}) == 8
    assert all(list(s) == ["tau", "gamma"] for s in settings)
    assert all(0.5 <= s["tau"] <= 2 and 0.01 <= s["gamma"] <= 0.5 for s in settings)
    assert all(float(f"{v:.4g}") == v for s in settings for v in s.values())


def test_draws_depend_on_the_seed_alone():
    assert expand(DRAWN, seed="s") == expand(DRAWN, seed="s")
    assert expand(DRAWN, seed="s") != expand(DRAWN, seed="t")


def test_draws_are_the_same_in_another_process():
    code = f"from evenhand.suite.expand import expand; print(expand({DRAWN!r}, seed='s'))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == str(expand(DRAWN, seed="s"))


def test_draws_are_pinned():
    """Another number here means that every sampled suite would train other settings."""
    assert expand(DRAWN | {"sample": 2}, seed="suite/1/vs") == PINNED


def test_a_larger_sample_begins_with_the_smaller_one():
    assert expand(DRAWN | {"sample": 20}, seed="s")[:8] == expand(DRAWN, seed="s")


def test_a_setting_added_beside_changes_no_other():
    more = expand(DRAWN | {"beta": {"normal": [0, 1]}, "fixed": 3}, seed="s")
    assert [s["tau"] for s in more] == [s["tau"] for s in expand(DRAWN, seed="s")]


def test_a_sample_times_a_grid_multiplies():
    settings = expand({"sample": 3, "tau": {"uniform": [0, 1]}, "b": {"grid": [1, 2]}}, seed="s")
    assert len(settings) == 6
    assert [s["b"] for s in settings] == [1, 2] * 3
    assert len({s["tau"] for s in settings}) == 3


def draws(distribution, n=400):
    # Beside a fine uniform draw all settings differ, however few values this one has.
    wide = {"sample": n, "v": distribution, "other": {"uniform": [0, 1e6]}}
    return [s["v"] for s in expand(wide, seed="s")]


def test_uniform_fills_its_range_evenly():
    values = draws({"uniform": [2, 4]})
    assert abs(sum(values) / len(values) - 3) < 0.1
    assert min(values) < 2.05
    assert max(values) > 3.95


def test_loguniform_is_uniform_in_the_logarithm():
    values = [math.log10(v) for v in draws({"loguniform": [1e-4, 1]})]
    assert abs(sum(values) / len(values) + 2) < 0.2


def test_normal_has_its_mean_and_deviation():
    values = draws({"normal": [5, 2]})
    mean = sum(values) / len(values)
    deviation = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
    assert abs(mean - 5) < 0.3
    assert abs(deviation - 2) < 0.2


def test_integer_includes_both_ends_and_choice_every_value():
    assert set(draws({"integer": [1, 4]})) == {1, 2, 3, 4}
    assert all(type(v) is int for v in draws({"integer": [1, 4]}))
    assert set(draws({"choice": ["a", None, 2.5]})) == {"a", None, 2.5}


def test_rounding_does_not_leave_the_bounds():
    assert max(draws({"uniform": [0.99990, 0.99999]})) <= 0.99999


def test_every_mistake_of_an_entry_is_found():
    with pytest.raises(SpecError) as raised:
        expand({"a": {"grid": []}, "b": {"unifrom": [1, 2]}, "c": {"uniform": [2, 1]}}, seed="s")
    assert [m.where[0] for m in raised.value.mistakes] == ["a", "b", "c"]


def test_a_mapping_where_mappings_are_written_is_no_distribution():
    given = {"sam": {"rho": [0.1, 0.2]}, "schedule": {"step": {"drops": [[0.5, 0.1]]}}}
    assert expand(given, seed="s", mappings=("sam", "schedule")) == [given]
    with pytest.raises(SpecError, match="no distribution is called 'unifrom'"):
        expand({"sam": {"unifrom": [0.1, 0.2]}}, seed="s", mappings=("sam",))
    with pytest.raises(SpecError, match="no distribution is called 'rho'"):
        expand({"tau": {"rho": [0.1, 0.2]}}, seed="s", mappings=("sam",))


def test_a_grid_may_hold_mappings_and_nothing():
    values = [{"rho": [0.1, 0.2]}, 0.1, None]
    found = expand({"sam": {"grid": values}}, seed="s", mappings=("sam",))
    assert [given["sam"] for given in found] == values
