from __future__ import annotations

import itertools

import pytest

from evenhand.execution.schedule import duration, fitting


def by_hand(generations, slots):
    """Each trial goes to the slot with the least work so far; generations wait for each other."""
    total = 0.0
    for trials in generations:
        work = [0.0] * slots
        for seconds in trials:
            work[work.index(min(work))] += seconds
        total += max(work)
    return total


@pytest.mark.parametrize("slots", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "generations", [[[5.0, 4.0, 3.0, 3.0, 1.0]], [[2.0, 2.0, 2.0], [1.0]], [[], [3.0, 1.0]], []]
)
def test_the_duration_is_that_of_trials_given_to_the_slot_that_is_free_first(generations, slots):
    assert duration(generations, slots) == pytest.approx(by_hand(generations, slots))


def test_a_budget_holds_whole_seeds_of_all_methods_first(suite_of):
    trials = list(suite_of("erm", "la", "vs", seeds=3).trials.values())

    def chosen(seconds, slots):
        found = fitting(trials, lambda _: 10.0, seconds=seconds, slots=slots)
        return [(trial.seed, trial.method.name) for trial in found]

    order = [*itertools.product(range(3), ("erm", "la", "vs"))]
    assert chosen(61.0, 1) == order[:6]
    assert chosen(30.0, 2) == order[:6]
    assert chosen(75.0, 1) == order[:7]
    assert chosen(9.9, 1) == []


def test_a_shorter_trial_may_take_what_a_longer_one_leaves_of_the_budget(suite_of):
    trials = list(suite_of("erm", "la", seeds=2).trials.values())
    seconds = {"erm": 10.0, "la": 50.0}
    found = fitting(trials, lambda t: seconds[t.method.name], seconds=30.0, slots=1)
    assert [(t.seed, t.method.name) for t in found] == [(0, "erm"), (1, "erm")]


def test_no_trial_is_chosen_without_its_estimate_or_without_its_teacher(teachers):
    trials = [trial for pair in teachers for trial in pair]
    students = [trial for trial in trials if trial.parent is not None]
    assert len(students) == 2

    every = fitting(trials, lambda _: 1.0, seconds=4.0, slots=1)
    assert len(every) == 4

    def only_students(trial):
        return 1.0 if trial.parent is not None else None

    assert fitting(trials, only_students, seconds=100.0, slots=1) == ()
    assert fitting(students, only_students, seconds=100.0, slots=1) == tuple(students)


def test_students_wait_for_all_teachers_in_the_time_that_a_budget_expects(teachers):
    trials = [trial for pair in teachers for trial in pair]
    # Two slots: teachers take 10 s and students as long, one generation after the other.
    found = fitting(trials, lambda _: 10.0, seconds=19.0, slots=2)
    assert [trial.generation for trial in found] == [0, 0]
    assert len(fitting(trials, lambda _: 10.0, seconds=20.0, slots=2)) == 4


@pytest.fixture
def teachers(suite_of):
    """Teachers and their students, of two seeds."""
    from evenhand.declared.trial import Teacher

    found = []
    for trial in suite_of("erm", seeds=2).trials.values():
        student = trial.model_copy(update={"teacher": Teacher(method=trial.method)})
        found.append((student.parent, student))
    return found
