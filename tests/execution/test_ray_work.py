"""The work of a round reaches each process, also where its keeper was killed."""

from __future__ import annotations

import psutil
import pytest

from evenhand import api
from evenhand.execution.execute import Execution
from evenhand.execution.ray_work import Work, arrived
from evenhand.store import Store
from tests.execution.test_plan import finished
from tests.train.trials import make


class Context:
    """Stand-in for Ray's context of a worker."""

    def get_node_id(self):
        return "0f"

    def get_actor_id(self):
        return "0a"


def test_workers_leave_the_index_to_the_driver(tmp_path):
    driver, store = Store.open(tmp_path / "r"), Store.open(tmp_path / "r")
    driver.write(finished(make(seed=0), 1.0))
    driver.heads()
    before = (tmp_path / "r/main/index.json").read_bytes()

    work = arrived(Work((), Execution(), store, ()), Context())
    driver.write(finished(make(seed=1), 1.0))

    assert len(work.store.heads()) == 2
    assert (tmp_path / "r/main/index.json").read_bytes() == before
    assert (work.execution.claimant.node, work.execution.claimant.actor) == ("0f", "0a")


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
