"""Measurements of finished trials, from records and from events."""

from __future__ import annotations

from evenhand.execution.measured import Measured, speed
from evenhand.store import Store
from tests.records import make_record


def test_records_tell_the_largest_peak_and_the_time_on_each_model(tmp_path):
    store = Store.open(tmp_path)
    cases = [(3.0, 100.0, "L4", "done"), (5.0, 40.0, "H100", "done")]
    # A failed trial did not reach its peak, and that of a trial in a pack is not known.
    cases += [(9.0, 7.0, "L4", "failed"), (None, 110.0, "L4", "done")]
    for seed, (gib, seconds, gpu, status) in enumerate(cases):
        record = make_record(method="vs", seed=seed, seconds=seconds, status=status)
        cost = record.cost.model_copy(update={"reserved_gpu_memory_gib": gib})
        where = record.provenance.model_copy(update={"gpu": gpu})
        store.write(record.model_copy(update={"cost": cost, "provenance": where}))
    trial = record.trial

    found = Measured.of(store.heads().values())

    assert found.gib == {trial.workload: 5.0}
    assert found.seconds(trial, "H100") == 40.0
    assert found.seconds(trial, "L4") == 105.0
    # A model without a trial is ranked by the bandwidth of its memory: 40 s × (3350 / 2039)^½.
    assert round(found.seconds(trial, "A100"), 1) == 51.3


def test_a_larger_peak_ends_the_use_of_whole_gpus():
    found = Measured()
    found.add("erm", "w", 1.0, "L4", 2.0)
    found.exceeded.add("w")
    found.add("erm", "w", 1.0, "L4", 2.0)
    assert found.exceeded == {"w"}
    found.add("sam", "w", 1.0, "L4", 9.0)
    assert (found.exceeded, found.gib) == (set(), {"w": 9.0})


def test_models_are_ranked_by_their_names_in_records_and_in_ray():
    assert speed("NVIDIA H100 80GB HBM3") == speed("H100")
    assert speed("NVIDIA A100-SXM4-40GB") == speed("A100-40G")
    assert speed("NVIDIA GeForce RTX 4090") > speed("made up") == 1.0 > speed("Tesla T4")
