"""Checks of nodes; the test on a cluster starts a second node with other code."""

from __future__ import annotations

import os
import pickle
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import ray
from ray._private.label_utils import validate_label_selector
from ray.cluster_utils import Cluster

import evenhand
from evenhand.errors import ClusterLost, RunError
from evenhand.execution import ray_nodes
from evenhand.execution.events import Event
from evenhand.execution.execute import Execution
from evenhand.execution.node_checks import Expected, Findings, check_node
from evenhand.execution.node_places import TYPE_LABEL, Node
from evenhand.execution.placing import Placing
from evenhand.execution.plan import make_plan
from evenhand.execution.provenance import Commit
from evenhand.execution.ray_lost_packs import frees_places
from evenhand.execution.ray_nodes import Nodes
from evenhand.execution.ray_placement import Placement, is_stuck, place, placed
from evenhand.execution.ray_tune import on_ray
from evenhand.execution.resources import Resources
from evenhand.execution.retries import RunTracker, run_plan
from evenhand.store import Store

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def expected(tmp_path):
    store = Store.open(tmp_path / "r")
    store.check_writable()
    return Expected.of([], Execution(), store, gpus=0.0)


NODE7 = {"NodeID": "aa", "NodeManagerHostname": "node7", "NodeManagerAddress": "192.0.2.7"}
NODE7 |= {"Resources": {}}


def test_a_node_that_joins_is_checked(expected, monkeypatch):
    monkeypatch.setattr("evenhand.execution.ray_nodes.JOIN_SECONDS", 0.01)
    joined, was_checked = {"NodeID": "bb", "Alive": True, "Resources": {}}, threading.Event()
    monkeypatch.setattr(ray, "nodes", lambda: [{**joined, "NodeID": "aa"}, joined])

    def check(_, nodes):
        if [node["NodeID"] for node in nodes] == ["bb"]:
            was_checked.set()

    monkeypatch.setattr(Nodes, "_check", check)
    with Nodes(expected, print, usable={"aa": Node("aa", cpus=1.0)}).joining():
        assert was_checked.wait(60)


def test_a_node_that_does_not_share_the_results_is_found_by_both_sides(expected, tmp_path):
    (tmp_path / "r").rename(tmp_path / "not mounted")
    [problem] = check_node(expected, "node").problems
    assert "it does not share the results" in problem
    assert "mount the same folder there" in problem
    (tmp_path / "not mounted").rename(tmp_path / "r")

    # A node with a folder of its own, in which the marker was copied.
    notes = []
    nodes = Nodes(expected, lambda event: notes.append(event.cause))
    nodes._note(NODE7, Findings([]))
    assert "node7 (192.0.2.7) is left out: the driver does not see" in notes[0]
    expected.store.probe("bb")
    nodes._note(NODE7 | {"NodeID": "bb"}, Findings([]))
    assert nodes.usable.keys() == {"bb"}


def test_nodes_of_a_driver_without_a_gpu_have_the_cuda_of_the_first_one(expected):
    notes = []
    nodes = Nodes(expected, lambda event: notes.append(event.cause))
    for name, cuda in {"bb": "CUDA 13.0", "cc": None, "dd": "CUDA 12.8", "ee": "CUDA 13.0"}.items():
        expected.store.probe(name)
        nodes._note(NODE7 | {"NodeID": name}, Findings([], cuda))
    assert nodes.usable.keys() == {"bb", "cc", "ee"}
    [note] = notes
    assert "torch computes with CUDA 12.8 there, and with CUDA 13.0 elsewhere" in note


def test_a_node_that_is_lost_during_its_check_is_not_called_broken(expected, monkeypatch):
    monkeypatch.setattr(ray_nodes, "DEATH_SECONDS", 0.5)
    monkeypatch.setattr(ray, "get", lambda *_, **__: raise_(ray.exceptions.WorkerCrashedError()))
    seen = iter([True, False])
    monkeypatch.setattr(ray, "nodes", lambda: [{"NodeID": "aa", "Alive": next(seen)}])
    notes = []
    nodes = Nodes(expected, lambda event: notes.append(event.cause))

    nodes._note(NODE7, ray_nodes._answer(None, 0.0, "aa"))
    # Ray may raise this some time before it counts the node as dead.
    died = ray.exceptions.NodeDiedError("the node is dead")
    monkeypatch.setattr(ray, "get", lambda *_, **__: raise_(died))
    monkeypatch.setattr(ray, "nodes", lambda: [{"NodeID": "aa", "Alive": True}])
    nodes._note(NODE7, ray_nodes._answer(None, 0.0, "aa"))

    [note] = notes
    assert note == "node7 (192.0.2.7) was lost during its check; it is checked if it returns"
    assert not nodes.left_out
    # The node may come back: the run can wait for it.
    monkeypatch.setattr(Nodes, "_unknown", lambda _: [])
    with pytest.raises(ClusterLost, match=r"no node of the cluster can train\n  node7 .* was lost"):
        nodes.check()
    crashed = ray.exceptions.WorkerCrashedError()
    monkeypatch.setattr(ray, "get", lambda *_, **__: raise_(crashed))
    assert "a process does not start there" in ray_nodes._answer(None, 0.0, "aa").problems[0]


def raise_(error):
    raise error


def test_a_node_with_other_code_is_left_out_unless_the_code_is_shipped(
    suite_of, parts, tmp_path, monkeypatch
):
    other = tmp_path / "other"
    shutil.copytree(Path(evenhand.__file__).parent, other / "evenhand")
    with (other / "evenhand/errors.py").open("a") as file:
        file.write("\n# Another commit.\n")
    with (other / "evenhand/train/engine.py").open("a") as file:
        file.write(f"\nopen({str(tmp_path / 'trained by other code')!r}, 'w').close()\n")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    path = os.environ.get("PYTHONPATH", "")
    # What a node's processes inherit.
    monkeypatch.setenv("PYTHONPATH", f"{other}:{path}")
    cluster.add_node(num_cpus=1)
    monkeypatch.setenv("PYTHONPATH", path)

    def notes(folder, *, ship_code):
        """Run a suite on the cluster; the notes before its trials."""
        # The students are trained after their teachers, on the nodes that were checked once.
        suite, events = suite_of("erm", "{la: {teacher: erm}}"), []
        store = Store.open(tmp_path / folder)
        store.check_writable()
        places = set()

        def sink(event):
            events.append(event)
            actors = ray._private.state.actors().values()
            found = {a["Address"]["NodeID"] for a in actors if a["ActorClassName"] == "Mailbox"}
            places.update({ray.get_runtime_context().get_node_id(), *found})

        plan, tracker = make_plan(suite, store), RunTracker(sink)
        how = {"address": cluster.address, "ship_code": ship_code, "plugins": (parts,)}
        execution = Execution(commit=Commit("that of the driver", dirty=True))
        of_run = plan.missing, execution, store, tracker
        with on_ray(*of_run, **how, resources=Resources()) as runner:
            after = run_plan(plan, execution, store, tracker, runner)
        assert len(after.done) == 4
        # Without the pin, Ray would place the queue of events on any node.
        assert len(places) == 1
        # Provenance is that of the process that trained. Shipped code has no checkout, and its
        # digest is that of the driver's code, so its commit is that of the driver.
        commits = {record.provenance.commit for record in store.records()}
        assert (commits == {"that of the driver"}) is ship_code
        return [event.cause for event in events if event.kind == "note"]

    try:
        [note] = notes("own", ship_code=False)
        assert "is left out: its code of Evenhand differs" in note
        assert notes("shipped", ship_code=True) == []
        assert not (tmp_path / "trained by other code").exists()
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_trials_that_wait_for_lost_nodes_end_the_round_once_no_other_runs(
    expected, suite_of, monkeypatch
):
    def seen(**cpus):
        rooms = [(name, {"CPU": float(n)}) for name, n in cpus.items()]
        found = [{"NodeID": name, "Alive": True, "Resources": room} for name, room in rooms]
        monkeypatch.setattr(ray, "nodes", lambda: found)

    packs = [(trial,) for trial in suite_of("erm").trials.values()]
    usable = {"head": Node("head", cpus=0.0), "a": Node("a", cpus=1.0)}
    nodes = Nodes(expected, print, cpus=1.0, usable=usable)
    placing = Placing(Resources(), Resources(1.0, 0.0))
    placement = Placement(placing, nodes)
    placing.begin(packs, Execution(), Resources(1.0, 0.0))
    with placed(placement):
        place({"index": 0})

        def waits_in_vain():
            nodes._look_for_lost()
            return is_stuck()

        seen(head=0, a=1)
        assert not waits_in_vain()
        seen(head=0)
        assert not waits_in_vain()
        nodes.usable["b"] = Node("b", cpus=1.0)
        seen(head=0, a=1, b=1)
        assert not waits_in_vain()
        seen(head=0, b=1)
        assert waits_in_vain()
        # A trial that runs elsewhere is not ended for it.
        place({"index": 1})
        placing.see(Event("started", packs[1][0].key))
        assert not waits_in_vain()
        placing.see(Event("ended", packs[1][0].key, status="done"))
        assert waits_in_vain()
        # Nor does one whose process has died, which sends no event, keep it from ending.
        place({"index": 1})
        placing.see(Event("started", packs[1][0].key))
        assert not waits_in_vain()
        callback = pickle.loads(pickle.dumps(frees_places()))
        callback.on_trial_error(1, [], SimpleNamespace(config={"index": 1}))
        assert waits_in_vain()
        # The trials of the next round are offered the nodes of that moment.
        nodes.begin_round()
        assert not is_stuck()
        place({"index": 0})
        assert not waits_in_vain()


def test_a_trial_without_a_gpu_that_waits_for_a_lost_node_is_placed_on_one_without_gpus(
    expected, suite_of, monkeypatch
):
    trials = suite_of("erm", "erm: {posthoc: la_posthoc}", seeds=1).trials.values()
    [applied] = [trial for trial in trials if trial.posthoc]
    trained = next(trial for trial in trials if not trial.posthoc)
    there = {
        "gpu": {"NodeID": "gpu", "Alive": True, "Resources": {"CPU": 4.0, "GPU": 1.0}},
        "cpu": {"NodeID": "cpu", "Alive": True, "Resources": {"CPU": 4.0}},
    }
    there["gpu"]["Resources"]["node:192.0.2.7"] = 1.0
    monkeypatch.setattr(ray, "nodes", lambda: [*there.values()])
    usable = {"gpu": Node.of(there["gpu"])}
    nodes = Nodes(replace(expected, gpus=0.25), print, cpus=1.0, usable=usable)
    taken = Resources(1.0, 0.25)
    placement = Placement(Placing(Resources(), taken), nodes)
    placement.placing.begin([(applied,), (trained,)], Execution(), taken)
    with placed(placement):
        place({"index": 0})
        nodes.usable["cpu"] = Node.of(there["cpu"])
        lost = there.pop("gpu")
        nodes._look_for_lost()
        assert is_stuck()

        # A trial with a GPU waits until a node with one is there.
        nodes.begin_round()
        [selector] = place({"index": 1})._kwargs["bundle_label_selector"]
        assert validate_label_selector(selector) is None
        nodes._look_for_lost()
        assert not is_stuck()
        there["gpu"] = lost
        nodes._look_for_lost()
        assert is_stuck()


def test_nodes_with_other_gpus_than_those_asked_for_are_not_checked(expected, monkeypatch):
    there = [
        {"NodeID": name, "Alive": True, "Resources": {}, "Labels": {TYPE_LABEL: label}}
        for name, label in {"aa": "H100", "bb": "A100", "cc": ""}.items()
    ]
    monkeypatch.setattr(ray, "nodes", lambda: there)
    nodes = Nodes(expected, print, accelerators=("h100", "L4"))
    assert [node["NodeID"] for node in nodes._unknown()] == ["aa"]


def test_a_cluster_without_a_good_node_trains_nothing(expected, monkeypatch):
    nodes = Nodes(expected, lambda _: None, left_out={"aa": "node7 is left out: it is broken"})
    monkeypatch.setattr(Nodes, "_unknown", lambda _: [])
    with pytest.raises(RunError, match="no node of the cluster can train\n  node7 is left out"):
        nodes.check()
