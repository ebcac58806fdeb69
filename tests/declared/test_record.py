"""A record is the same after it was written and read; an evaluation holds its counts sparse."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from evenhand.declared.record import RULES, Evaluation, Exit, Record
from tests.records import make_record


@pytest.mark.parametrize("shape", [(1, 10, 10), (2, 2, 2), (3, 7, 7)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_counts_survive_being_stored_sparse(shape, share):
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 100, shape) * (rng.random(shape) < share)
    evaluation = Evaluation.of(counts, split="test", rule="last", epoch=3)
    again = Evaluation.model_validate_json(evaluation.model_dump_json())
    np.testing.assert_array_equal(again.counts, counts)
    assert again.counts.dtype == np.int64
    assert len(again.cells) == len(again.n) == np.count_nonzero(counts)


@pytest.mark.parametrize("status", ["done", "failed", "diverged", "interrupted"])
def test_a_record_is_the_same_after_reading(status):
    record = make_record(status=status)
    again = Record.model_validate_json(record.model_dump_json())
    assert again == record
    assert again.trial.key == record.key


def test_a_record_without_the_course_of_its_stages_is_read():
    fields = json.loads(make_record().model_dump_json())
    del fields["stages"], fields["changed"]
    record = Record.model_validate_json(json.dumps(fields))
    assert (record.stages, record.changed) == ((), None)


def test_an_evaluation_is_found_by_split_and_rule():
    record = make_record()
    found = record.evaluation("test", "best-val")
    assert (found.split, found.rule) == ("test", "best-val")
    assert record.evaluation("val", "best-test") is None
    assert RULES == ("last", "best-val", "best-test")


def test_an_unknown_field_is_refused():
    text = make_record().model_dump_json().replace('"attempts"', '"tries"')
    with pytest.raises(ValidationError):
        Record.model_validate_json(text)


@pytest.mark.parametrize("wrong", [{"status": "finished"}, {"status": "done", "step": "3"}])
def test_a_value_of_another_type_is_refused(wrong):
    with pytest.raises(ValidationError):
        Exit(**wrong)


def test_a_record_cannot_be_changed():
    with pytest.raises(ValidationError):
        make_record().attempts = 2


def test_a_curve_has_none_where_it_was_not_finite_and_never_nan():
    record = make_record().model_copy(update={"curves": {"epoch": [1.0], "loss": [None]}})
    assert Record.model_validate_json(record.model_dump_json()).curves["loss"] == [None]
    with pytest.raises(ValidationError):
        Record.model_validate({**record.model_dump(), "curves": {"loss": [float("nan")]}})
