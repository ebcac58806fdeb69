from __future__ import annotations

import pytest

from evenhand.execution.places import inline_place
from evenhand.execution.usage import Granted


@pytest.mark.parametrize(
    ("gpus", "share", "pack", "expected"),
    [
        (1.0, None, 4, Granted(1.0, 8.0)),
        (1.0, 0.25, 2, Granted(0.5, 4.0)),
        (1.0, 0.5, 4, Granted(1.0, 8.0)),
        (1.0, 0.0, 1, Granted(0.0, 2.0)),
        (0.0, None, 1, Granted(0.0, 2.0)),
    ],
)
def test_a_pack_in_this_process_has_a_gpu_or_the_share_asked_for(
    monkeypatch, gpus, share, pack, expected
):
    there = {"CPU": 4.0, "GPU": gpus}
    monkeypatch.setattr("evenhand.execution.resources.this_machine", lambda: there)
    place = inline_place(2.0, share, pack, trains=True, end_when_hung=False)
    assert place.granted == expected
    assert place.slots == min(pack, 2)


def test_post_hoc_methods_alone_use_no_gpu_and_look_for_none(monkeypatch):
    def never():
        raise AssertionError("torch was imported")

    monkeypatch.setattr("evenhand.execution.resources.this_machine", never)
    place = inline_place(1.0, None, 1, trains=False, end_when_hung=False)
    assert place.granted == Granted(0.0, 1.0)
