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


def other(record, place, **fields):
    """The record as read from JSON in which fields of one part are others."""
    found = json.loads(record.model_dump_json())
    part = found
    for name in place:
        part = part[name]
    part.update(fields)
    return Record.model_validate_json(json.dumps(found))


FIRST = ("evaluations", 0)
CONTRADICTIONS = {
    "cells that are no places of the shape": (FIRST, {"cells": [100], "n": [5]}),
    "negative cells": (FIRST, {"cells": [-1], "n": [5]}),
    "a cell twice": (FIRST, {"cells": [3, 3], "n": [5, 5]}),
    "cells without counts": (FIRST, {"cells": [3, 4], "n": [5]}),
    "negative counts": (FIRST, {"cells": [3], "n": [-5]}),
    "counts beyond 64 bits": (FIRST, {"cells": [3], "n": [1 << 70]}),
    "another number of classes": (FIRST, {"shape": [1, 3, 3], "cells": [0], "n": [5]}),
    "another number of groups": (FIRST, {"shape": [2, 10, 10]}),
    "more labels than predictions": (FIRST, {"shape": [1, 11, 10]}),
    "a shape beyond all memory": (FIRST, {"shape": [1, 1 << 30, 1 << 30]}),
    "a negative epoch": (FIRST, {"epoch": -1}),
    "a place twice": (FIRST, {"split": "val", "rule": "best-val"}),
    "no data": ((), {"data": None}),
    "training counts of fewer classes": (("data",), {"train": [[5]] * 9}),
    "training counts of more groups": (("data",), {"train": [[5, 5]] * 10}),
    "a curve that is too short": (("curves",), {"lr": [0.1]}),
    "a curve without its epoch": (("curves",), {"epoch": [None] * 40}),
}


@pytest.mark.parametrize(("place", "fields"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_record_that_contradicts_itself_is_refused(place, fields):
    record = make_record()
    assert other(record, ()) == record
    with pytest.raises(ValidationError):
        other(record, place, **fields)


def test_counts_of_more_classes_than_any_data_set_has_are_not_made():
    fields = {"split": "test", "rule": "last", "epoch": 1, "cells": (0,), "n": (1,)}
    Evaluation.model_validate({**fields, "shape": (1, 1 << 15, 1 << 15)})
    with pytest.raises(ValidationError, match=r"has more than 4,294,967,296 counts"):
        Evaluation.model_validate({**fields, "shape": (1, 1 << 17, 1 << 17)})


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
