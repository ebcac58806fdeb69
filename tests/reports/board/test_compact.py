"""A record in its compact form takes less memory and gives the same report."""

from __future__ import annotations

import dataclasses
import gc
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evenhand.declared.record import RULES, Record
from evenhand.store import Store
from evenhand_reports.board import leaderboard
from evenhand_reports.board.compact import Compact, Numbers, Series
from evenhand_reports.formats import files
from tests.records import make_record
from tests.reports.suites import make_suite

CURVE = [0.1, None, 3.0]
EPOCHS, CLASSES = 200, 30


def record_of(seed: int) -> Record:
    record = make_record(seed=seed, accuracy=[0.5 + 0.01 * seed] * CLASSES, classes=CLASSES)
    curves = {f"learned Δ {y}": [seed + 0.1 * y * t for t in range(EPOCHS)] for y in range(CLASSES)}
    epochs = [float(t) for t in range(EPOCHS)]
    return record.model_copy(update={"curves": {"epoch": epochs, **curves}})


def test_a_series_reads_as_its_list() -> None:
    series = Series(CURVE)

    assert list(series) == CURVE == series
    assert (len(series), series[0], series[1], series[-2:]) == (3, 0.1, None, CURVE[-2:])
    assert series.index(3.0) == 2
    assert None in series and 3.0 in series
    assert series == Series(CURVE) and series != Series(CURVE[:2])
    np.testing.assert_array_equal(np.array([series]), [[0.1, np.nan, 3.0]])


def test_a_compact_record_has_the_same_contents() -> None:
    record = record_of(3)
    compact = Compact({record.key: record.trial})(record)

    assert compact.curves == record.curves
    assert (compact.trial, compact.data, compact.provenance, compact.cost, compact.exit) == (
        record.trial,
        record.data,
        record.provenance,
        record.cost,
        record.exit,
    )
    for split, rule in [("val", "last"), ("val", "best-val"), *(("test", rule) for rule in RULES)]:
        before, after = record.evaluation(split, rule), compact.evaluation(split, rule)
        assert before is not None and after is not None
        np.testing.assert_array_equal(after.counts, before.counts)
        assert (after.epoch, after.shape, after.scores) == (
            before.epoch,
            before.shape,
            before.scores,
        )


@pytest.mark.parametrize("n", [2, 1 << 33])
def test_a_compact_record_is_equal_to_the_record_and_is_written_as_it(n: int) -> None:
    record = make_record(counts=np.array([[[n, 0], [1, 5]]]))
    record = record.model_copy(update={"curves": {"epoch": [1.0, 2.0], "loss": [0.5, None]}})
    compact = Compact({record.key: record.trial})(record)

    assert compact == record == compact == Compact({})(record)
    assert compact.model_dump_json() == record.model_dump_json()
    assert compact.model_dump() == record.model_dump()
    assert Record.model_validate_json(compact.model_dump_json()) == record
    assert pickle.loads(pickle.dumps(compact)) == record
    other = make_record(counts=np.array([[[n, 0], [2, 5]]]))
    assert compact.evaluations != other.evaluations


def test_numbers_read_as_their_tuple() -> None:
    cells = Numbers((3, 1, 1 << 20))

    assert cells == (3, 1, 1 << 20) == cells == Numbers((3, 1, 1 << 20))
    assert cells != (3, 1) and cells != Numbers((3, 1)) and cells != [3, 1, 1 << 20]
    assert {cells} == {(3, 1, 1 << 20)}
    assert (len(cells), cells[0], cells[1:], 1 in cells) == (3, 3, (1, 1 << 20), True)
    assert all(type(value) is int for value in cells)


def test_data_of_one_fingerprint_are_shared_where_they_are_equal() -> None:
    first, second = (make_record(seed=seed, fingerprint="f" * 64) for seed in (0, 1))
    assert first.data is not None
    other = second.model_copy(update={"data": first.data.model_copy(update={"n_val": 7})})
    compact = Compact({})

    assert compact(second).data is compact(first).data
    assert compact(other).data == other.data


def test_many_counts_of_one_cell_are_kept() -> None:
    record = make_record(counts=np.array([[[1 << 33, 0], [2, 5]]]))

    [seen, *_] = Compact({})(record).evaluations

    assert seen.counts.tolist() == [[[1 << 33, 0], [2, 5]]]


def held_kib(store: Store, held: Callable[[Record], Record] | None) -> float:
    """Memory of a record that is read from a store and held."""
    gc.collect()
    tracemalloc.start()
    records = store.records() if held is None else store.records(held=held)
    gc.collect()
    found = tracemalloc.get_traced_memory()[0] / 1024 / len(records)
    tracemalloc.stop()
    return found


def test_a_compact_record_takes_a_third_of_the_memory(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    records = [record_of(seed) for seed in range(20)]
    for record in records:
        store.write(record)
    trials = {record.key: record.trial for record in records}

    whole, compact = held_kib(store, None), held_kib(store, Compact(trials))

    assert compact < 0.35 * whole, (compact, whole)


def test_counts_are_not_held_after_a_report_is_made() -> None:
    """With 1,000 classes the counts of one evaluation take 8 MB."""
    suite = make_suite(["ERM"])
    records = [make_record(trial=trial) for trial in suite.trials.values()]

    board = leaderboard.build_from(suite, records)

    seen = [e for record in board.records.values() for e in record.evaluations]
    assert seen and not any("counts" in vars(each) for each in seen)


@pytest.mark.parametrize("method", ["erm", "la"])
def test_a_report_of_compact_records_is_the_same(tmp_path: Path, method: str) -> None:
    suite = make_suite(["ERM", "LA", "VS"])
    records = [
        make_record(trial=t, accuracy=0.6 + 0.03 * t.seed * (t.method.name == method))
        for t in suite.trials.values()
    ]
    compact = [*map(Compact(suite.trials), records)]
    written = []
    for i, found in enumerate([records, compact]):
        board = leaderboard.build_from(suite, found)
        board = dataclasses.replace(board, location="")
        files.write(board, tmp_path / str(i))
        paths = sorted(p for p in (tmp_path / str(i)).rglob("*") if p.is_file())
        written.append({p.relative_to(tmp_path / str(i)): p.read_bytes() for p in paths})

    assert written[0] == written[1]
