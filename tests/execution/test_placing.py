"""Choice of a place for each trial, and the time of runs whose clock is simulated."""

from __future__ import annotations

import heapq
from collections import deque
from types import SimpleNamespace

import pytest

from evenhand.execution import placing as module
from evenhand.execution.events import Event
from evenhand.execution.execute import Execution
from evenhand.execution.measured import Measured
from evenhand.execution.node_places import Node
from evenhand.execution.placing import Placing
from evenhand.execution.provenance import Gpu
from evenhand.execution.ray_placement import Placement, free, placed
from evenhand.execution.resources import Resources

T4, H100 = Gpu("Tesla T4", 16.0), Gpu("NVIDIA H100 80GB HBM3", 80.0)
SLOW, FAST = Node("slow", cpus=8, gpus=1, gpu=T4), Node("fast", cpus=8, gpus=1, gpu=H100)
PENDING = 16
"""Trials that Tune makes before they can start."""


def begun(packs, *, resources=None, execution=None, taken=None, measured=None, leaves_cpus=True):
    quarter = taken or Resources(1.0, 0.25)
    found = Placing(resources or Resources(), quarter, measured or Measured(), leaves_cpus)
    found.begin(packs, execution or Execution(), quarter)
    return found


@pytest.fixture
def packs(suite_of):
    return [(trial,) for trial in suite_of("erm", "la", seeds=6).trials.values()]


def ended(trial, *, gib, gpu=T4.name, seconds=10.0):
    what = {"status": "done", "gpu": gpu, "gpu_memory_gib": gib, "seconds": seconds}
    return Event("ended", trial.key, **what)


def test_the_first_trial_of_a_workload_measures_the_share_of_the_others(packs):
    placing = begun(packs)
    shares = [placing.place(0, [SLOW]).bundle["GPU"]]
    placing.see(ended(packs[0][0], gib=1.0))
    shares.append(placing.place(1, [SLOW]).bundle["GPU"])
    # Another method of the workload needs more, and then every trial of it gets more.
    placing.see(ended(packs[1][0], gib=4.0))
    shares.append(placing.place(2, [SLOW]).bundle["GPU"])
    assert shares == [0.25, 0.125, 0.5]


def test_records_of_earlier_runs_measure_the_share_too(packs):
    trial = packs[0][0]
    known = Measured()
    known.add("erm", trial.workload, 5.0, T4.name, 1.0)
    assert begun(packs, measured=known).place(0, [SLOW]).bundle["GPU"] == 0.125


@pytest.mark.parametrize(
    ("how", "share"),
    [
        ({"resources": Resources(gpus=0.5), "taken": Resources(1.0, 0.5)}, 0.5),
        ({"execution": Execution(pack=3), "taken": Resources(3.0, 0.75)}, 0.75),
    ],
)
def test_a_share_that_was_asked_for_and_that_of_a_pack_stay(packs, how, share):
    placing = begun(packs, **how)
    placing.see(ended(packs[0][0], gib=1.0))
    assert placing.place(1, [SLOW]).bundle["GPU"] == share


def test_a_trial_that_ran_out_of_its_share_gets_a_whole_gpu_and_so_do_those_like_it(packs):
    first, second = packs[0][0], packs[1][0]
    placing = begun(packs)
    placing.see(ended(second, gib=1.0))
    placing.place(0, [SLOW])
    placing.see(Event("again", first.key))
    assert placing.place(2, [SLOW]).bundle["GPU"] == 1.0
    # The next round begins with it.
    placing.begin(
        [(first,), *packs[3:]], Execution(whole_gpu=frozenset([first.key])), placing.taken
    )
    assert placing.place(0, [SLOW]).bundle["GPU"] == 1.0
    placing.see(ended(first, gib=5.0))
    assert placing.place(1, [SLOW]).bundle["GPU"] == 0.5
    # A share that the user has asked for stays that of the others.
    own = begun(packs, resources=Resources(gpus=0.25))
    own.see(Event("again", first.key))
    assert own.place(1, [SLOW]).bundle["GPU"] == 0.25


def test_no_room_is_requested_for_a_pack_that_does_not_run_again(packs):
    placing = begun(packs)
    placing.place(0, [SLOW])
    n = len(placing.bundles([SLOW], 100))
    with placed(Placement(placing, None)):
        free(0)

    assert len(placing.bundles([SLOW], 100)) == n - 1
    assert 0 not in placing.assigned


def test_a_trial_that_fits_on_no_gpu_gets_a_whole_one(packs):
    placing = begun(packs)
    placing.see(ended(packs[0][0], gib=79.0, gpu=H100.name))
    assert placing.place(1, [SLOW, FAST]).nodes == {"fast"}
    assert placing.place(2, [SLOW]).bundle == {"CPU": 1.0, "GPU": 1.0}


def test_a_posthoc_method_takes_no_gpu(suite_of):
    trials = suite_of("erm", "erm: {posthoc: la_posthoc}", seeds=1).trials.values()
    [applied] = [trial for trial in trials if trial.posthoc]
    node = Node("a", cpus=4, gpus=1, unit="node:10.0.0.7", gpu=T4)
    assert begun([(applied,)]).place(0, [node]).bundle == {"CPU": 1.0, "node:10.0.0.7": 0.3333}
    # On a Ray of the run's own there is no other run; without a spare CPU, it waits like others.
    alone = begun([(applied,)], leaves_cpus=False)
    assert alone.place(0, [node]).bundle == {"CPU": 1.0}
    full = Node("a", cpus=1, gpus=1, unit="node:10.0.0.7", gpu=T4)
    assert begun([(applied,)]).place(0, [full]).bundle == {"CPU": 1.0, "GPU": 0.25}


def test_a_trial_with_a_node_to_itself_may_go_to_each_node_with_room(packs):
    placing = begun(packs, execution=Execution(whole_node=True), taken=Resources(8.0, 1.0))
    small = Node("small", cpus=4, gpus=1, gpu=T4)
    place = placing.place(0, [SLOW, FAST, small])
    assert (place.nodes, place.bundle) == ({"slow", "fast"}, {"CPU": 8.0, "GPU": 1.0})


@pytest.mark.parametrize("kind", ["ended", "left", "held", "again"])
def test_a_pack_keeps_its_place_until_the_last_of_its_trials_has_ended(packs, kind):
    first, second, third = (pack[0] for pack in packs[:3])
    placing = begun([(first, second, third)], execution=Execution(pack=3))
    placing.place(0, [SLOW])
    placing.see(Event("started", third.key))
    # An event may be sent twice.
    for trial in (first, first, second):
        placing.see(Event(kind, trial.key))
        assert placing.assigned[0].started is not None
    placing.see(Event("ended", third.key, status="failed"))
    assert not placing.assigned


def test_a_place_that_grows_keeps_the_trials_that_it_has(packs, monkeypatch):
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    placing = begun(packs)
    for index in range(6):
        placing.place(index, [FAST])
    joined = Node("joined", cpus=1, gpus=1, gpu=H100)
    [grown] = placing._places(packs[6], [FAST, joined])
    # There are five slots for the six trials.
    assert (grown.slots, placing._free_after(grown) > 0) == (5, True)


def simulated(packs, nodes, seconds, monkeypatch):
    """Seconds of a run by a simulated clock, with four trials on a GPU at a time.

    Tune makes up to `PENDING` trials ahead, each of which waits for the place that it got.
    """
    now, running, waiting, todo = [0.0], [], [], deque(range(len(packs)))
    free = {node.identity: 4 for node in nodes}
    models = {node.identity: node.gpu.name for node in nodes}
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    placing = begun(packs)

    def start_those_with_room():
        for index, place in [*waiting]:
            if name := next((name for name in sorted(place.nodes) if free[name]), ""):
                waiting.remove((index, place))
                free[name] -= 1
                placing.see(Event("started", packs[index][0].key))
                heapq.heappush(running, (now[0] + seconds[name], index, name))

    while todo or running:
        while todo and len(waiting) < PENDING:
            waiting.append(((index := todo.popleft()), placing.place(index, nodes)))
            start_those_with_room()
        now[0], index, name = heapq.heappop(running)
        free[name] += 1
        event = ended(packs[index][0], gib=None, gpu=models[name], seconds=seconds[name])
        placing.see(event)
        start_those_with_room()
    assert not waiting
    return now[0]


@pytest.mark.parametrize(
    ("n", "expected"), [(6, (20.0, 40.0)), (24, (50.0, 80.0)), (60, (120.0, 120.0))]
)
def test_a_run_on_mixed_cards_ends_no_later_than_where_any_free_card_is_taken(
    suite_of, monkeypatch, n, expected
):
    packs = [(trial,) for trial in suite_of("erm", seeds=n).trials.values()]
    seconds = {"slow": 40.0, "fast": 10.0}
    by_speed = simulated(packs, [SLOW, FAST], seconds, monkeypatch)
    monkeypatch.setattr(Node, "model", "")
    anywhere = simulated(packs, [SLOW, FAST], seconds, monkeypatch)
    # Four at a time on each: the fast card ends 0.4 trials a second, the slow one 0.1.
    assert (by_speed, anywhere) == expected
