"""`--until-separated` as a person types it."""

from __future__ import annotations

import json

import pytest

from evenhand.errors import SpecError
from tests.cli.test_commands import here, small

__all__ = ["here"]

ROWS = ("--until-separated", "la", "erm", "--max-seeds", "4")
RAISES = ("--until-separated", "raises", "erm", "--max-seeds", "4")


def test_a_run_ends_with_the_comparison_that_the_report_prints(here):
    shown = small("run", "--inline", *ROWS)
    assert "small: at most 8 trials to run" in shown
    report = small("report", *ROWS)
    assert shown.endswith(report)
    assert not (here / "report").exists()
    assert all(len(line) <= 80 for line in report.splitlines())
    assert small("run", "--inline", *ROWS).endswith(report)


def test_a_comparison_that_is_not_over_ends_with_exit_code_1(here):
    assert "to be run" in small("report", *ROWS, code=1)
    shown = small("run", "--inline", *RAISES, code=1)
    assert "stopped" in shown
    assert "at which raises has no score (failed: " in " ".join(shown.split())


def test_the_plan_is_that_of_the_largest_number_of_seeds(here):
    shown = small("plan", *ROWS)
    assert "8 trials: 0 done, 8 missing, 0 failed" in shown
    assert "--until-separated la erm --max-seeds 4 --price" in " ".join(shown.split())
    assert "this is the largest cost" in shown


def test_the_events_of_a_run_end_with_the_comparison(here):
    *_, last, over = map(json.loads, small("run", "--inline", "--json", *ROWS).splitlines())
    assert over["kind"] == "over"
    assert last["kind"] == "separation"
    [pair] = last["pairs"]
    assert (pair["first"], pair["second"], pair["problem"]) == ("la", "erm", "blobs-exp-4-n40")
    assert pair["bound"] < 0.05


@pytest.mark.parametrize("command", ["run", "plan", "report"])
def test_a_number_of_seeds_without_rows_is_refused(here, command):
    with pytest.raises(SpecError, match="add --until-separated ROW ROW, or leave out --max-seeds"):
        small(command, "--max-seeds", "4")
