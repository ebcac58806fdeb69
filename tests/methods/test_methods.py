"""How the methods relate to each other, what they default to, and when their stages change."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand.declared.method import EveryExample
from evenhand.declared.registry import REGISTRY
from evenhand.errors import SpecError
from evenhand.losses.per_class import Constant, EffectiveNumber, PriorPower

COUNTS = np.array([[400], [60], [7], [1]])
LABELS = torch.arange(12) % 4
COSINES = torch.randn(12, 4, generator=torch.Generator().manual_seed(0)).tanh()


def make(name, **settings):
    return REGISTRY.make("method", REGISTRY.part("method", name, settings))


def losses(method):
    """Loss of each example and weight of each example, one row a stage."""
    bound = [stage.loss.bind(COUNTS, "cpu") for stage in method.stages]
    found = [torch.stack([b(COSINES, LABELS, rows=LABELS), b.weights(LABELS)]) for b in bound]
    return torch.stack(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("vs", {"gamma": 0.0, "tau": 1.5}), ("la", {"tau": 1.5})),
        (("vs", {"gamma": 0.3, "tau": 0.0}), ("cdt", {"gamma": 0.3})),
        (("vs", {"gamma": 0.0, "tau": 0.0}), ("erm", {})),
        (("la", {"tau": 0.0}), ("erm", {})),
        (("cdt", {"gamma": 0.0}), ("erm", {})),
        (("cb", {"b": 0.0}), ("erm", {})),
        (("focal", {"g": 0.0}), ("erm", {})),
        (("ldam", {"margin": 0.0, "scale": 1.0}), ("erm", {})),
        (("vs_drw", {"gamma": 0.0, "tau": 0.0}), ("erm_drw", {})),
        (("vs_adrw", {"gamma": 0.0, "tau": 0.0, "nu": 0.5}), ("erm_adrw", {})),
        (("vs_tla_drw", {"gamma": 0.0}), ("vs_drw", {"gamma": 0.0})),
        (("vs_tla_adrw", {"gamma": 0.0}), ("vs_adrw", {"gamma": 0.0})),
        (("ldam_adrw", {"nu": 0.0}), ("ldam_drw", {"b": 0.0})),
        (("erm_adrw", {"nu": 0.0}), ("erm_drw", {"b": 0.0})),
    ],
    ids=lambda case: case[0],
)
def test_one_method_falls_back_to_another(one, other):
    a, b = (losses(make(name, **settings)) for name, settings in (one, other))
    torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", ["erm_drw", "erm_adrw", "vs_drw", "vs_adrw", "vs_tla_adrw"])
def test_the_first_stage_is_the_method_without_the_schedule(name):
    plain = make(name.partition("_")[0])
    torch.testing.assert_close(losses(make(name))[0], losses(plain)[0])


DECOUPLED = ("crt", "lws", "label_aware_smoothing")


def test_ldam_alone_has_the_cosine_head_and_what_scales_logits_a_scaled_one():
    heads = {entry.name: entry.make().head for entry in REGISTRY.all("method")}
    others = {name: head for name, head in heads.items() if head != "linear"}
    cosine, scaled = ("ldam", "ldam_drw", "ldam_adrw"), ("lws", "label_aware_smoothing")
    assert others == dict.fromkeys(cosine, "cosine") | dict.fromkeys(scaled, "scaled")


@pytest.mark.parametrize(
    ("name", "epochs", "second"),
    [("crt", 90, 10), ("lws", 90, 5), ("label_aware_smoothing", 200, 10)],
)
def test_a_second_stage_has_the_epochs_of_the_released_code(name, epochs, second):
    first, then = make(name).runs(epochs)
    assert (first.epochs, then.begins, then.epochs) == (epochs, epochs, second)


def test_the_second_stage_of_crt_lws_and_smoothing_trains_what_its_paper_trains():
    second = {name: make(name).stages[1] for name in DECOUPLED}
    assert {name: (stage.trains, stage.head) for name, stage in second.items()} == {
        "crt": ("head", "new"),
        "lws": ("scale", "keep"),
        "label_aware_smoothing": ("head", "keep"),
    }


def test_tla_sets_beta_to_one_and_keeps_delta():
    first, then = (stage.loss for stage in make("vs_tla_adrw", tau=1.25, nu=0.3).stages)
    assert then.beta == Constant(1.0) and then.delta == first.delta
    assert then.alpha == PriorPower(0.3) and first.alpha == Constant(1.0)


def test_drw_keeps_the_margins_and_adds_effective_numbers():
    first, then = (stage.loss for stage in make("ldam_drw", b=0.999).stages)
    assert (then.beta, then.delta) == (first.beta, first.delta)
    assert then.alpha == EffectiveNumber(0.999)


def test_stages_change_at_epoch_160_of_200_and_320_of_400():
    assert make("ldam_drw").first_epochs(200) == (0, 160)
    assert make("vs_tla_adrw").first_epochs(400) == (0, 320)
    assert make("erm_drw", start=0.5).first_epochs(200) == (0, 100)


def test_the_weighted_stage_divides_by_its_weights():
    assert [stage.reduce for stage in make("erm_drw").stages] == ["mean", "weighted_mean"]
    assert make("wce").stages[0].reduce == "weighted_mean"
    assert make("cb", reduce="mean").stages[0].reduce == "mean"


def test_wce_is_the_weighted_cross_entropy_of_torch():
    loss, weights = losses(make("wce"))[0]
    weight = torch.tensor(COUNTS.sum() / COUNTS.sum(1), dtype=torch.float32)
    torch.testing.assert_close(loss.sum() / weights.sum(), F.cross_entropy(COSINES, LABELS, weight))


def test_wce_over_the_training_set_is_the_mean_of_the_class_means():
    labels = torch.repeat_interleave(torch.arange(4), torch.tensor(COUNTS[:, 0]))
    logits = torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(1))
    bound = make("wce").stages[0].loss.bind(COUNTS, "cpu")
    plain = F.cross_entropy(logits, labels, reduction="none")
    expected = torch.stack([plain[labels == y].mean() for y in range(4)]).mean()
    weighted = bound(logits, labels, rows=labels).sum() / bound.weights(labels).sum()
    torch.testing.assert_close(weighted, expected)


@pytest.mark.parametrize("by", ["prior", "effective_number"])
def test_resampling_weighs_classes_in_expectation(by):
    stage = make("resample", by=by).stages[0]
    weighted = make("wce" if by == "prior" else "cb").stages[0]
    counts = np.array([[40, 10], [3, 2], [1, 0]])
    draw = stage.sampler.weights(counts)
    alpha = weighted.loss.alpha(counts.sum(1))
    np.testing.assert_allclose(draw / draw.max(), np.tile(alpha[:, None], 2) / alpha.max())


def test_resampling_draws_all_classes_equally_often():
    draw = make("resample").stages[0].sampler.weights(COUNTS) * COUNTS
    np.testing.assert_allclose(draw / draw.sum(), 0.25)


def test_few_methods_change_what_is_drawn():
    changed = {
        entry.name
        for entry in REGISTRY.all("method")
        if any(stage.sampler != EveryExample() for stage in entry.make().stages)
    }
    by_class = {"resample", "square_root_sampling", "progressive_sampling"}
    assert changed == {*by_class, "reweight_group", "subg", "jtt", *DECOUPLED}


def test_balanced_softmax_is_logit_adjustment_at_tau_one():
    assert REGISTRY.part("method", "balanced_softmax") == REGISTRY.part("method", "la", {"tau": 1})


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("la", {"tau": 1.0}),
        ("ldam_drw", {"margin": 0.5, "scale": 30.0, "b": 0.9999, "start": 0.8}),
        ("focal", {"g": 2.0}),
        ("cdt", {"gamma": 0.15}),
        ("vs", {"tau": 1.0, "gamma": 0.15}),
        ("vs_tla_adrw", {"tau": 1.0, "gamma": 0.15, "nu": 0.15, "start": 0.8}),
    ],
)
def test_defaults_are_the_documented_ones(name, settings):
    assert REGISTRY.part("method", name).settings == settings


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("cdt", {"gamma": -0.1}),
        ("cb", {"b": 1.0}),
        ("ldam_drw", {"start": 1.0}),
        ("erm_drw", {"start": 0.0}),
        ("erm_adrw", {"nu": -1.0}),
        ("ldam", {"scale": 0.0}),
        ("wce", {"reduce": "sum"}),
        ("resample", {"by": "class"}),
        ("square_root_sampling", {"q": 1.5}),
    ],
)
def test_a_setting_out_of_range_is_refused(name, settings):
    with pytest.raises(SpecError, match=f"{name}: {next(iter(settings))} = "):
        make(name, **settings)


def test_a_negative_tau_is_allowed():
    assert losses(make("la", tau=-0.5))[0, 0, 3] < losses(make("erm"))[0, 0, 3]


@pytest.mark.parametrize(
    ("alias", "name"),
    [("ce", "erm"), ("balanced", "la"), ("ce_drw", "erm_drw"), ("ce_adrw", "erm_adrw")],
)
def test_the_names_that_papers_use_are_known(alias, name):
    assert REGISTRY.part("method", alias).name == name
