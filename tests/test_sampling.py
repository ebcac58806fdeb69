"""What samplers draw, keep and look back at."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.declared.method import Sampler
from evenhand.declared.stage_parts import ByEpoch, Retrospective, Subsampler
from evenhand.errors import DataError
from evenhand.losses.per_cell import InverseCell
from evenhand.losses.per_class import DrawPower, InversePrior
from evenhand.sampling import CellWeighted, ClassWeighted, ErrorsOften, Progressive, Subsampled

COUNTS = np.array([[3498, 184], [56, 1057]])


PROGRESSIVE = Progressive(InversePrior())
SAMPLERS = [CellWeighted(InverseCell()), Subsampled(), ErrorsOften(100), PROGRESSIVE]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_is_a_sampler_and_hashable(sampler):
    assert isinstance(sampler, Sampler) and hash(sampler) == hash(sampler)
    assert isinstance(sampler, Subsampler) == isinstance(sampler, Subsampled)
    assert isinstance(sampler, Retrospective) == isinstance(sampler, ErrorsOften)
    assert isinstance(sampler, ByEpoch) == isinstance(sampler, Progressive)


def test_inverse_cells_are_drawn_equally_often():
    draw = CellWeighted(InverseCell()).weights(COUNTS) * COUNTS
    np.testing.assert_allclose(draw / draw.sum(), 0.25)


def test_by_cell_and_by_class_are_the_same_with_one_group():
    counts = COUNTS.sum(1, keepdims=True)
    by_cell = CellWeighted(InverseCell()).weights(counts)
    by_class = ClassWeighted(InversePrior()).weights(counts)
    np.testing.assert_allclose(by_cell / by_cell.sum(), by_class / by_class.sum())


def test_every_cell_is_cut_to_the_size_of_the_smallest():
    np.testing.assert_array_equal(Subsampled().kept(COUNTS), np.full((2, 2), 56))
    assert Subsampled().weights(COUNTS) is None


def test_nothing_would_be_left_of_a_cell_without_an_example():
    with pytest.raises(DataError, match="no training example: class 1 in group 0"):
        Subsampled().kept(np.array([[3, 1], [0, 2]]))


def test_an_error_occurs_once_and_in_each_of_its_copies():
    times = ErrorsOften(20).times(np.array([False, True, False]))
    np.testing.assert_array_equal(times, [1, 21, 1])
    assert ErrorsOften(20).weights(COUNTS) is None


@pytest.mark.parametrize("q", [0.0, 0.5, 1.0])
def test_a_class_is_drawn_by_a_power_of_its_count(q):
    n = np.array([5000.0, 166.0, 5.0])
    draw = ClassWeighted(DrawPower(q)).weights(n[:, None]).ravel() * n
    np.testing.assert_allclose(draw / draw.sum(), n**q / (n**q).sum())


@pytest.mark.parametrize("epoch", [0, 3, 9])
def test_progressive_draws_move_from_the_natural_to_equal_class_frequencies(epoch):
    n = COUNTS.sum(1)
    draw = (PROGRESSIVE.weights_at(COUNTS, epoch=epoch, epochs=10) * COUNTS).sum(1)
    np.testing.assert_allclose(draw / draw.sum(), (1 - epoch / 10) * n / n.sum() + epoch / 10 / 2)


def test_progressive_draws_begin_with_the_weights_of_the_first_epoch():
    first = PROGRESSIVE.weights_at(COUNTS, epoch=0, epochs=7)
    np.testing.assert_array_equal(PROGRESSIVE.weights(COUNTS), first)


@pytest.mark.parametrize("sampler", [ClassWeighted(DrawPower(0.5)), PROGRESSIVE])
def test_draws_by_class_refuse_a_class_without_an_example(sampler):
    with pytest.raises(DataError, match="no training example of 1 of 2 classes: 1"):
        sampler.weights(np.array([[3, 1], [0, 0]]))
