"""Requests for room, as an autoscaler sees them that meets a request in whole or not at all."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
import ray

from evenhand.execution import ray_scaling
from evenhand.execution.events import Event
from evenhand.execution.execute import Execution
from evenhand.execution.node_places import TYPE_RESOURCE, Node
from evenhand.execution.placing import Placing
from evenhand.execution.provenance import Gpu
from evenhand.execution.ray_nodes import Nodes
from evenhand.execution.ray_scaling import Demand, Mailbox
from evenhand.execution.resources import Resources

QUARTER = {"CPU": 1.0, "GPU": 0.25}
T4, H100 = Gpu("Tesla T4", 16.0), Gpu("NVIDIA H100 80GB HBM3", 80.0)


@dataclass
class Requests:
    """A handle of a mailbox that keeps the requests."""

    made: list[list[dict[str, float]]] = field(default_factory=list)

    @property
    def request(self) -> SimpleNamespace:
        return SimpleNamespace(remote=self.made.append)


def entry(name, gpus=1.0, kind="", cpus=8.0):
    types = {f"{TYPE_RESOURCE}{kind}": 1.0} if kind else {}
    return {"NodeID": name, "Alive": True, "Resources": {"CPU": cpus, "GPU": gpus, **types}}


@pytest.fixture
def trials(suite_of):
    return [*suite_of("erm", seeds=12).trials.values()]


@pytest.fixture
def demand(monkeypatch):
    def make(packs, *there, accelerators=(), left_out=(), execution=None):
        monkeypatch.setattr(ray, "nodes", lambda: [*there])
        usable = {node["NodeID"]: Node.of(node) for node in there if node["NodeID"] not in left_out}
        nodes = Nodes(SimpleNamespace(gpus=0.25), print, 1.0, accelerators, usable)
        nodes.left_out = dict.fromkeys(left_out, "it is broken")
        taken = Resources(1.0, 0.25)
        placing = Placing(Resources(), taken)
        placing.begin(packs, execution or Execution(), taken)
        return Demand(Requests(), placing, nodes)

    return make


@pytest.mark.parametrize(("left", "limit"), [(40, 6), (8, 6), (3, 100), (5000, 200)])
def test_a_cluster_grows_to_its_limit_or_to_what_the_trials_need(demand, left, limit):
    ours, capacity, per_node = demand([]), 2, 2
    for _ in range(60):
        names = frozenset(str(i) for i in range(capacity // per_node))
        n = min(left, capacity) + ours.growth(max(0, left - capacity), names)
        assert n <= left
        if n <= limit:
            capacity = max(capacity, math.ceil(n / per_node) * per_node)
    assert capacity == min(limit, math.ceil(left / per_node) * per_node)


def test_less_is_requested_as_packs_end_however_often_an_event_is_sent(demand, trials):
    ours = demand([tuple(trials[i : i + 4]) for i in (0, 4, 8)], entry("aa"))
    assert len(ours.bundles()) == 3
    for _ in range(3):
        for trial, kind in zip(trials, ["ended", "left", "held", "ended"], strict=False):
            ours.placing.see(Event(kind, trial.key))
    ours.placing.see(Event("ended", trials[4].key))
    assert len(ours.bundles()) == 2
    # A trial that needs a whole GPU runs in a later round.
    for trial in trials[5:8]:
        ours.placing.see(Event("again", trial.key))
    assert len(ours.bundles()) == 1


def test_the_share_of_each_process_is_that_of_its_placement(demand, suite_of, trials):
    posthoc = suite_of("erm", "erm: {posthoc: la_posthoc}", seeds=1).trials.values()
    [applied] = [trial for trial in posthoc if trial.posthoc]
    whole = Execution(whole_gpu=frozenset([trials[1].key]))
    packs = [(trials[0],), (applied,), (trials[1],)]
    shares = [{"CPU": 1.0, "GPU": 1.0}, {"CPU": 1.0}, QUARTER]
    # The first two fit on the node.
    assert demand(packs, entry("aa"), execution=whole).bundles() == shares

    # The memory of a workload is measured, with cards of two sizes in the cluster.
    ours = demand([(trial,) for trial in trials], entry("aa"), entry("bb"))
    ours.nodes.usable = {"aa": Node("aa", 8.0, 1.0, gpu=T4), "bb": Node("bb", 8.0, 1.0, gpu=H100)}
    done = {"status": "done", "seconds": 1.0, "gpu": H100.name}
    ours.placing.see(Event("ended", trials[0].key, **done, gpu_memory_gib=4.0))
    assert ours.bundles() == [{"CPU": 1.0, "GPU": 0.5}] * 11
    # One that ran out of its share gives a whole GPU to those like it.
    ours.placing.see(Event("again", trials[1].key))
    assert {bundle["GPU"] for bundle in ours.bundles()} == {1.0}


def test_room_is_requested_on_nodes_of_the_types_that_were_asked_for(demand, trials):
    nodes = entry("aa", kind="H100"), entry("bb", kind="A100"), entry("cc", gpus=8.0, kind="T4")
    packs = [(trial,) for trial in trials]
    made = demand(packs, *nodes, accelerators=("h100", "A100")).bundles()
    # Each of the two has room for four; what is added is of the first type.
    h100, a100 = (QUARTER | {f"{TYPE_RESOURCE}{kind}": 0.001} for kind in ("H100", "A100"))
    assert made == [h100] * 4 + [a100] * 4 + [h100] * 4


def test_nodes_that_are_left_out_are_no_room_for_trials(demand, trials):
    packs, nodes = [(trial,) for trial in trials], [entry("aa"), entry("bb", gpus=2.0)]
    # An autoscaler counts the eight places of a node that is left out.
    assert len(demand(packs, *nodes, left_out=["bb"]).bundles()) == 12 + 8
    # Without a need for another node, they are not requested.
    assert len(demand(packs[:4], *nodes, left_out=["bb"]).bundles()) == 4
    # A node that joins is room as soon as it is there, before its check has ended.
    joins = demand(packs, *nodes)
    del joins.nodes.usable["bb"]
    assert len(joins.bundles()) == 12


def test_the_request_is_sent_at_each_look_and_withdrawn_in_the_end(demand, trials, monkeypatch):
    monkeypatch.setattr(ray_scaling, "REQUEST_SECONDS", 0.01)
    ours, until = demand([(trials[0],)], entry("aa")), time.monotonic() + 30
    with ours.requested():
        while len(ours.mailbox.made) < 3 and time.monotonic() < until:
            time.sleep(0.01)
    made = ours.mailbox.made
    # Another run, or a head that starts again, may have replaced the first.
    assert made[:3] == [[QUARTER]] * 3
    assert made[-1] == []


def test_the_end_of_a_run_is_its_own_where_the_cluster_is_lost(demand):
    def lost(_):
        raise ray.exceptions.RaySystemError("the cluster is lost")

    ours = demand([])
    ours._request([QUARTER])
    ours.mailbox = SimpleNamespace(request=SimpleNamespace(remote=lost))
    with pytest.raises(KeyboardInterrupt), ours.requested():
        raise KeyboardInterrupt


def test_a_look_that_goes_on_after_the_end_requests_nothing(demand, trials, monkeypatch):
    monkeypatch.setattr(ray_scaling, "REQUEST_SECONDS", 0.01)
    begun, goes_on, is_back = threading.Event(), threading.Event(), threading.Event()
    ours = demand([(trials[0],)])

    def slow_nodes():
        begun.set()
        assert goes_on.wait(30)
        is_back.set()
        return [entry("aa")]

    monkeypatch.setattr(ray, "nodes", slow_nodes)
    with ours.requested():
        assert begun.wait(30)
    goes_on.set()
    assert is_back.wait(30)
    time.sleep(0.1)
    # Without a request of its own, there is nothing to withdraw but that of another run.
    assert ours.mailbox.made == []


def test_the_mailbox_hands_a_request_to_the_autoscaler(monkeypatch):
    seen = []

    def request_resources(bundles: list[dict[str, float]]) -> None:
        seen.extend(bundles)

    monkeypatch.setattr("ray.autoscaler.sdk.request_resources", request_resources)
    Mailbox().request([{"CPU": 2}, {"CPU": 1}])
    assert seen == [{"CPU": 2}, {"CPU": 1}]
