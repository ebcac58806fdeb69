"""Training on mixed batches: the loss of both labels, and what is never mixed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand.declared.base import Part
from evenhand.declared.bilevel import Hypergradient
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import REGISTRY
from evenhand.errors import LossError, SpecError
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.suite.declaration import load
from evenhand.suite.resolve import resolve
from evenhand.suite.yaml_lines import parse
from evenhand.train.initial_state import begin
from evenhand.train.replay import Replay
from tests.train.trials import CPU, data_of, make, result, run

MIXUP = REGISTRY.part("mixing", "mixup")
INDEX = torch.arange(16) * 3


def begun(name="erm", settings=None, **fields):
    fields.setdefault("mixing", MIXUP)
    trial = make(name, settings, **fields)
    return begin(trial, data_of(trial), CPU, targets=fields.pop("targets", None))


def batch_and_loss(state):
    """A mixed batch with its logits, and the loss of the stage on it."""
    before = state.randomness.get_state()
    loss = state.loss_of(state.stage, INDEX)
    state.randomness.set_state(before)
    batch = state.batch(state.stage, INDEX)
    return batch, state.model(batch.images).detach(), loss.detach()


def test_cross_entropy_of_mixed_images_is_that_of_mixed_labels():
    state = begun()
    batch, logits, loss = batch_and_loss(state)
    one_hot = F.one_hot(batch.labels, 4).float()
    share, partner = batch.mixed.share[:, None], batch.mixed.partner
    soft = share * one_hot + (1 - share) * one_hot[partner]
    torch.testing.assert_close(loss, F.cross_entropy(logits, soft))
    assert not torch.equal(batch.labels, batch.labels[partner])


@pytest.mark.parametrize("name", ["vs", "wce", "group_vs", "focal", "resample"])
def test_any_loss_is_that_of_both_labels_by_their_shares(name):
    """Losses over the batch one example at a time; wce divides by the mixed weights."""
    state = begun(name)
    stage = state.stage
    batch, logits, loss = batch_and_loss(state)
    total, weight = 0.0, 0.0
    for i in range(len(INDEX)):
        j, share = int(batch.mixed.partner[i]), float(batch.mixed.share[i])
        for k, part in ((i, share), (j, 1 - share)):
            row = batch.rows[k : k + 1]
            one = stage.loss(logits[i : i + 1], batch.labels[k : k + 1], rows=row)
            total += part * float(one)
            weight += part * float(stage.loss.row_weights(row))
    divisor = weight if stage.spec.reduce == "weighted_mean" else len(INDEX)
    assert float(loss) == pytest.approx(total / divisor, rel=1e-5)


def test_a_teachers_probabilities_are_mixed_as_labels_are():
    trial = make(mixing=MIXUP)
    data = data_of(trial)
    targets = np.random.default_rng(0).dirichlet(np.ones(4), len(data.train)).astype(np.float32)
    state = begin(trial, data, CPU, targets=targets)
    batch, logits, loss = batch_and_loss(state)
    share, partner = batch.mixed.share[:, None], batch.mixed.partner
    soft = share * batch.targets + (1 - share) * batch.targets[partner]
    torch.testing.assert_close(loss, F.cross_entropy(logits, soft))


def test_both_passes_of_sam_see_one_mixture(monkeypatch):
    state, seen = begun(sam=[0.1]), []
    forward = state.forward
    monkeypatch.setattr(state, "forward", lambda x, net: seen.append(x) or forward(x, net))
    state.step(state.stage, INDEX)
    assert len(seen) == 2 and torch.equal(*seen)


@pytest.mark.usefixtures("unregistered")
def test_a_stage_may_train_without_mixing():
    @method(cite="nobody1999")
    def calmed() -> Method:
        """Mixup until half of the epochs."""
        ce = VectorScaling()
        return Method(Stage(loss=ce, until=0.5), Stage(loss=ce, mixes=False))

    state = begun("calmed")
    first, second = (state.batch(stage, INDEX) for stage in state.stages)
    assert first.mixed is not None and second.mixed is None


def test_held_out_images_of_a_bilevel_search_are_not_mixed():
    def images(mixing):
        settings = {"every": 2, "batches": 2}
        state = begun("autobalance", settings, mixing=mixing, epochs=4)
        state.epoch = 1 + max(stage.first_epoch for stage in state.stages if stage.outer)
        replay = Replay(state, Hypergradient(batches=2))
        return [float(losses.sum().detach()) for losses, _ in replay.held_out()]

    assert images(MIXUP) == images(None)


@pytest.mark.parametrize("name", ["erm", "jtt", "ldam_drw", "cvar_dro", "csl", "autobalance"])
@pytest.mark.parametrize("mixing", ["mixup", "remix"])
def test_methods_train_on_mixed_batches(name, mixing):
    settings = {"csl": {"every": 2}, "autobalance": {"every": 2, "batches": 2}}.get(name)
    trial = make(
        name,
        settings,
        epochs=5,
        mixing=Part(name=mixing, settings=REGISTRY.part("mixing", mixing).settings),
    )
    first, again = run(trial), run(trial)
    assert result(first) == result(again)
    assert result(first) != result(run(make(name, settings, epochs=5)))


SUITE = """
suite: mixed
question: Does it mix?
problems: [{digits_coloured: {}}]
recipe: {digits: {mixing: mixup}}
seeds: 1
methods: [erm, dro%s]
metrics: [accuracy]
primary: accuracy
baseline: erm
"""


def resolved(text):
    document = parse(text, "mixed.yaml")
    return resolve(load(document), document)


def test_a_reduction_over_cells_is_refused_with_mixing_unless_the_entry_turns_it_off():
    with pytest.raises(SpecError, match=r"dro.* by \(label, group\) cell, and mixup"):
        resolved(SUITE % "")
    suite = resolved(SUITE % ": {recipe: {mixing: null}}")
    mixings = {t.method.name: t.recipe.mixing for t in suite.trials.values()}
    assert mixings == {"erm": MIXUP, "dro": None}


@pytest.mark.parametrize("name", ["partner", "share"])
def test_a_partner_and_a_share_of_each_example_are_needed(name):
    """A share [batch, 1] broadcasts against the losses [batch], without an error of its own."""
    state = begun()
    inner = state.mixing

    def column(images, labels, generator):
        mixed = inner(images, labels, generator)
        return mixed._replace(**{name: getattr(mixed, name)[:, None]})

    state.mixing = column
    with pytest.raises(LossError, match=rf"one {name} for each example, \[16\].*\[16, 1\]"):
        state.batch(state.stage, INDEX)
