"""The work of a round reaches each process, also where its keeper was killed."""

from __future__ import annotations

import psutil
import pytest

from evenhand import api
from evenhand.store import Store


@pytest.mark.filterwarnings("ignore")
def test_trials_are_trained_after_the_keeper_of_their_work_was_killed(suite_of, tmp_path):
    suite, killed = suite_of("exits", "erm", seeds=1), []

    def sink(event):
        if event.kind == "started" and not killed:
            ours = psutil.Process().children(recursive=True)
            killed.extend(p for p in ours if p.name().startswith("ray::Keeper"))
            for keeper in killed:
                keeper.kill()

    store = Store.open(tmp_path / "r")
    # A process that has ended is replaced by one that does not have the work yet.
    api.run(suite, store, on_event=sink, time_limit=90)

    assert len(killed) == 1
    ends = sorted((r.trial.method.name, r.exit.status) for r in store.records())
    assert ends == [("erm", "done"), ("exits", "failed")]
