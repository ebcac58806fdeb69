"""A trial that goes on from a saved state ends as one that was never interrupted."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from evenhand.declared.registry import REGISTRY
from evenhand.errors import StoreError
from evenhand.store import Store
from evenhand.train.engine import TrainOptions
from evenhand.train.result import Diverged, TimeLimitReached
from evenhand.train.resume import Resumable
from tests.train.trials import RESNET, make, result, run

IDENTITY = {"key": "k"}


def states(trial, **how):
    """The state after every step, and the outcome."""
    written = []
    saved = Resumable(identity=IDENTITY, write=written.append, least_seconds=0)
    return written, run(trial, saved=saved, **how)


def gone_on(trial, state, **how):
    """The outcome of an attempt that begins at a state, with the generators in disorder."""
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    saved = Resumable(identity=IDENTITY, state=state)
    return run(trial, saved=saved, **how), saved


FIELDS = {
    "linear": {},
    "resnet": RESNET,
    "deterministic": RESNET | {"deterministic": True},
    "sam": RESNET | {"sam": [0.1, 0.2]},
    "adamw": RESNET | {"optimizer": REGISTRY.part("optimizer", "adamw"), "lr": 1e-3},
    "remix": RESNET | {"mixing": REGISTRY.part("mixing", "remix"), "sam": [0.1]},
    "decay_norms": RESNET | {"decay_norms": False, "nesterov": True},
}


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("name", ["erm", "vs_tla_adrw", "resample"])
def test_from_every_step_the_end_is_the_same(name, fields):
    trial = make(name, epochs=5, batch=32, **fields)
    whole = result(run(trial))
    written, outcome = states(trial)
    assert result(outcome) == whole
    assert len(written) >= 10
    for state in random.Random(0).sample(written, 6):
        assert result(gone_on(trial, state)[0]) == whole


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", ["erm", "vs_tla_adrw"])
def test_on_a_gpu_the_end_is_the_same_in_deterministic_mode(name):
    gpu = torch.device("cuda")
    trial = make(name, epochs=5, batch=32, deterministic=True, **RESNET)
    whole = result(run(trial, device=gpu))
    written, outcome = states(trial, device=gpu)
    assert result(outcome) == whole
    for state in random.Random(0).sample(written, 4):
        assert result(gone_on(trial, state, device=gpu)[0]) == whole


def test_a_state_of_an_attempt_that_went_on_is_as_good():
    trial = make("vs", epochs=4, batch=32, **RESNET)
    whole = result(run(trial))
    first, _ = states(trial)
    later = []
    run(trial, saved=Resumable(IDENTITY, first[2], later.append, least_seconds=0))
    assert len(later) == len(first) - 3
    assert result(gone_on(trial, later[4])[0]) == whole


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("csl", {"every": 4}),
        ("autobalance", {"every": 3, "batches": 1, "terms": 0}),
        ("jtt", {"first": 0.5}),
        ("dro", {}),
    ],
)
def test_the_counts_of_a_stage_are_those_of_the_whole_training(name, settings):
    trial = make(name, settings, epochs=4)
    whole = run(trial)
    written, _ = states(trial)
    for state in random.Random(1).sample(written, 5):
        assert gone_on(trial, state)[0].stages == whole.stages


def test_a_state_of_something_else_is_not_gone_on_from():
    trial = make(epochs=3, batch=32)
    written, outcome = states(trial)
    saved = Resumable(identity={"key": "another"}, state=written[-1])
    assert result(run(trial, saved=saved)) == result(outcome)
    assert saved.resumed is None
    assert gone_on(trial, written[-1])[1].resumed == 2


def test_no_byte_of_a_stored_state_can_differ_unnoticed(tmp_path):
    store, key = Store.open(tmp_path), "0" * 32
    whole = states(make(epochs=3, batch=32))[0][-1]
    store.save_state(key, whole)
    assert store.load_state(key) == whole
    file = tmp_path / "main" / key / "state.pt"
    stored, rng = file.read_bytes(), random.Random(0)
    places = [*range(100), *rng.sample(range(100, len(stored)), 300)]
    for place in places:
        flipped = bytearray(stored)
        flipped[place] ^= 1 << rng.randrange(8)
        file.write_bytes(flipped)
        with pytest.raises(StoreError, match=r"state\.pt: it "):
            store.load_state(key)
    for other in (b"", stored[:-1], stored + b"0", whole):
        file.write_bytes(other)
        with pytest.raises(StoreError, match=r"state\.pt: it "):
            store.load_state(key)


@pytest.mark.parametrize("content", [b"", b"torn", b"PK" + bytes(40)])
def test_a_state_that_cannot_be_read_is_as_none(content):
    trial = make(epochs=2)
    assert result(gone_on(trial, content)[0]) == result(run(trial))


def test_a_store_that_cannot_take_the_state_does_not_end_the_trial():
    def refuse(content):
        raise StoreError("slow down")

    trial = make(epochs=3)
    saved = Resumable(IDENTITY, write=refuse, least_seconds=0)
    assert result(run(trial, saved=saved)) == result(run(trial))


def test_a_state_that_does_not_fit_the_network_is_as_none():
    trial, other = make(epochs=2, **RESNET), make(epochs=2)
    written, _ = states(other)
    assert result(gone_on(trial, written[0])[0]) == result(run(trial))


def test_the_time_that_was_spent_is_added_up():
    trial = make(epochs=3, batch=32)
    written, _ = states(trial)
    _, saved = gone_on(trial, written[-1])
    assert saved.seconds > 0
    _, again = gone_on(trial, written[0])
    assert again.seconds < saved.seconds


def test_a_divergence_is_found_at_the_same_step():
    trial = make(lr=1e38, batch=16, epochs=5)
    written = []
    with pytest.raises(Diverged) as whole:
        run(trial, saved=Resumable(IDENTITY, write=written.append, least_seconds=0))
    with pytest.raises(Diverged) as resumed:
        gone_on(trial, written[0])
    assert (resumed.value.step, resumed.value.epoch) == (whole.value.step, whole.value.epoch)


def test_what_the_time_limit_ends_can_go_on():
    trial, written = make(epochs=50, batch=16), []
    with pytest.raises(TimeLimitReached):
        run(trial, saved=Resumable(IDENTITY, write=written.append), time_limit=0.02)
    assert len(written) == 1
    assert result(gone_on(trial, written[0])[0]) == result(run(trial))


def test_saving_waits_so_long_that_it_hardly_shows():
    written = []
    run(make(epochs=20), saved=Resumable(IDENTITY, write=written.append), options=TrainOptions())
    assert not written
    run(make(epochs=20), saved=Resumable(IDENTITY, write=written.append, least_seconds=1e-9))
    assert 1 <= len(written) < 20
