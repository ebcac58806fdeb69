"""Two leaderboards that the tests of every format share."""

from __future__ import annotations

import pytest

from evenhand_reports.board.leaderboard import Leaderboard, build_from
from tests.records import make_record
from tests.reports.suites import Rows, around, make_suite, scored

MEANS = {"erm": 0.65, "la": 0.72, "vs": 0.721}


@pytest.fixture(scope="session")
def small() -> Leaderboard:
    """Three methods on two problems, whole."""
    suite = make_suite(problems=({}, {"profile": "step"}))
    return build_from(suite, scored(suite, around(MEANS, sd=0.004)), location="results")


@pytest.fixture(scope="session")
def torn() -> Leaderboard:
    """Settings chosen on validation data; a record missing, one diverged, one of other data."""
    rows: Rows = {"ERM": [{}], "LA": [{"tau": 1.0}, {"tau": 2.0}], "VS": [{}]}
    suite = make_suite(rows, problems=({}, {"profile": "step"}), select={})
    records = scored(suite, around(MEANS, sd=0.004))
    records[3] = make_record(trial=records[3].trial, status="diverged")
    del records[22]
    records[-1] = make_record(trial=records[-1].trial, fingerprint="f" * 64)
    return build_from(suite, records[1:], location="results")
