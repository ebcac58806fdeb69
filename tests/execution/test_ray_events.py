from __future__ import annotations

import time

import pytest

from evenhand.execution import ray_events
from evenhand.execution.ray_events import RayEvents


def test_an_error_of_the_sink_ends_the_run_with_this_error(monkeypatch):
    monkeypatch.setattr(ray_events, "_mailbox", lambda: None)
    events = RayEvents(print, lambda: None)

    def broken(self):
        raise RuntimeError("the sink fails")

    monkeypatch.setattr(RayEvents, "_hand_on", broken)
    with pytest.raises(RuntimeError, match="the sink fails"), events.relayed():  # noqa: PT012
        for _ in range(1000):
            time.sleep(0.01)
