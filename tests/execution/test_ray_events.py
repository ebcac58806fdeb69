"""Events of workers on their way to the driver, and the driver's stop on its way to the workers."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import ray

from evenhand import api
from evenhand.execution import ray_events
from evenhand.execution.events import Event, Mailbox
from evenhand.execution.ray_events import RayEvents
from evenhand.store import Store


def test_an_error_of_the_sink_ends_the_run_with_this_error(monkeypatch):
    events = RayEvents(print, lambda: None, mailbox=None)

    def broken(self):
        raise RuntimeError("the sink fails")

    monkeypatch.setattr(RayEvents, "_hand_on", broken)
    with pytest.raises(RuntimeError, match="the sink fails"), events.relayed():  # noqa: PT012
        for _ in range(1000):
            time.sleep(0.01)


class LocalMailbox:
    """A queue in this process, with the calls of a Ray actor; they may change the queue first."""

    def __init__(self, before: Callable[[Mailbox], None] = lambda _: None) -> None:
        self.queue = Mailbox()

        def remote(name: str) -> Any:
            def call(*arguments: Any) -> Any:
                before(self.queue)
                return getattr(self.queue, name)(*arguments)

            return SimpleNamespace(remote=call)

        for name in ("post", "take", "stop", "is_stopped"):
            setattr(self, name, remote(name))


@pytest.fixture
def _without_ray(monkeypatch):
    monkeypatch.setattr(ray, "get", lambda answer, **_: answer)
    monkeypatch.setattr(ray, "wait", lambda answers, **_: (answers, []))
    monkeypatch.setattr(ray_events, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(ray_events, "LOOK_SECONDS", 0.01)


@pytest.mark.usefixtures("_without_ray")
def test_a_stop_reaches_the_workers_and_ends_once_their_trials_have_ended():
    mailbox, told = LocalMailbox(), []
    events = RayEvents(told.append, lambda: None, mailbox)
    with events.relayed(), ray_events.stop_of(mailbox) as stop:
        for key in ("a", "b"):
            mailbox.post.remote(Event("started", key))
        until = time.monotonic() + 60
        while len(events.running) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert events.running == {"a", "b"}
        assert not stop.is_set()
        mailbox.post.remote(Event("ended", "a"))

        def look() -> bool:
            if stop.wait(10):
                mailbox.post.remote(Event("ended", "b"))
            return True

        events.stop_trials(600.0, look)
    assert [(event.kind, event.key) for event in told][2:4] == [("ended", "a"), ("ended", "b")]


@pytest.mark.usefixtures("_without_ray")
def test_a_stop_waits_neither_for_a_hung_trial_nor_for_a_lost_cluster():
    events = RayEvents(lambda _: None, lambda: None, LocalMailbox(), running={"hung"})
    events.stop_trials(0.05, lambda: True)
    events.stop_trials(600.0, lambda: False)
    assert events.running == {"hung"}


@pytest.mark.usefixtures("_without_ray")
def test_an_error_of_a_worker_that_comes_with_the_end_of_a_round_is_no_interrupt(monkeypatch):
    monkeypatch.setattr(ray_events, "POLL_SECONDS", 60.0)
    mailbox, told = LocalMailbox(), []
    with RayEvents(told.append, lambda: None, mailbox).relayed() as fatal:
        mailbox.post.remote(Event("fatal", "a", cause="the store is gone"))

    assert fatal == ["the store is gone"]
    assert [event.kind for event in told] == ["fatal"]


@pytest.mark.usefixtures("_without_ray")
def test_a_stop_outlives_a_queue_that_starts_again():
    calls = []

    def forget(queue: Mailbox) -> None:
        calls.append(queue)
        if len(calls) == 3:
            queue.__init__()  # type: ignore[misc]

    mailbox = LocalMailbox(forget)
    events = RayEvents(lambda _: None, lambda: None, mailbox, running={"one"})
    events.stop_trials(600.0, lambda: len(calls) < 5)
    assert mailbox.queue.is_stopped()


@pytest.mark.usefixtures("_without_ray")
@pytest.mark.parametrize("is_seen_dead", [True, False])
def test_events_that_a_killed_queue_has_lost_are_made_from_the_store(monkeypatch, is_seen_dead):
    """The queue starts again, and the driver need not have asked it in the meantime."""
    dead = [ray.exceptions.RayActorError()] if is_seen_dead else []
    answers = [("first", [Event("started", "a")]), *dead, ("second", []), ("second", [])]

    def get(reference):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(ray, "get", get)
    seen: list[Event] = []
    catch_up = partial(seen.append, Event("ended", "a"))
    events = RayEvents(seen.append, catch_up, LocalMailbox())
    while answers:
        events._hand_on()
    assert [event.kind for event in seen] == ["started", "ended"]


class HandedOnError(Exception):
    """An event came after the queue was killed."""


@pytest.mark.filterwarnings("ignore")
def test_a_killed_queue_starts_again_and_hands_on_what_follows(suite_of, tmp_path):
    suite, killed = suite_of("erm", "{la: {recipe: {epochs: 1000000}}}", seeds=1), []

    def sink(event):
        if event.kind == "ended" and not killed:
            ours = psutil.Process().children(recursive=True)
            [queue] = [process for process in ours if process.name().startswith("ray::Mailbox")]
            queue.kill()
            killed.append(time.monotonic())
        # Events of the batch that was fetched before the kill follow at once.
        if event.kind == "progress" and killed and time.monotonic() > killed[0] + 1:
            raise HandedOnError

    with pytest.raises(HandedOnError):
        api.run(suite, Store.open(tmp_path / "r"), on_event=sink, time_limit=90)


@pytest.mark.usefixtures("_without_ray")
def test_equal_notes_of_several_processes_are_told_once():
    mailbox, told = LocalMailbox(), []
    for cause in ("node7: cifar10 travels", "node7: cifar10 travels", "node8: cifar10 travels"):
        mailbox.post.remote(Event("note", cause=cause))
    with RayEvents(told.append, lambda: None, mailbox).relayed():
        pass
    assert [event.cause for event in told] == ["node7: cifar10 travels", "node8: cifar10 travels"]
