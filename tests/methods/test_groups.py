"""How the methods over groups relate to each other, and the rows of the papers' tables."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand.declared.method import EveryExample
from evenhand.declared.registry import REGISTRY
from evenhand.errors import SpecError
from evenhand.losses.reductions import GroupDRO, RiskGaps
from tests.methods.binding import bound, reduction_of

COUNTS = np.array([[60, 12], [4, 24]])
ROWS = torch.repeat_interleave(torch.arange(4), torch.tensor(COUNTS.ravel()))
LOGITS = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))


def make(name, **settings):
    return REGISTRY.make("method", REGISTRY.part("method", name, settings))


def value(stage, counts=COUNTS, rows=ROWS):
    """The stage's number for a batch of the whole training set."""
    loss = bound(stage.loss, counts)
    losses, weights = loss(LOGITS, rows // counts.shape[1], rows=rows), loss.row_weights(rows)
    if stage.reduce == "mean":
        return losses.mean()
    if stage.reduce == "weighted_mean":
        return losses.sum() / weights.sum()
    reduction = reduction_of(stage, counts)
    reduction.learn(losses.detach(), rows)
    return reduction(losses, rows, lambda: weights)


def value_of(name, **settings):
    (stage,) = make(name, **settings).stages
    return value(stage)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("group_vs", {"form": "released"}), ("group_cdt", {})),
        (("group_la", {"form": "released"}), ("erm", {})),
        (("group_cdt", {"gamma": 0.0}), ("erm", {})),
        (("group_vs", {"gamma": 0.0}), ("group_la", {"gamma": 0.0})),
        (("group_vs", {"gamma": 0.0, "form": "autobalance"}), ("erm", {})),
        (("group_vs_dro", {"form": "released"}), ("group_cdt_dro", {})),
        (("group_la_dro", {"form": "released"}), ("dro", {})),
        (("group_cdt_dro", {"gamma": 0.0}), ("dro", {})),
        (("reweight_group", {"by": "loss"}), ("group_balanced", {})),
        (("group_balanced", {"ce_share": 1.0}), ("erm", {})),
        (("deo_penalty", {"ce_share": 1.0}), ("erm", {})),
        (("la_within_groups", {"ce_share": 1.0}), ("erm", {})),
        (("subg", {}), ("erm", {})),
    ],
    ids=lambda case: case[0],
)
def test_one_method_falls_back_to_another(one, other):
    a, b = (value_of(name, **settings) for name, settings in (one, other))
    torch.testing.assert_close(a, b)


def test_dro_with_hardly_a_step_is_the_group_balanced_risk():
    torch.testing.assert_close(value_of("dro", eta=1e-9), value_of("group_balanced"))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_the_share_is_that_of_cross_entropy(share):
    plain = F.cross_entropy(LOGITS, ROWS // 2, reduction="none")
    risks = np.array([plain[s == ROWS].mean() for s in range(4)])
    gaps = abs(risks[0] - risks[1]) + abs(risks[2] - risks[3])
    ce = plain.mean().item()
    mixed = value_of("group_balanced", ce_share=share).item()
    assert mixed == pytest.approx(share * ce + (1 - share) * risks.mean(), rel=1e-5)
    mixed = value_of("deo_penalty", ce_share=share).item()
    assert mixed == pytest.approx(share * ce + (1 - share) * gaps, rel=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_of_cross_entropy_is_that_of_its_weight_within_groups_too(share):
    (stage,) = make("la_within_groups", ce_share=share).stages
    (adjusted,) = make("la_within_groups").stages
    n = torch.tensor(COUNTS.sum(0), dtype=torch.float32)
    weights = (n.sum() / (len(n) * n))[ROWS % 2]
    torch.testing.assert_close(weights.mean(), torch.ones(()))
    losses = stage.loss.bind(COUNTS, "cpu")(LOGITS, ROWS // 2, rows=ROWS)
    within = adjusted.loss.bind(COUNTS, "cpu")(LOGITS, ROWS // 2, rows=ROWS)
    plain = F.cross_entropy(LOGITS, ROWS // 2, reduction="none")
    torch.testing.assert_close(losses, share * plain + (1 - share) * within)


def test_with_one_group_logit_adjustment_within_groups_is_la():
    counts, rows = COUNTS.sum(1, keepdims=True), ROWS // 2
    stages = make("la_within_groups").stages + make("la").stages
    torch.testing.assert_close(*(value(stage, counts, rows) for stage in stages))


def test_with_one_group_dro_is_over_the_classes():
    counts, rows = COUNTS.sum(1, keepdims=True), ROWS // 2
    plain = F.cross_entropy(LOGITS, rows, reduction="none")
    risks = torch.stack([plain[rows == y].mean() for y in (0, 1)])
    q = torch.softmax(0.01 * risks, 0)
    torch.testing.assert_close(value(make("dro").stages[0], counts, rows), q @ risks)


@pytest.mark.parametrize("name", ["group_la", "group_cdt", "group_vs"])
def test_dro_is_put_on_the_adjusted_loss(name):
    (plain,), (robust,) = make(name).stages, make(f"{name}_dro").stages
    assert robust.loss == plain.loss
    assert robust.reduce == GroupDRO(0.01, 0.0)


def test_the_eight_rows_of_table_2_are_eight_methods():
    """kini2021label; the first is called CE there."""
    rows = ["erm", "group_la", "group_cdt", "group_vs"]
    rows += ["dro", "group_la_dro", "group_cdt_dro", "group_vs_dro"]
    titles = [REGISTRY.get("method", name).title for name in rows]
    assert titles == [
        "ERM",
        "Group LA",
        "Group CDT",
        "Group VS",
        "DRO",
        "Group LA + DRO",
        "Group CDT + DRO",
        "Group VS + DRO",
    ]
    for name in rows:
        (stage,) = make(name).stages
        assert stage.sampler == EveryExample()


@pytest.mark.parametrize("name", ["dro", "group_la_dro", "group_cdt_dro", "group_vs_dro"])
def test_dro_draws_all_cells_equally_often_on_request(name):
    (stage,) = make(name, balanced_sampling=True).stages
    draw = stage.sampler.weights(COUNTS) * COUNTS
    np.testing.assert_allclose(draw / draw.sum(), 0.25)


def test_settings_reach_what_they_name():
    (stage,) = make("group_vs_dro", eta=0.1, adjustment=2.0).stages
    assert stage.reduce == GroupDRO(eta=0.1, adjustment=2.0)
    (stage,) = make("deo_penalty", ce_share=0.1).stages
    assert stage.reduce == RiskGaps(0.1)


def test_jtt_trains_a_fifth_and_then_from_scratch():
    first, again = make("jtt").stages
    assert (first.until, first.restart, again.until, again.restart) == (0.2, False, None, True)
    assert make("jtt").total_epochs(300) == 60 + 300
    assert again.sampler.times(np.array([True, False])).tolist() == [101, 1]


def test_dfr_averages_twenty_heads_or_ten_on_training_images():
    assert make("dfr").refit.draws == 20
    assert make("dfr", split="train").refit.draws == 10
    assert make("dfr", split="train", draws=3).refit.draws == 3


def test_dfr_needs_held_out_images_unless_it_is_fitted_on_training_images():
    assert make("dfr").needs_validation
    assert not make("dfr", split="train").needs_validation


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("group_vs", {"gamma": -0.1}),
        ("group_vs", {"form": "text"}),
        ("group_cdt", {"form": "released"}),
        ("dro", {"eta": 0.0}),
        ("dro", {"adjustment": -1.0}),
        ("deo_penalty", {"ce_share": 1.1}),
        ("jtt", {"first": 1.0}),
        ("jtt", {"copies": 0}),
        ("dfr", {"draws": 0}),
        ("dfr", {"strengths": [0.0]}),
        ("reweight_group", {"by": "class"}),
    ],
)
def test_a_setting_out_of_range_is_refused(name, settings):
    with pytest.raises(SpecError, match=f"{name}: {next(iter(settings))} = "):
        make(name, **settings)
