"""Runs in steps, and two rows that run until they are separated."""

from __future__ import annotations

import time

import pytest

import evenhand as eh
from evenhand.errors import RunError, SpecError
from evenhand.execution.execute import Execution
from evenhand.execution.inline import run_inline
from evenhand.execution.plan import make_plan
from evenhand.execution.retries import RunTracker, run_plan
from evenhand.execution.steps import run_in_steps
from evenhand.store import Store

ROWS = ("la", "erm")


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "r")


def stepped(suite, store, next_trials, tracker=None):
    """The plan after a run in steps, and the numbers of trials of each step."""
    tracker, steps = tracker or RunTracker(lambda _: None), []

    def run(plan):
        steps.append([(t.posthoc.name if t.posthoc else "", t.seed) for t in plan.missing])
        return run_plan(plan, Execution(), store, tracker, run_inline)

    return run_in_steps(make_plan(suite, store), store, tracker, run, next_trials), steps


def test_a_step_is_chosen_when_the_one_before_has_ended(suite_of, store):
    suite = suite_of("erm", seeds=3)

    def one_more(slots, runnable):
        n = len(store.heads())
        return [t for t in suite.trials.values() if t.seed == n and n < 2]

    after, steps = stepped(suite, store, one_more)
    assert steps == [[("", 0)], [("", 1)]]
    assert (len(after.done), len(after.missing)) == (2, 1)


def test_a_network_runs_before_the_post_hoc_trial_that_is_chosen(suite_of, store):
    suite = suite_of("erm", "erm: {posthoc: tau_norm}")
    chosen = [t for t in suite.trials.values() if t.posthoc and t.seed == 1]
    after, steps = stepped(suite, store, lambda _, keys: [t for t in chosen if t.key in keys])
    assert [sorted(step) for step in steps] == [[("", 1), ("tau_norm", 1)]]
    assert {t.seed for t in after.done} == {1}


def test_steps_in_which_nothing_ends_are_not_repeated(suite_of, store):
    suite, calls = suite_of("erm"), []
    plan, tracker = make_plan(suite, store), RunTracker(lambda _: None)
    every = list(suite.trials.values())
    after = run_in_steps(plan, store, tracker, calls.append, lambda *_: every)
    assert len(calls) == 1
    assert len(after.missing) == 2


def seeds_of(store, suite, rows=ROWS, most=6):
    after = eh.plan(suite, store, until_separated=rows, max_seeds=most)
    return {m.row: m.done for m in after.methods}


def test_two_rows_run_until_they_are_separated_and_a_rerun_runs_nothing(suite_of, store):
    suite, ended = suite_of("erm", "la", "raises", seeds=3), []
    options = {"inline": True, "until_separated": ROWS, "max_seeds": 6}
    after = eh.run(suite, store, on_event=lambda e: ended.append(e.kind), **options)

    found = eh.separation(suite, store, ROWS, max_seeds=6)
    [line] = found.to_lines()
    assert found.is_over
    assert after.missing == after.failed == ()
    # Beyond the last look no seed was spent, and the other row was left alone.
    assert seeds_of(store, suite) == {"la": line["seeds"], "erm": line["seeds"]}
    assert ended.count("ended") == 2 * line["seeds"] == len(store.heads())

    ended.clear()
    eh.run(suite, store, on_event=lambda e: ended.append(e.kind), **options)
    assert ended == []


def test_a_run_that_was_stopped_comes_to_the_same_verdict(suite_of, store, tmp_path):
    suite, other = suite_of("erm", "la", seeds=3), Store.open(tmp_path / "other")
    options = {"inline": True, "until_separated": ROWS, "max_seeds": 6}
    eh.run(suite, other, **options)

    def stop(event):
        if event.kind == "ended" and len(store.heads()) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        eh.run(suite, store, on_event=stop, **options)
    assert 4 <= len(store.heads()) < len(other.heads())
    eh.run(suite, store, **options)

    def looks(where):
        return eh.separation(suite, where, ROWS, max_seeds=6).to_lines()

    assert looks(store) == looks(other)


def test_a_row_that_fails_stops_the_run_and_can_be_repeated(suite_of, store):
    suite, rows = suite_of("erm", "raises", seeds=2), ("raises", "erm")
    options = {"inline": True, "until_separated": rows, "max_seeds": 4}
    after = eh.run(suite, store, **options)
    assert (len(after.failed), len(store.heads())) == (2, 4)

    found = eh.separation(suite, store, rows, max_seeds=4)
    assert found.to_lines()[0]["verdict"] == "stopped"
    assert "before seed 0, at which raises has no score (failed" in " ".join(str(found).split())

    attempts = {key: head.attempts for key, head in store.heads().items()}
    eh.run(suite, store, **options)
    assert {key: head.attempts for key, head in store.heads().items()} == attempts
    eh.run(suite, store, retry_failed=True, **options)
    assert sum(head.attempts for head in store.heads().values()) == sum(attempts.values()) + 2


def test_a_run_within_limits_ends_where_nothing_fits(suite_of, store):
    suite = suite_of("erm", "la", seeds=2)
    options = {"inline": True, "until_separated": ROWS, "max_seeds": 5}
    after = eh.run(suite, store, until="1s", budget="0.0000001h", **options)
    assert (len(after.done), len(after.missing)) == (0, 4)
    began = time.monotonic()
    eh.run(suite, store, until="2h", budget="2h", **options)
    assert eh.separation(suite, store, ROWS, max_seeds=5).is_over
    assert time.monotonic() - began < 60


def test_a_record_has_the_command_that_made_it(suite_of, store):
    suite = suite_of("erm", "la", seeds=2)
    eh.run(suite, store, inline=True, until_separated=ROWS, max_seeds=3)
    [command] = {record.provenance.command for record in store.records(list(store.heads()))}
    assert "--until-separated la erm --max-seeds 3 --inline" in command


def test_a_plan_and_a_number_of_seeds_alone_are_refused(suite_of, store):
    suite = suite_of("erm", "la")
    with pytest.raises(RunError, match="run the suite itself with until_separated"):
        eh.run(eh.plan(suite, store), store, inline=True, until_separated=ROWS)
    with pytest.raises(SpecError, match="max_seeds is 9, and no rows are to be separated"):
        eh.run(suite, store, inline=True, max_seeds=9)


def test_the_largest_cost_has_further_seeds_of_one_setting(suite_file, store):
    path = suite_file("erm", "la: {tau: {grid: [1, 2, 4]}}", seeds=2)
    suite = eh.open_suite(path, changes="select={on: val}")
    planned = eh.plan(suite, store, until_separated=ROWS, max_seeds=5)
    assert {m.row: m.missing for m in planned.methods} == {"erm": 5, "la": 3 * 2 + 3}
    eh.run(suite, store, inline=True, until_separated=ROWS, max_seeds=5)
    [line] = eh.separation(suite, store, ROWS, max_seeds=5).to_lines()
    assert line["verdict"] in ("separated", "not separated")
    further = [r.trial for r in store.records(list(store.heads())) if r.trial.seed >= 2]
    assert len({t.method.settings["tau"] for t in further if t.method.name == "la"}) <= 1
