from __future__ import annotations

import itertools

import pytest

from evenhand.execution.schedule import MOST_LONGER, duration, fitting, in_order


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


def on_problem(trial, name):
    problem = trial.problem.model_copy(update={"name_suffix": name})
    return trial.model_copy(update={"problem": problem})


def test_trials_of_one_problem_follow_each_other_and_the_most_work_comes_first(suite_of):
    trials = [
        on_problem(trial, name)
        for trial in suite_of("erm", "la", "vs", seeds=2).trials.values()
        for name in ("a", "b")
    ]
    seconds = {"a": 1.0, "b": 1.2, "erm": 70.0, "la": 100.0, "vs": 120.0}

    def estimate(trial):
        return seconds[trial.method.name] * seconds[trial.problem.name_suffix]

    for slots in (1, 2):
        found = [
            (t.problem.name_suffix, t.method.name)
            for t in in_order(trials, estimate, slots=slots)[::2]
        ]
        assert found == [*itertools.product("ba", ("vs", "la", "erm"))]
    by_seed = in_order(trials, estimate, by_seed=True)
    assert [t.seed for t in by_seed] == [0] * 6 + [1] * 6


def test_the_longest_come_first_where_problem_by_problem_would_take_longer(suite_of):
    # Eight slots: three trials of 100 s on the problem with less work must not wait for the other.
    trials = [*suite_of("erm", "la", seeds=9).trials.values()]
    trials = [on_problem(t, "a" if t.method.name == "erm" else "b") for t in trials]
    short, long = trials[:9] * 4, trials[9:12]
    seconds = {"a": 20.0, "b": 100.0}

    order = in_order([*short, *long], lambda t: seconds[t.problem.name_suffix], slots=8)

    assert order[:3] == long


def test_trials_without_an_estimate_come_first_problem_by_problem(suite_of):
    one, two = suite_of("erm", seeds=2).trials.values()
    trials = [on_problem(t, name) for t in (one, two) for name in ("a", "b")]
    order = in_order(trials, lambda t: None)
    assert [t.problem.name_suffix for t in order] == ["a", "a", "b", "b"]


@pytest.mark.parametrize("slots", [1, 2, 8, 64])
@pytest.mark.parametrize("spread", [1, 4])
def test_an_order_by_problem_takes_hardly_longer_than_the_longest_first(suite_of, slots, spread):
    # Times over some powers of two on four problems.
    trials = [*suite_of("erm", "la", "vs", seeds=40).trials.values()]
    trials = [on_problem(trial, "abcd"[i % 4]) for i, trial in enumerate(trials)]
    times = {t.key: 10.0 * 2 ** (spread * (i * 0.618 % 1)) for i, t in enumerate(trials)}

    order = in_order(trials, lambda t: times[t.key], slots=slots)

    longest_first = duration([sorted(times.values(), reverse=True)], slots)
    assert duration([[times[t.key] for t in order]], slots) <= MOST_LONGER * longest_first


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
    for limit in ({"seconds": 30.0, "slots": 1}, {"total_seconds": 30.0, "slots": 8}):
        found = fitting(trials, lambda t: seconds[t.method.name], **limit)
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
