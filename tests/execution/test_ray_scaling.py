"""Requests for room, as an autoscaler sees them that meets a request in whole or not at all."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from evenhand.execution import ray_scaling
from evenhand.execution.events import Event
from evenhand.execution.ray_scaling import Demand, Mailbox
from evenhand.execution.resources import Resources


@dataclass
class Requests:
    """A handle of a mailbox that keeps the requests."""

    made: list[tuple[dict[str, float], int]] = field(default_factory=list)

    @property
    def request(self) -> SimpleNamespace:
        return SimpleNamespace(remote=lambda bundle, n: self.made.append((bundle, n)))


def demand(left: int, pack: int = 1) -> Demand:
    return Demand(Requests(), Resources(1, 0.25), pack, left)


@pytest.mark.parametrize(("left", "limit"), [(40, 6), (8, 6), (3, 100), (5000, 200)])
def test_a_cluster_grows_to_its_limit_or_to_what_the_trials_need(left, limit):
    wanted, capacity, per_node = demand(left).wanted, 2, 2
    for _ in range(60):
        n = wanted(capacity)
        assert n <= left
        if n <= limit:
            capacity = max(capacity, -(-n // per_node) * per_node)
    assert capacity == min(limit, -(-left // per_node) * per_node)


def test_less_is_requested_as_trials_end_and_a_pack_is_one_process():
    ours = demand(left=9, pack=4)
    assert ours.wanted(3) == 3
    for kind in ("started", "progress", "ended", "left", "held", "ended", "ended"):
        ours.see(Event(kind, "key"))
    assert ours.wanted(3) == 1


def test_the_request_is_that_of_a_process_and_is_withdrawn_in_the_end(monkeypatch):
    monkeypatch.setattr(ray_scaling, "REQUEST_SECONDS", 0.01)
    monkeypatch.setattr(ray_scaling, "node_resources", lambda: [{"CPU": 8, "GPU": 1}])
    ours, until = demand(left=7), time.monotonic() + 30
    with ours.requested():
        while not ours.mailbox.made and time.monotonic() < until:
            time.sleep(0.01)
    made = ours.mailbox.made
    assert made[0] == ({"CPU": 1, "GPU": 0.25}, 7)
    assert made[-1][1] == 0


def test_a_look_that_goes_on_after_the_end_requests_nothing(monkeypatch):
    monkeypatch.setattr(ray_scaling, "REQUEST_SECONDS", 0.01)
    begun, goes_on, is_back = threading.Event(), threading.Event(), threading.Event()

    def slow_nodes() -> list[dict[str, float]]:
        begun.set()
        assert goes_on.wait(30)
        is_back.set()
        return [{"CPU": 8, "GPU": 1}]

    monkeypatch.setattr(ray_scaling, "node_resources", slow_nodes)
    ours = demand(left=7)
    with ours.requested():
        assert begun.wait(30)
    goes_on.set()
    assert is_back.wait(30)
    time.sleep(0.1)
    assert ours.mailbox.made == []


def test_the_mailbox_hands_a_request_to_the_autoscaler(monkeypatch):
    seen = []

    def request_resources(bundles: list[dict[str, float]]) -> None:
        seen.extend(bundles)

    monkeypatch.setattr("ray.autoscaler.sdk.request_resources", request_resources)
    Mailbox().request({"CPU": 2}, 3)
    assert seen == [{"CPU": 2}, {"CPU": 2}, {"CPU": 2}]
