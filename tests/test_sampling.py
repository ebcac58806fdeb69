"""What samplers draw, keep and look back at."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.declared.method import Sampler
from evenhand.declared.stage_parts import Retrospective, Subsampler
from evenhand.errors import DataError
from evenhand.losses.per_cell import InverseCell
from evenhand.losses.per_class import InversePrior
from evenhand.sampling import CellWeighted, ClassWeighted, ErrorsOften, Subsampled

COUNTS = np.array([[3498, 184], [56, 1057]])


@pytest.mark.parametrize("sampler", [CellWeighted(InverseCell()), Subsampled(), ErrorsOften(100)])
def test_each_is_a_sampler_and_hashable(sampler):
    assert isinstance(sampler, Sampler) and hash(sampler) == hash(sampler)
    assert isinstance(sampler, Subsampler) == isinstance(sampler, Subsampled)
    assert isinstance(sampler, Retrospective) == isinstance(sampler, ErrorsOften)


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
