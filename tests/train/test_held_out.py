"""Controllers in training: when they see held-out counts, and which network is evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from evenhand.declared.labels import Labels
from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import REGISTRY
from evenhand.losses.cost_sensitive import LogitAdjusted
from evenhand.objectives.controller import MultiplierUpdates
from evenhand.train.engine import TrainOptions, train
from evenhand.train.resume import Resumable
from tests.train.trials import CPU, RESNET, data_of, make, result, run

CSL = {"every": 4, "step": 1.0}


@dataclass
class Watched:
    """A controller that remembers what it saw and what its loss was then given."""

    every: int = 3
    iterate: str = "last"
    merits: list[float] = field(default_factory=list)
    seen: list[np.ndarray] = field(default_factory=list)

    def bind(self, loss: Any, counts: Any, shares: Any, *, classes: Any, groups: Any) -> Watched:
        self.shares = shares
        return self

    def update(self, predicted: np.ndarray) -> None:
        self.seen.append(predicted)

    def merit(self, predicted: np.ndarray) -> tuple[float, float]:
        return (0.0, self.merits.pop(0) if self.merits else -1.0)

    def curves(self) -> dict[str, float]:
        return {"seen": float(len(self.seen))}

    def values(self) -> dict[str, np.ndarray]:
        return {"seen": np.array([float(len(self.seen))])}

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        pass


@pytest.fixture
def watched(monkeypatch):
    real = REGISTRY.make

    def outcome_of(controller, **fields):
        method = Method(Stage(loss=LogitAdjusted(), controller=controller))

        def made(kind, part, **given):
            return method if kind == "method" else real(kind, part, **given)

        monkeypatch.setattr(REGISTRY, "make", made)
        return run(make(**fields))

    return outcome_of


def test_it_sees_every_held_out_image_before_every_few_steps(watched):
    controller = Watched(every=3)
    trial = make(epochs=3)
    steps = 3 * -(-len(data_of(trial).train.labels) // trial.recipe.batch)
    watched(controller, epochs=3)
    assert len(controller.seen) == -(-steps // 3)
    n_val = len(data_of(trial).val.labels)
    assert {int(counts.sum()) for counts in controller.seen} == {n_val}
    assert {counts.shape for counts in controller.seen} == {(2, 4, 4)}


def test_what_it_logs_is_a_curve(watched):
    outcome = watched(Watched(every=1), epochs=3)
    assert len(outcome.curves["seen"]) == len(outcome.curves["epoch"]) == 3


def test_an_average_adds_up_the_counts_of_all_that_were_evaluated(watched):
    last = watched(Watched(), epochs=3, evaluate_every=1)
    mixed = watched(Watched(iterate="averaged"), epochs=3, evaluate_every=1)
    of_last, of_mixed = ({(e.split, e.rule): e for e in o.evaluations} for o in (last, mixed))
    n = int(of_last["test", "last"].counts.sum())
    assert int(of_mixed["test", "last"].counts.sum()) == 3 * n


def test_the_best_network_is_evaluated_in_place_of_the_last(watched):
    # One merit an evaluation: that after the second epoch is the best.
    one = watched(Watched(every=10**6), epochs=2)
    best = Watched(every=10**6, iterate="best", merits=[1.0, 2.0, 0.0, 0.0])
    four = watched(best, epochs=4)
    kept = [e for e in four.evaluations if (e.split, e.rule) == ("test", "last")]
    same = [e for e in one.evaluations if (e.split, e.rule) == ("test", "last")]
    assert kept[0].counts.tolist() == same[0].counts.tolist()
    assert kept[0].epoch == 4


def test_of_networks_of_equal_merit_the_latest_is_evaluated(watched):
    last = watched(Watched(every=10**6), epochs=3)
    tied = watched(Watched(every=1, iterate="best", merits=[0.0] * 10**3), epochs=3)
    of_last, of_tied = (
        [e.counts.tolist() for e in outcome.evaluations if e.rule == "last"]
        for outcome in (last, tied)
    )
    assert of_tied == of_last


def test_gains_follow_the_multipliers():
    outcome = run(make("csl", CSL, epochs=6))
    names = [name for name in outcome.curves if name.startswith("multiplier ")]
    assert len(names) == 4
    weights = np.array([outcome.curves[name] for name in names], dtype=float)
    np.testing.assert_allclose(weights.sum(0), 1, atol=1e-5)
    assert np.ptp(weights[:, -1]) > 0.01


@pytest.mark.parametrize("iterate", ["last", "averaged", "best"])
@pytest.mark.parametrize("fields", [{}, RESNET | {"sam": 0.1}], ids=["linear", "resnet"])
def test_a_controller_goes_on_where_it_was(iterate, fields):
    trial = make("csl", CSL | {"iterate": iterate}, epochs=4, **fields)
    whole = result(run(trial))
    written = []
    saved = Resumable(identity={"key": "k"}, write=written.append, least_seconds=0)
    assert result(run(trial, saved=saved)) == whole
    for state in written[:: len(written) // 4]:
        again = Resumable(identity={"key": "k"}, state=state)
        assert result(run(trial, saved=again)) == whole


def test_the_held_out_counts_that_move_it_are_never_the_tests(watched):
    controller = Watched(every=1)
    trial = make(epochs=1)
    watched(controller, epochs=1)
    data = data_of(trial)
    by_label = np.bincount(data.val.labels, minlength=4)
    assert all(seen.sum((0, 2)).tolist() == by_label.tolist() for seen in controller.seen)
    assert len(data.val.labels) != len(data.test.labels)


def test_a_student_that_is_taught_the_labels_learns_as_from_them():
    trial = make("vs", epochs=3)
    data = data_of(trial)
    targets = np.eye(4, dtype=np.float32)[data.train.labels]
    plain, student = run(trial), train(trial, data, device=CPU, targets=targets)
    assert student.evaluations == plain.evaluations
    np.testing.assert_allclose(
        np.array(student.curves["train_loss"]), plain.curves["train_loss"], rtol=1e-4
    )


def test_the_prior_in_a_students_loss_is_the_teachers():
    trial = make("la", epochs=2)
    data = data_of(trial)
    targets = np.full((len(data.train.labels), 4), 0.25, dtype=np.float32)
    student = train(trial, data, device=CPU, targets=targets)
    erm = train(make("erm", epochs=2), data, device=CPU, targets=targets)
    assert result(student)[1]["train_loss"] == result(erm)[1]["train_loss"]


def test_what_is_kept_are_the_logits_of_the_networks_that_the_rules_pick():
    trial = make(epochs=3, evaluate_every=1)
    outcome = run(trial, options=TrainOptions(keeps=frozenset({"logits", "train_logits"})))
    data, kept = data_of(trial), outcome.kept["logits"]
    for evaluation in outcome.evaluations:
        logits = kept[f"{evaluation.epoch}/{evaluation.split}_logits"]
        labels = kept[f"{evaluation.split}_labels"]
        counts = np.zeros((2, 4, 4), dtype=int)
        groups = kept[f"{evaluation.split}_groups"]
        np.add.at(counts, (groups, labels, logits.argmax(1)), 1)
        assert counts.tolist() == evaluation.counts.tolist()
        assert kept[f"{evaluation.epoch}/weight_norms"].shape == (4,)
    assert outcome.kept["train_logits"]["train_logits"].shape == (len(data.train.labels), 4)
    assert run(trial).kept == {}


def test_multipliers_are_moved_by_one_step_of_their_objective():
    spec = MultiplierUpdates("min_recall", step=2.0)
    counts = np.array([[30], [10]])
    loss = LogitAdjusted().bind(counts, "cpu")
    bound = spec.bind(loss, counts, counts / 40, classes=("a", "b"), groups=("all",))
    seen = np.array([[[8, 2], [5, 5]]])
    bound.update(seen)
    expected = np.exp(-2.0 * np.array([0.8, 0.5]))
    np.testing.assert_allclose(bound.multipliers, expected / expected.sum())
    assert bound.curves()["objective"] == 0.5
    labels = Labels(("a", "b"), 2, 1)
    assert replace(spec, step=0.1).check(LogitAdjusted(), labels) is None
