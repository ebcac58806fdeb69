"""Images on the device, and the batches made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from evenhand.losses.per_class import InversePrior
from evenhand.sampling import ClassWeighted
from evenhand.train.device_data import DeviceSplit, Normalise, batches, draw_order
from tests.data.samples import make_images

CPU = torch.device("cpu")
IMAGES = make_images([30, 20, 10], groups=2)


def placed(images=IMAGES, n_groups=2):
    return DeviceSplit.of(images, n_groups=n_groups, device=CPU)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_pixels_become_channels_first_and_stay_bytes():
    found = placed()
    assert found.pixels.shape == (60, 1, 8, 8)
    assert found.pixels.dtype == torch.uint8
    np.testing.assert_array_equal(found.pixels[:, 0].numpy(), IMAGES.pixels[..., 0])


def test_a_row_is_the_cell_of_label_and_group():
    found = placed()
    assert torch.equal(found.rows, found.labels * 2 + found.groups)
    cells = np.bincount(found.rows.numpy(), minlength=6).reshape(3, 2)
    np.testing.assert_array_equal(cells, IMAGES.counts(3, 2))


def test_read_only_arrays_and_small_integers_are_taken():
    """Ray's object store hands out read-only arrays; a data set may count in 32 bits."""
    small = replace(
        IMAGES, labels=IMAGES.labels.astype(np.int32), groups=IMAGES.groups.astype(np.int16)
    )
    for array in (small.pixels, small.labels, small.groups):
        array.flags.writeable = False
    try:
        found = placed(small)
    finally:
        IMAGES.pixels.flags.writeable = True
    assert torch.equal(found.labels, placed().labels)
    assert found.labels.dtype == found.groups.dtype == found.rows.dtype == torch.int64


def test_normalised_training_images_have_mean_0_and_deviation_1():
    found = placed()
    values = Normalise.of(found, None, None)(found.pixels)
    assert values.dtype == torch.float32
    assert abs(float(values.mean())) < 1e-5
    assert abs(float(values.std()) - 1) < 1e-5


def test_given_statistics_are_in_units_of_0_to_1():
    pixels = torch.tensor([[0, 255], [51, 102]], dtype=torch.uint8)[None, None]
    normalise = Normalise.of(placed(), [0.2], [0.4])
    by_hand = (pixels.double() / 255 - 0.2) / 0.4
    torch.testing.assert_close(normalise(pixels).double(), by_hand, atol=1e-6, rtol=0)


def test_a_channel_that_never_varies_is_not_divided_by_zero():
    flat = replace(IMAGES, pixels=np.full_like(IMAGES.pixels, 7))
    values = Normalise.of(placed(flat), None, None)(placed(flat).pixels)
    assert values.isfinite().all()


def test_an_epoch_is_every_example_once_in_another_order_each_time():
    draws = generator()
    first, second = draw_order(50, None, draws), draw_order(50, None, draws)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(50))
    assert first.tolist() != second.tolist()
    assert torch.equal(first, draw_order(50, None, generator()))


def test_weights_draw_with_replacement_in_their_proportion():
    weights = np.repeat([1.0, 2.0, 5.0], 20)
    drawn = torch.cat([draw_order(60, weights, g) for g in [generator(3)] for _ in range(200)])
    expected = weights / weights.sum() * len(drawn)
    assert stats.chisquare(np.bincount(drawn.numpy(), minlength=60), expected).pvalue > 0.001
    assert len(set(drawn[:60].tolist())) < 60


def test_inverse_prior_draws_every_class_equally_often():
    counts = np.array([[50, 10], [15, 5], [3, 2]])
    cells = ClassWeighted(InversePrior()).weights(counts)
    labels = np.repeat([0, 0, 1, 1, 2, 2], counts.ravel())
    groups = np.repeat([0, 1, 0, 1, 0, 1], counts.ravel())
    draws = generator(5)
    drawn = torch.cat([draw_order(len(labels), cells[labels, groups], draws) for _ in range(100)])
    seen = np.bincount(labels[drawn.numpy()], minlength=3)
    assert stats.chisquare(seen).pvalue > 0.001


@pytest.mark.parametrize(
    ("n", "size", "sizes"),
    [
        (10, 4, [4, 4, 2]),
        (9, 4, [4, 4]),
        (8, 4, [4, 4]),
        (3, 128, [3]),
        (3, 1, [1, 1, 1]),
        (1, 4, []),
    ],
)
def test_the_last_batch_is_kept_unless_it_is_a_single_example(n, size, sizes):
    found = list(batches(torch.arange(n), size))
    assert [len(batch) for batch in found] == sizes
    assert torch.cat([torch.arange(0), *found]).tolist() == list(range(sum(sizes)))


@pytest.mark.parametrize(
    ("n", "size", "sizes"), [(10, 4, [4, 4]), (8, 4, [4, 4]), (3, 128, [3]), (3, 1, [1, 1, 1])]
)
def test_a_smaller_last_batch_is_dropped_unless_it_is_the_only_one(n, size, sizes):
    found = list(batches(torch.arange(n), size, drop_last=True))
    assert [len(batch) for batch in found] == sizes
