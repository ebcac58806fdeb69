"""Metrics of probabilities against scikit-learn, and against their formulas written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn_metrics

from evenhand import metric
from evenhand.declared.registry import REGISTRY
from evenhand.errors import MetricError, SpecError
from evenhand.metrics import Outputs, better, count, is_of_logits, outputs, score

OF_LOGITS = [entry.name for entry in REGISTRY.all("metric") if is_of_logits(entry.name)]
TRAIN = np.full((5, 1), 10)


def drawn(seed: int, n: int = 400, classes: int = 5) -> Outputs:
    """Logits with many ties among them, and labels that they predict better than chance."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
    logits = rng.normal(size=(n, classes)).round(1)
    logits[np.arange(n), labels] += 1.0
    return outputs(logits.astype(np.float32), labels)


def softmax(logits: np.ndarray) -> np.ndarray:
    """The definition, for logits of moderate size."""
    powers = np.exp(logits.astype(np.float64))
    return powers / powers.sum(1, keepdims=True)


def sklearn_auroc(p: np.ndarray, labels: np.ndarray) -> float:
    return sklearn_metrics.roc_auc_score(labels, p, multi_class="ovr", average="macro")


def sklearn_auprc(p: np.ndarray, labels: np.ndarray) -> float:
    return sklearn_metrics.average_precision_score(np.eye(p.shape[1])[labels], p, average="macro")


def sklearn_brier(p: np.ndarray, labels: np.ndarray) -> float:
    one_hot = np.eye(p.shape[1])[labels]
    columns = zip(one_hot.T, p.T, strict=True)
    return sum(sklearn_metrics.brier_score_loss(y, column) for y, column in columns)


def calibration_error(p: np.ndarray, labels: np.ndarray) -> float:
    """Equation 3 of guo2017calibration, bin by bin."""
    confidence, correct = p.max(1), p.argmax(1) == labels
    total = 0.0
    for m in range(1, 16):
        inside = ((m - 1) / 15 < confidence) & (confidence <= m / 15)
        if inside.any():
            total += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return total


def error_of_equal_bins(p: np.ndarray, labels: np.ndarray) -> float:
    """Bins of equally many examples in the order of confidence, which has no ties."""
    confidence, correct = p.max(1), p.argmax(1) == labels
    order = np.argsort(confidence)
    gaps = [
        len(part) * abs(correct[part].mean() - confidence[part].mean())
        for part in np.array_split(order, 15)
    ]
    return sum(gaps) / len(labels)


ORACLES = {
    "nll": lambda p, y: sklearn_metrics.log_loss(y, p),
    "brier": sklearn_brier,
    "auroc": sklearn_auroc,
    "auprc": sklearn_auprc,
    "ece": calibration_error,
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("seed", range(3))
def test_a_metric_is_its_oracle(name: str, seed: int) -> None:
    seen = drawn(seed)
    # Rounded, so that classes of equal logits are ties for scikit-learn as well.
    p = softmax(seen.logits)
    found = score(name, seen, TRAIN)
    tolerance = 1e-3 if name in ("auroc", "auprc") else 1e-12
    assert found == pytest.approx(ORACLES[name](p, seen.labels), abs=tolerance)


@pytest.mark.parametrize("name", ["auroc", "auprc"])
def test_ties_of_probabilities_count_as_ties(name: str) -> None:
    rng = np.random.default_rng(1)
    # Two logits of three levels: the probabilities have few distinct values.
    logits, labels = rng.integers(0, 3, (200, 2)).astype(float), np.arange(200) % 2
    p = softmax(logits).round(12)
    oracle = np.mean(
        [
            {
                "auroc": sklearn_metrics.roc_auc_score,
                "auprc": sklearn_metrics.average_precision_score,
            }[name](labels == c, p[:, c])
            for c in range(2)
        ]
    )
    assert score(name, outputs(logits, labels), [1, 1]) == pytest.approx(oracle, abs=1e-12)


def test_adaptive_ece_has_bins_of_equally_many_examples() -> None:
    rng = np.random.default_rng(0)
    seen = outputs(rng.normal(size=(403, 4)) * 2, rng.integers(0, 4, 403))
    expected = error_of_equal_bins(softmax(seen.logits), seen.labels)
    assert score("adaptive_ece", seen, [1] * 4) == pytest.approx(expected, abs=1e-12)


def test_nll_of_a_probability_that_rounds_to_0_is_the_difference_of_logits() -> None:
    seen = outputs([[2000.0, 0.0], [0.0, -1500.0]], [1, 0])
    assert score("nll", seen, [1, 1]) == 1000.0


def test_a_uniform_prediction_has_the_scores_of_chance() -> None:
    seen = outputs(np.zeros((40, 4)), np.arange(40) % 4)
    expected = {
        "nll": math.log(4),
        "brier": 0.75,
        "auroc": 0.5,
        "auprc": 0.25,
        "ece": 0.0,
        "adaptive_ece": 0.0,
    }
    assert {name: score(name, seen, [1] * 4) for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("name", ["auroc", "auprc"])
@pytest.mark.parametrize("labels", [[0, 1, 1, 0], [0, 0, 0, 0]])
def test_a_ranking_is_undefined_if_the_split_lacks_a_class(name: str, labels: list[int]) -> None:
    assert score(name, outputs(np.eye(4, 3), labels), [1, 1, 1]) is None


@pytest.mark.parametrize("name", ["auroc", "auprc"])
def test_a_ranking_of_a_single_class_is_undefined(name: str) -> None:
    assert score(name, outputs(np.zeros((3, 1)), [0, 0, 0]), [1]) is None


@pytest.mark.parametrize("name", OF_LOGITS)
def test_a_metric_of_logits_does_not_depend_on_the_order_or_a_common_shift(name: str) -> None:
    seen = drawn(3)
    order = np.random.default_rng(0).permutation(len(seen.labels))
    shifted = outputs(seen.logits[order].astype(np.float64) + 8.0, seen.labels[order])
    assert score(name, shifted, TRAIN) == pytest.approx(score(name, seen, TRAIN), abs=1e-3)


@pytest.mark.parametrize("name", OF_LOGITS)
def test_a_perfect_and_certain_prediction_has_the_best_score(name: str) -> None:
    seen = outputs(1000 * np.eye(5)[np.arange(20) % 5], np.arange(20) % 5)
    assert score(name, seen, TRAIN) == (1.0 if better(name) == "higher" else 0.0)


def test_mcc_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, predictions = rng.integers(0, 4, 300), rng.integers(0, 4, 300)
    predictions[:150] = labels[:150]
    oracle = sklearn_metrics.matthews_corrcoef(labels, predictions)
    found = score("mcc", count(labels, predictions), [1] * 4)
    assert found == pytest.approx(oracle, abs=1e-12)


def test_mcc_is_undefined_where_one_class_alone_is_predicted() -> None:
    assert score("mcc", count([0, 1, 1], [1, 1, 1]), [1, 1]) is None


def test_a_metric_of_logits_refuses_counts_and_a_metric_of_counts_refuses_logits() -> None:
    with pytest.raises(MetricError, match=r"ece is computed from logits: write .metrics\.outputs"):
        score("ece", count([0, 1], [0, 1]), [1, 1])
    with pytest.raises(MetricError, match=r"accuracy is computed from counts"):
        score("accuracy", outputs(np.eye(2), [0, 1]), [1, 1])


@pytest.mark.parametrize(
    ("logits", "labels", "why"),
    [
        ([[1.0, np.nan]], [0], "not finite"),
        ([[1.0, 2.0]], [2], "from 0 to 1"),
        ([1.0, 2.0], [0], "shape"),
        ([[1.0, 2.0]], [0, 1], "shape"),
        (np.zeros((0, 2)), [], "shape"),
    ],
)
def test_outputs_that_are_none_are_refused(logits: object, labels: object, why: str) -> None:
    with pytest.raises(MetricError, match=why):
        outputs(logits, labels)


def test_a_metric_of_ones_own_reads_logits_and_groups() -> None:
    @metric(of="logits", better="lower", unit="nats", title="Worst-group NLL", name="own_nll")
    def own_nll(seen: Outputs, train: np.ndarray) -> float:
        """Largest NLL over the groups."""
        losses = -seen.log_probabilities[np.arange(len(seen.labels)), seen.labels]
        return float(max(losses[seen.groups == g].mean() for g in np.unique(seen.groups)))

    try:
        seen = outputs(np.zeros((4, 2)), [0, 1, 0, 1], [0, 0, 1, 1])
        assert score("own_nll", seen, [1, 1]) == pytest.approx(math.log(2))
    finally:
        del REGISTRY._entries["metric"]["own_nll"]


def test_an_unknown_source_or_unit_of_a_metric_is_refused() -> None:
    with pytest.raises(SpecError, match="may be 'counts' or 'logits'"):

        @metric(of="probabilities", better="lower")
        def wrong(seen: Outputs, train: np.ndarray) -> float:
            """Nothing."""
            return 0.0


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float32", "float64"])
def test_tensors_of_every_floating_point_type_are_read(kind):
    values = [[2.5, -1.0, 0.25], [0.5, 0.125, 8.0]]
    logits = torch.tensor(values, dtype=getattr(torch, kind), requires_grad=True)
    np.testing.assert_array_equal(outputs(logits, torch.tensor([0, 2])).logits, values)


@pytest.mark.parametrize("logits", [[["a", "b"]], [[1.0, 0.0], [1.0]]], ids=str)
def test_logits_that_are_no_array_of_numbers_are_refused(logits):
    with pytest.raises(MetricError, match=r"logits are numbers of shape \[n, classes\]"):
        outputs(logits, [0] * len(logits))
