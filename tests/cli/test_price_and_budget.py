"""`plan --price`, `run --until` and `run --budget` as a person types them."""

from __future__ import annotations

import json

import pytest

from evenhand.errors import RunError
from tests.cli.test_commands import evenhand, here, small

__all__ = ["here"]


def test_a_plan_without_records_prints_how_to_price_it(here):
    shown = small("plan").replace("\n", " ")
    assert "no estimate of the time" in shown
    assert "`evenhand plan small.yaml" in shown
    assert "--price` times a few steps" in shown


def test_a_priced_plan_has_a_time_and_names_what_has_none(here):
    shown = small("plan", "--price", "--slots", "2").replace("\n", " ")
    assert "4 trials priced by steps timed on this machine" in shown
    assert "not priced: 2 trials of quick on blobs-exp-4-n40: a method of somebody's own" in shown

    shown = small("plan", "--price", "--slots", "2", "--only", "method=erm").replace("\n", " ")
    assert "with 2 at a time, timed on CPUs" in shown
    assert "no estimate" not in shown


def test_a_priced_plan_fits_on_80_columns(here):
    shown = small("plan", "--price", "--only", "method=erm")
    # Only commands and paths, which are copied, are not broken.
    long = [line for line in shown.splitlines() if len(line) > 80 and "store:" not in line]
    assert long == []


def test_the_json_of_a_priced_plan_has_seconds_and_causes(here):
    found = json.loads(
        small("plan", "--price", "--json", "--only", "method=erm", "--only", "method=raises")
    )
    assert found["estimated_seconds"] is None
    assert [(u["trials"], u["recipe"]) for u in found["unpriced"]] == [(2, "quick")]
    by_row = {m["row"]: m["remaining_seconds"] for m in found["methods"]}
    assert by_row["erm"] > 0
    assert by_row["raises"] is None


def test_a_plan_prints_the_cost_that_its_suite_states(here):
    text = (here / "small.yaml").read_text()
    (here / "small.yaml").write_text(text + "cost: three methods, two seeds\n")
    assert "cost: three methods, two seeds" in small("plan")
    assert json.loads(small("plan", "--json"))["cost"] == "three methods, two seeds"


def test_shipped_suites_are_listed_with_their_cost():
    shown = " ".join(evenhand("list", "suites").split())
    assert "cost: 6 methods × 1 problem × 5 seeds = 30 trials" in shown


@pytest.mark.parametrize("option", ["--until", "--budget"])
def test_limits_that_hold_every_trial_change_nothing(here, option):
    shown = small("run", "--inline", option, "1h", "--only", "method=erm")
    assert "2 done, 0 failed" in shown
    assert " runs them without limits" not in shown


@pytest.mark.parametrize(("option", "limit"), [("--until", "0.01s"), ("--budget", "0.001s")])
def test_limits_that_hold_no_trial_end_with_exit_code_1_and_the_command(here, option, limit):
    shown = small("run", "--inline", option, limit, "--only", "method=erm", code=1)
    assert "0 done, 0 failed" in shown
    assert "no trial is expected to fit" in shown
    assert "2 trials left" in shown
    # The command that runs the rest does so where this one did.
    assert "`evenhand run small.yaml --only method=erm" in shown
    assert " --inline` runs them without limits" in shown
    assert not (here / "results").exists() or not list((here / "results").rglob("record.json"))


def test_a_trial_without_a_price_waits_for_records_of_other_methods(here):
    shown = small("run", "--inline", "--until", "1h", code=1)
    assert "4 of 6 trials are expected to fit: trials are to end by" in shown
    assert "4 done, 2 failed" in shown
    assert "not priced: 2 trials of quick on blobs-exp-4-n40: a method of somebody's own" in shown


def test_a_trial_without_any_estimate_is_left_by_a_limit(here):
    shown = small("run", "--inline", "--until", "1h", "--only", "method=raises", code=1)
    assert "0 done, 0 failed" in shown
    assert "2 trials left" in shown


def test_a_limit_in_json_ends_with_the_numbers_of_trials(here):
    out = small("run", "--inline", "--budget", "0.001s", "--json", code=1)
    *_, last = map(json.loads, out.splitlines())
    assert last == {"kind": "over", "done": 0, "failed": 0, "missing": 6, "blocked": 0}


def test_a_run_and_a_plan_print_how_much_of_the_budget_is_used(here):
    shown = small("run", "--inline", "--budget", "0.5h", "--only", "method=erm")
    assert "less than 0.01 of 0.5 core-hours are used" in shown
    shown = small("plan", "--budget", "0.5h")
    assert "less than 0.01 of 0.5 core-hours are used" in shown
    used = json.loads(small("plan", "--json"))["used"]
    assert used["gpu_hours"] == 0.0
    assert 0.0 < used["core_hours"] < 0.5


@pytest.mark.parametrize("text", ["soon", "0m", "10 minutes", "40"])
def test_a_budget_that_is_no_time_is_refused(here, text):
    with pytest.raises(RunError, match=r"--budget .* is no time"):
        small("run", "--inline", "--budget", text)
    with pytest.raises(RunError, match=r"--until .* is no (time|moment)"):
        small("run", "--inline", "--until", text)


def test_a_pack_has_no_more_trials_than_run_at_a_time(here):
    with pytest.raises(RunError, match=r"(?s)at most 2 .*--pack 2 or --max-concurrent 4"):
        small("run", "--inline", "--pack", "4", "--max-concurrent", "2")
    assert "2 done" in small("run", "--inline", "--max-concurrent", "1", "--only", "method=erm")
