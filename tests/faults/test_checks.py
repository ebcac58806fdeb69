"""Each check finds what it is made for."""

from __future__ import annotations

import pytest

from evenhand.store import Store
from evenhand.store.leases import Lease
from tests.faults.checks import FIELDS, journal_problems, record_problems, run_problems
from tests.faults.schedules import Fault
from tests.records import make_record

A, B = "n1 7", "n2 8"


def line(what, process=A, **more):
    return {"key": "k", "what": what, "process": process, **more}


START, SAVE, DONE = line("start", state=None), line("save", state=1), line("record", status="done")


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        ([START, SAVE, DONE], []),
        ([START, SAVE, line("start", B, state=1), line("record", B, status="done")], []),
        ([START, START, DONE], []),
        ([START, SAVE, START, DONE], ["k did not resume from its last state"]),
        ([START, SAVE, DONE, START], ["k was started again after its record"]),
        ([START, DONE, DONE], ["k has 2 finished records"]),
        (
            [START, line("start", B, state=None), SAVE, line("record", B, status="done")],
            [f"k was trained by {A} and {B} at once"],
        ),
    ],
)
def test_the_journal_shows_what_is_trained_twice(lines, problems):
    assert journal_problems(lines) == problems


def fault(kind):
    return Fault(kind, share=0.5, delay=0.0, seconds=1.0, node=2)


@pytest.mark.parametrize(
    ("code", "text", "kinds", "problems"),
    [
        (0, "12 done", ["worker killed"], []),
        (130, "the run is stopped", ["driver stopped by SIGTERM"], []),
        (-9, "1 of 12 done", ["driver killed"], []),
        (1, "1 failed", ["trial hangs", "node joins"], []),
        (2, "wrong", ["disk full"], ["the message does not name disk full: wrong"]),
        (1, "1 failed", ["node killed"], ["exit code 1 after node killed: 1 failed"]),
        (1, "", [], ["exit code 1 after nothing: nothing was printed"]),
        (
            0,
            "Traceback (most",
            ["node killed"],
            ["a traceback or a line of Ray was printed after node killed"],
        ),
    ],
)
def test_an_exit_code_and_a_message_must_fit_what_was_hit(code, text, kinds, problems):
    assert run_problems(code, text, [fault(kind) for kind in kinds]) == problems


def test_records_must_be_whole_alike_and_without_a_lease(tmp_path):
    store = Store.open(tmp_path)
    good, failed = make_record(), make_record(method="la", status="failed")
    for record in (good, failed):
        store.write(record)
    reference = {r.key: r.model_dump_json(include=FIELDS) for r in (good, failed)}
    missing = "0" * 32
    keys = [good.key, failed.key, missing]
    found = record_problems(keys, store, reference)
    assert found == [f"{missing} has no record", f"{failed.key} is failed: {failed.exit.cause}"]

    lease = store.leases.take(Lease(key=good.key, run="run", user="me"))
    assert lease is not None
    wrong = reference | {good.key: "{}"}
    assert record_problems([good.key], store, wrong) == [
        f"{failed.key} is a record of no trial",
        f"{good.key} differs from the undisturbed run",
        f"{good.key} has a lease left, of {lease.holder}",
    ]
