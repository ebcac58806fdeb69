"""The loss of a service of Ray ends a run with a message and an exit code of its own."""

from __future__ import annotations

import json
import signal
import threading
import time

import psutil
import pytest
from ray.cluster_utils import Cluster

from evenhand.ending import RUN_STOPPED, ExitCode
from evenhand.errors import ClusterLost
from evenhand.execution import ray_watch
from evenhand.execution.ray_watch import Service, Watch, translated, watch
from tests.cli.processes import ended, run_command, start, wait_for_event, write_suite


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_a_service_of_the_only_node_ends_the_run_with_a_message(tmp_path, number):
    """SIGTERM, as by `ray stop`, lets Ray announce the loss of what the node holds in memory."""
    write_suite(tmp_path, epochs=10**6)
    run = start(run_command("--json"), tmp_path)
    wait_for_event(run, "progress")
    (raylet,) = (p for p in psutil.Process(run.pid).children() if p.name() == "raylet")
    raylet.send_signal(number)

    code, out, told = ended(run)

    assert code == ExitCode.CLUSTER_LOST
    # No line of Ray is among the events.
    assert {json.loads(line)["kind"] for line in out.splitlines()} <= {"started", "progress"}
    _, first, *others = told.splitlines()
    assert first.startswith("Ray was lost: a process that it needs on this machine")
    assert others == ["  finished trials are kept; rerun the same command to resume"]


@pytest.mark.filterwarnings("ignore")
def test_a_run_without_a_parent_names_the_loss_of_its_node_too(tmp_path):
    """As after `nohup` and a logout, or in a container: Ray would end it without a message."""
    write_suite(tmp_path, epochs=10**6)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        told = ["--json", "--address", cluster.address]
        run = start(["setsid", "--fork", *run_command(*told)], tmp_path)
        wait_for_event(run, "progress")
        cluster.head_node.kill_raylet()
        # Its output ends with the run.
        _, _, told = ended(run)
    finally:
        cluster.shutdown()
    assert told.splitlines()[1] == "Ray was lost: the node of this machine does not answer"


@pytest.mark.filterwarnings("ignore")
def test_a_killed_head_of_a_cluster_ends_the_run_with_a_message(tmp_path):
    write_suite(tmp_path, epochs=10**6)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        before = "from evenhand.execution import ray_watch; ray_watch.HEAD_SECONDS = 1.0"
        run = start(run_command("--json", "--address", cluster.address, before=before), tmp_path)
        wait_for_event(run, "progress")
        head = cluster.address
        cluster.head_node.kill_gcs_server()
        code, _, told = ended(run)
    finally:
        cluster.shutdown()

    assert code == ExitCode.CLUSTER_LOST
    _, first, *others = told.splitlines()
    assert first == f"Ray was lost: the head at {head} does not answer"
    assert others[-1] == "  with --wait-for-cluster it waits and resumes by itself"
    assert len(others) == 2


def test_a_service_that_is_away_for_a_short_time_is_not_lost(monkeypatch):
    monkeypatch.setattr(ray_watch, "POLL_SECONDS", 0.01)
    answers = iter([True, False, False])
    service = Service("the head", lambda: next(answers, True), 60.0)
    with watch([service]):
        time.sleep(0.2)
    assert next(answers, "all looked at") == "all looked at"


def test_a_lost_service_interrupts_what_waits_for_it(monkeypatch):
    monkeypatch.setattr(ray_watch, "POLL_SECONDS", 0.01)
    service = Service("the head at X", lambda: False, 0.0)
    with pytest.raises(ClusterLost, match="the head at X does not answer"), watch([service]):
        threading.Event().wait(60)


def test_only_an_error_beside_a_lost_service_is_a_lost_cluster():
    error = RuntimeError("a worker was killed")
    assert translated(error, [Service("head", lambda: True, 30.0)]) is error
    assert isinstance(translated(error, [Service("head", lambda: False, 30.0)]), ClusterLost)


def test_a_stop_beside_a_lost_service_stays_a_stop():
    # A scheduler that ends a job ends Ray's processes, too.
    watching = Watch([Service("the head", lambda: False, 30.0)])
    with pytest.raises(KeyboardInterrupt), watching.explained():
        raise KeyboardInterrupt
    watching.lost.append(ClusterLost("the head does not answer"))
    with pytest.raises(ClusterLost), watching.explained():
        raise KeyboardInterrupt


def test_a_block_that_cannot_be_interrupted_is_ended_with_its_process(monkeypatch):
    monkeypatch.setattr(ray_watch, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(ray_watch, "UNWIND_SECONDS", 0.1)
    ends = []
    monkeypatch.setattr(ray_watch, "end_now", lambda *told: ends.append(told))
    held = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(ClusterLost), watch([Service("the head", lambda: False, 0.0)]):
            time.sleep(0.5)
    finally:
        signal.signal(signal.SIGINT, held)
    ((told, code),) = ends
    assert "the head does not answer" in told
    assert code == ExitCode.CLUSTER_LOST


def test_a_stopped_run_that_waits_for_a_lost_service_is_ended_as_stopped(monkeypatch):
    monkeypatch.setattr(ray_watch, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(ray_watch, "STOPPED_UNWIND_SECONDS", 0.1)
    ends = []
    monkeypatch.setattr(ray_watch, "end_now", lambda *told: ends.append(told))
    for may_return in (True, False):
        with watch([Service("the head", lambda: False, 0.05, may_return)]) as watching:
            watching.stop()
            time.sleep(0.5)
    # A Ray of the run's own is ended by the run itself.
    assert ends == [(RUN_STOPPED, ExitCode.STOPPED)]
