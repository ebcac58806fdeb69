"""The losses by name in anybody's loop: counts in any form, and clear errors."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from evenhand import losses
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError, EvenhandError, LossError
from evenhand.losses.cost_sensitive import LogitAdjusted

COUNTS = [500, 50, 5]
CELLS = [[90, 10], [20, 30], [5, 45]]
NAMES = [name for name in losses.__all__ if name.islower()]
OF_METHODS = [name for name in NAMES if name in {e.name for e in REGISTRY.all("method")}]
LOGITS = torch.linspace(-2, 3, 12).reshape(4, 3)
LABELS = torch.tensor([0, 1, 2, 1])
GROUPS = torch.tensor([0, 1, 1, 0])


@pytest.fixture(autouse=True)
def _float32(_float64):
    """As in a user's training loop, whatever the other tests of losses set."""
    torch.set_default_dtype(torch.float32)


def make(name: str):
    return getattr(losses, name)()


@pytest.mark.parametrize("name", OF_METHODS)
def test_a_loss_is_that_of_the_method_of_its_name(name):
    registered = REGISTRY.get("method", name)
    method = registered.make()
    settings = inspect.signature(getattr(losses, name)).parameters
    assert make(name) in (method.stages[0].loss, _beside_cross_entropy(method))
    for setting, parameter in settings.items():
        assert parameter.default == registered.settings[setting].default


def _beside_cross_entropy(method):
    """The second loss of a mixture in which cross-entropy has no share; else None."""
    loss = method.stages[0].loss
    return loss.second if getattr(loss, "share", None) == 0 else None


def test_most_methods_of_one_loss_are_there():
    assert len(OF_METHODS) >= 12


@pytest.mark.parametrize(
    "counts",
    [
        COUNTS,
        tuple(COUNTS),
        np.array(COUNTS),
        np.array(COUNTS, np.uint16),
        np.array(COUNTS, np.float32),
        torch.tensor(COUNTS),
        torch.tensor(COUNTS, dtype=torch.float64),
        [[n] for n in COUNTS],
    ],
)
def test_counts_in_any_form_bind_to_the_same_loss(counts):
    usual = losses.vs().bind(np.array(COUNTS))(LOGITS, LABELS)
    torch.testing.assert_close(losses.vs().bind(counts)(LOGITS, LABELS), usual)


@pytest.mark.parametrize("name", NAMES)
def test_rows_and_groups_are_two_ways_to_say_the_same(name):
    bound = make(name).bind(CELLS)
    torch.manual_seed(0)
    by_group = bound(LOGITS, LABELS, groups=GROUPS)
    torch.manual_seed(0)
    by_row = bound(LOGITS, LABELS, rows=LABELS * 2 + GROUPS)
    torch.testing.assert_close(by_group, by_row)
    assert by_group.shape == (4,)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_logits_give_losses_in_float32(name):
    bound = make(name).bind(COUNTS)
    torch.manual_seed(0)
    assert bound(LOGITS.bfloat16(), LABELS).dtype == torch.float32


DETERMINISTIC = [name for name in NAMES if name != "equalized"]


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_autocast_changes_nothing(name):
    bound = make(name).bind(COUNTS)
    plain = bound(LOGITS, LABELS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(bound(LOGITS, LABELS), plain)


COMPILED = """
import sys, torch
from evenhand import losses
logits, labels = torch.linspace(-2, 3, 12).reshape(4, 3), torch.tensor([0, 1, 2, 1])
for name in sys.argv[1:]:
    bound = getattr(losses, name)().bind([500, 50, 5])
    compiled = torch.compile(bound, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(logits, labels), bound(logits, labels))
"""


def test_a_loss_is_compiled_without_a_graph_break():
    """In a process of its own: the checks of types in tests cannot be traced."""
    command = [sys.executable, "-c", COMPILED, *DETERMINISTIC]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_loss_trains_a_network():
    torch.manual_seed(0)
    x = torch.randn(60, 5) + torch.nn.functional.one_hot(torch.arange(60) % 3, 5) * 3
    y, network = torch.arange(60) % 3, nn.Linear(5, 3)
    loss, optimizer = losses.la().bind(COUNTS), torch.optim.SGD(network.parameters(), 0.5)
    values = []
    for _ in range(20):
        optimizer.zero_grad()
        value = loss(network(x), y).mean()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.5 * values[0]


def test_a_copy_on_another_device_is_made_once():
    bound = losses.vs().bind(COUNTS)
    moved = bound.to("meta")
    assert moved.device.type == "meta"
    assert moved.shape == bound.shape == (3, 1)
    meta = torch.device("meta")
    assert bound._on(meta) is bound._on(meta)
    assert bound._on(bound.device) is bound


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_a_loss_bound_on_the_cpu_follows_the_logits_to_a_gpu(name):
    bound = make(name).bind(CELLS)
    there = bound(LOGITS.cuda(), LABELS.cuda(), groups=GROUPS.cuda())
    torch.testing.assert_close(there.cpu(), bound(LOGITS, LABELS, groups=GROUPS))


@pytest.mark.parametrize(
    ("counts", "facts"),
    [
        ([500], ["[1]", "two classes"]),
        ([], ["[0]"]),
        (500, ["[]"]),
        ([[[1, 2], [3, 4]]], ["[1, 2, 2]"]),
        ([500, -1], ["-1"]),
        ([500.0, float("nan")], ["nan"]),
        ([500.0, float("inf")], ["inf"]),
        (["a", "b"], ["numbers"]),
        ([[1, 2], [3]], ["lengths"]),
        ([True, False], ["bool"]),
        (None, ["numbers"]),
    ],
)
def test_counts_that_are_none_are_refused_with_what_they_are(counts, facts):
    with pytest.raises(LossError) as error:
        losses.vs().bind(counts)
    assert all(fact in str(error.value) for fact in facts)


def test_a_class_without_an_example_has_no_prior():
    with pytest.raises(DataError, match="1 of 3 classes: 1"):
        losses.la().bind([5, 0, 1])


@pytest.mark.parametrize(
    ("logits", "labels", "groups", "facts"),
    [
        (LOGITS[:, :2], LABELS, None, ["3 classes", "[4, 2]"]),
        (LOGITS[0], LABELS, None, ["[3]"]),
        (LOGITS.long(), LABELS, None, ["int64"]),
        (LOGITS, LABELS[:3], None, ["labels", "4 examples", "[3]"]),
        (LOGITS, LABELS[:, None], None, ["labels", "[4, 1]"]),
        (LOGITS, LABELS.float(), None, ["labels", "float32"]),
        (LOGITS, LABELS + 1, None, ["labels", "0..2", "1 of 4", "3"]),
        (LOGITS, LABELS - 1, None, ["labels", "0..2", "-1"]),
        (LOGITS, LABELS, GROUPS, ["groups", "[classes, groups]"]),
    ],
)
def test_input_that_does_not_fit_the_counts_is_refused(logits, labels, groups, facts):
    bound = losses.vs().bind(COUNTS)
    with pytest.raises(LossError) as error:
        bound(logits, labels, groups=groups)
    assert all(fact in str(error.value) for fact in facts)


def test_groups_that_are_missing_or_unknown_are_refused():
    bound = losses.group_vs().bind(CELLS)
    with pytest.raises(LossError, match="2 groups"):
        bound(LOGITS, LABELS)
    with pytest.raises(LossError, match=r"groups lie in 0\.\.1"):
        bound(LOGITS, LABELS, groups=GROUPS + 1)


def test_a_loss_error_is_a_value_error_and_one_of_ours():
    assert issubclass(LossError, ValueError) and issubclass(LossError, EvenhandError)


def test_an_empty_batch_has_no_losses():
    assert losses.vs().bind(COUNTS)(LOGITS[:0], LABELS[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("make", "facts"),
    [
        (lambda: losses.group_vs(form="nope"), ["form", "nope", "equation_3"]),
        (lambda: losses.cb(b=2), ["b is 2", "0 to 1"]),
        (lambda: losses.equalized(gamma=3), ["gamma is 3"]),
        (lambda: losses.vs(gamma="a"), ["gamma is 'a'"]),
        (lambda: losses.vs(tau=float("nan")), ["tau is nan"]),
        (lambda: losses.focal(g=-1), ["g is -1"]),
        (lambda: losses.ldam(scale=None), ["scale is None"]),
    ],
)
def test_settings_outside_their_range_are_refused(make, facts):
    with pytest.raises(LossError) as error:
        make()
    assert all(fact in str(error.value) for fact in facts), str(error.value)


@pytest.mark.parametrize(
    ("logits", "labels"), [(LOGITS.numpy(), LABELS), (LOGITS, LABELS.tolist()), (None, LABELS)]
)
def test_what_is_no_tensor_is_refused(logits, labels):
    with pytest.raises(LossError, match=r"torch\.Tensor"):
        losses.vs().bind(COUNTS)(logits, labels)


def test_counts_in_bfloat16_are_numbers():
    bound = losses.la().bind(torch.tensor([512, 64, 4], dtype=torch.bfloat16))
    torch.testing.assert_close(
        bound(LOGITS, LABELS), losses.la().bind([512, 64, 4])(LOGITS, LABELS)
    )


def test_a_copied_or_pickled_loss_is_the_same_loss():
    bound = losses.vs().bind(COUNTS)
    bound._on(torch.device("meta"))
    for again in (copy.deepcopy(bound), pickle.loads(pickle.dumps(bound))):
        assert "_elsewhere" not in vars(again)
        torch.testing.assert_close(again(LOGITS, LABELS), bound(LOGITS, LABELS))


def test_a_loss_whose_tensors_change_keeps_no_copy():
    bound = LogitAdjusted().bind(COUNTS)
    meta = torch.device("meta")
    assert bound._on(meta) is not bound._on(meta)


def test_groups_are_the_third_argument_and_never_taken_for_rows():
    bound = losses.group_vs().bind(CELLS)
    by_name = bound(LOGITS, LABELS, groups=GROUPS)
    torch.testing.assert_close(bound(LOGITS, LABELS, GROUPS), by_name)
    with pytest.raises(LossError, match="groups were given"):
        losses.vs().bind(COUNTS)(LOGITS, LABELS, GROUPS)


def test_weights_are_those_of_the_cell_of_each_example():
    weights = losses.group_balanced().bind(CELLS).weights(LABELS, GROUPS)
    n = np.array(CELLS)
    expected = n.sum() / n.size / n[LABELS, GROUPS]
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    with pytest.raises(LossError, match="2 groups"):
        losses.group_balanced().bind(CELLS).weights(LABELS)
    with pytest.raises(LossError, match="-1"):
        losses.wce().bind(COUNTS).weights(torch.tensor([-1]))


@pytest.mark.parametrize(
    ("vectors", "facts"),
    [
        ({"alpha": lambda n: np.ones(5)}, ["alpha", "[3]", "[5]"]),
        ({"beta": lambda n: 2.0}, ["beta", "[3] or [3, 3]", "[]"]),
        ({"delta": lambda n: np.ones((3, 1))}, ["delta", "[3, 1]"]),
        ({"delta": lambda n: np.full(3, np.inf)}, ["finite"]),
    ],
)
def test_a_vector_of_ones_own_has_an_entry_for_each_class(vectors, facts):
    with pytest.raises(LossError) as error:
        losses.VectorScaling(**vectors).bind(COUNTS)
    assert all(fact in str(error.value) for fact in facts), str(error.value)


def test_a_vector_over_cells_has_the_shape_of_the_counts():
    with pytest.raises(LossError, match=r"\[3, 2\].*\[2, 3\]"):
        losses.GroupScaling(alpha=lambda n: n.T * 1.0).bind(CELLS)


def test_counts_of_a_pandas_object_are_in_class_order():
    by_frequency = pd.Series([0, 0, 1, 1, 1, 2]).value_counts()
    with pytest.raises(LossError, match=r"class order[^|]*\[1, 0, 2\]"):
        losses.la().bind(by_frequency)
    sorted_ = losses.la().bind(by_frequency.sort_index())(LOGITS, LABELS)
    torch.testing.assert_close(sorted_, losses.la().bind([2, 3, 1])(LOGITS, LABELS))


def test_masked_counts_are_refused():
    with pytest.raises(LossError, match="masked"):
        losses.vs().bind(np.ma.array(COUNTS, mask=[0, 1, 0]))


def test_counts_in_half_precision_do_not_overflow():
    bound = losses.group_vs().bind(np.array([[60000, 60000], [1, 1]], np.float16))
    assert bound.beta.isfinite().all() and bound.delta.isfinite().all()
