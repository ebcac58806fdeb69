"""Placement on clusters of nodes with fake GPUs; a test on Ray starts a cluster of its own."""

from __future__ import annotations

import pytest
import ray

from evenhand.declared.plugin import Plugin
from evenhand.execution.execute import Execution
from evenhand.execution.measured import Measured
from evenhand.execution.placing import Placing
from evenhand.execution.plan import make_plan
from evenhand.execution.ray_tune import on_ray
from evenhand.execution.resources import Resources
from evenhand.execution.retries import RunTracker, run_plan
from evenhand.store import Store
from tests.execution import fake_gpus

pytestmark = pytest.mark.filterwarnings("ignore")
POSTHOC = "erm: {posthoc: la_posthoc}"


def run_on(address, suite, store, parts, resources):
    plan, tracker, execution = make_plan(suite, store), RunTracker(print), Execution()
    store.check_writable()
    plugins = (Plugin.read(fake_gpus.__file__), parts)
    how = {"address": address, "resources": resources, "plugins": plugins}
    measured = Measured.of(plan.heads.values())
    with on_ray(plan.missing, execution, store, tracker, measured=measured, **how) as runner:
        return run_plan(plan, execution, store, tracker, runner)


def test_trials_run_where_their_resources_are(suite_of, parts, tmp_path, monkeypatch):
    store, placed = Store.open(tmp_path / "r"), []
    old = {"num_cpus": 2, "num_gpus": 1, "gpu": "Tesla T4:16"}
    new = {"num_cpus": 2, "num_gpus": 1, "gpu": "NVIDIA H100 80GB HBM3:80"}
    new |= {"resources": {"accelerator_type:H100": 1}}

    def place(placing, index, nodes, _place=Placing.place):
        placed.append(_place(placing, index, nodes))
        return placed[-1]

    monkeypatch.setattr(Placing, "place", place)

    def trained():
        records = [r for r in store.records() if r.exit.status == "done"]
        found = [r.provenance for r in records if not r.trial.posthoc]
        return [(each.gpu, each.driver) for each in found]

    with fake_gpus.fake_cluster(monkeypatch, old, new) as (address, _):
        suite = suite_of("erm", POSTHOC, "takes_all_gpu_memory", seeds=1)
        of_type = Resources(accelerators=("h100",))
        after = run_on(address, suite, store, parts, of_type)
        assert (len(after.done), len(after.failed)) == (2, 1)
        [greedy] = after.failed
        assert store.read(greedy.key).exit.cause.startswith("ran out of the memory of a whole GPU")
        # Nothing is measured yet.
        assert trained() == [("NVIDIA H100 80GB HBM3", "0.25")]
        # A post-hoc method takes no GPU, and leaves a CPU of the node for its GPU.
        assert [each.bundle.get("GPU") for each in placed] == [0.25, 0.25, 1.0, None]
        spare = placed[-1].bundle
        # 3 GiB need an eighth of the one model, and half of the other one.
        run_on(address, suite_of("erm", seeds=4), store, parts, Resources())
        later = trained()
        later.remove(("NVIDIA H100 80GB HBM3", "0.25"))
        shares = {"NVIDIA H100 80GB HBM3": "0.125", "Tesla T4": "0.5"}
        assert [share for _, share in later] == [shares[gpu] for gpu, _ in later]
        assert len(later) == 3

        # Ray has room for one trial without a GPU on each of the two nodes of two CPUs.
        ray.init(address, log_to_driver=False)
        groups = [ray.util.placement_group([dict(spare)]) for _ in range(4)]
        ray.wait([group.ready() for group in groups], num_returns=4, timeout=5)
        states = [group["state"] for group in ray.util.placement_group_table().values()]
        assert states.count("CREATED") == 2
