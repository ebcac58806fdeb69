"""Splits of a problem: what is kept, what is set aside, and the fingerprint of it all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from evenhand.data.images import Images, Source
from evenhand.data.splits import make_splits, shared_examples
from evenhand.declared.base import Part
from evenhand.declared.split_counts import split_counts
from evenhand.declared.trial import STREAMS, Problem, Val
from evenhand.errors import DataError
from tests.data.samples import has_facts, make_problem, make_source

SOURCE = make_source([60, 55, 50, 45], groups=2)
ALL_IN_ONE = make_source([60, 55, 50, 45])
VAL = Val(per_class=5)


def prepared(problem=None, source=SOURCE, *, seed=0, vary=STREAMS):
    return make_splits(problem or make_problem(), source, seed=seed, vary=vary)


def rows(images):
    """Every image as bytes: to see which ones are in a split."""
    return [pixels.tobytes() for pixels in images.pixels]


def test_the_training_counts_are_those_of_the_profile():
    data = prepared(make_problem("exp", 10, n_max=40))
    assert data.counts.sum(1).tolist() == [40, 18, 8, 4]
    assert np.bincount(data.train.labels).tolist() == [40, 18, 8, 4]
    assert data.summary.train == tuple(map(tuple, data.counts.tolist()))


def test_without_n_max_the_largest_class_has_as_many_as_the_smallest_of_the_source():
    assert prepared(make_problem("step", 5)).counts.sum(1).tolist() == [45, 45, 9, 9]
    with_val = prepared(make_problem("step", 5, val=VAL))
    assert with_val.counts.sum(1).tolist() == [40, 40, 8, 8]


def test_without_n_max_a_class_has_what_it_has_in_the_whole_data_set():
    source = make_source([60, 40, 30, 30], whole=60)
    assert prepared(make_problem("exp", 6), source).counts.sum(1).tolist() == [60, 33, 18, 10]
    with_val = prepared(make_problem("exp", 6, val=VAL), source)
    assert with_val.counts.sum(1).tolist() == [55, 30, 16, 9]
    again = prepared(make_problem("exp", 6, n_max=60), source)
    assert again.summary == prepared(make_problem("exp", 6), source).summary


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (make_problem("step", 2), "class b … 40 … 60 … n_max"),
        (make_problem("natural", None), "natural … \n"),
        (make_problem(val=Val(per_class=30)), "class c … 30 … 30"),
    ],
)
def test_images_that_were_not_prepared_are_told(problem, says):
    with pytest.raises(DataError) as raised:
        prepared(problem, make_source([60, 40, 30, 30], whole=60))
    assert has_facts(raised.value, says)
    assert has_facts(raised.value, "160 of 240 … `evenhand data prepare 'made up' --again`")


def test_natural_keeps_every_image_in_the_order_of_the_source_by_class():
    data = prepared(make_problem("natural", None))
    assert sorted(rows(data.train)) == sorted(rows(SOURCE.train))
    assert prepared(make_problem("natural", None), seed=1).summary == data.summary


def test_counts_have_a_column_for_each_group():
    data = prepared()
    assert data.counts.shape == (4, 2)
    for c in range(4):
        for g in range(2):
            here = (data.train.labels == c) & (data.train.groups == g)
            assert data.counts[c, g] == here.sum()


def test_groups_are_there_where_they_are_trivial():
    data = prepared(source=make_source([20, 20]))
    assert data.summary.groups == ("group 0",)
    assert data.counts.shape == (2, 1)
    assert not data.train.groups.any()


@pytest.mark.parametrize("val", [Val(per_class=5), Val(fraction=0.25)])
def test_no_image_is_in_two_splits(val):
    data = prepared(make_problem("exp", 5, val=val))
    train, val_rows = rows(data.train), rows(data.val)
    assert len(set(train)) == len(train)
    assert not set(train) & set(val_rows)
    assert set(train) | set(val_rows) <= set(rows(SOURCE.train))
    np.testing.assert_array_equal(data.test.pixels, SOURCE.test.pixels)


def test_val_per_class_is_balanced_and_taken_before_the_profile():
    data = prepared(make_problem("exp", 10, n_max=40, val=VAL))
    assert np.bincount(data.val.labels).tolist() == [5] * 4
    assert data.counts.sum(1).tolist() == [40, 18, 8, 4]


def test_val_by_fraction_is_taken_after_the_profile_class_by_class():
    problem = make_problem("exp", 10, n_max=40, val=Val(fraction=0.25))
    data = prepared(problem, ALL_IN_ONE)
    assert np.bincount(data.val.labels).tolist() == [10, 4, 2, 1]
    assert data.counts.sum(1).tolist() == [30, 14, 6, 3]


def test_without_val_a_source_gives_its_own_split_or_none():
    assert prepared().val is None
    assert prepared().summary.n_val == 0
    own = prepared(source=make_source([20, 20], val=6))
    assert len(own.val) == own.summary.n_val == 12


@pytest.mark.parametrize("test", [10, 7])
def test_test_halves_are_halves_of_each_class_and_nothing_else(test):
    source = make_source([40, 40, 40], test=test)
    plain = prepared(make_problem(), source)
    data = prepared(make_problem(val=Val(test_half=True)), source)
    assert np.bincount(data.val.labels).tolist() == [test // 2] * 3
    assert np.bincount(data.test.labels).tolist() == [test - test // 2] * 3
    assert not set(rows(data.val)) & set(rows(data.test))
    assert set(rows(data.val)) | set(rows(data.test)) == set(rows(source.test))
    assert rows(data.train) == rows(plain.train)
    assert (data.summary.n_val, data.summary.n_test) == (len(data.val), len(data.test))
    assert data.summary.fingerprint != plain.summary.fingerprint


def test_test_halves_follow_the_stream_split_alone():
    problem = make_problem(val=Val(test_half=True))
    first, second = (prepared(problem, seed=s, vary=("split",)) for s in (0, 1))
    assert set(rows(first.val)) != set(rows(second.val))
    assert rows(first.train) == rows(second.train)
    still = [prepared(problem, seed=s, vary=("subset", "init")) for s in (0, 1)]
    assert rows(still[0].val) == rows(still[1].val)
    assert rows(still[0].train) != rows(still[1].train)


@pytest.mark.parametrize("val", [Val(), Val(per_class=5), Val(fraction=0.25)])
def test_no_test_image_is_ever_a_validation_image_unless_it_is_asked_for(val):
    data = prepared(make_problem(val=val))
    assert not {*(rows(data.val) if data.val else ())} & {*rows(SOURCE.test)}
    assert rows(data.test) == rows(SOURCE.test)


def test_the_selection_of_ldam_is_the_same_at_every_seed():
    problem = make_problem("exp", 5, selection="ldam")
    data = [prepared(problem, seed=seed) for seed in range(3)]
    assert len({d.summary.fingerprint for d in data}) == 1
    rng = np.random.RandomState(0)
    for c, n in enumerate(data[0].counts.sum(1)):
        index = np.flatnonzero(SOURCE.train.labels == c)
        rng.shuffle(index)
        ours = data[0].train.pixels[data[0].train.labels == c]
        np.testing.assert_array_equal(ours, SOURCE.train.pixels[index[:n]])


def test_a_selection_by_place_needs_the_official_order():
    mirror = replace(SOURCE, in_official_order=False)
    prepared(make_problem(), mirror)
    with pytest.raises(DataError, match=r"ldam .*\n.*prepare 'made up' --again"):
        prepared(make_problem(selection="ldam"), mirror)


def test_the_same_seed_gives_the_same_data():
    for problem in (make_problem(), make_problem(val=VAL), make_problem(val=Val(fraction=0.2))):
        assert prepared(problem, seed=3).summary == prepared(problem, seed=3).summary
        assert rows(prepared(problem, seed=3).train) == rows(prepared(problem, seed=3).train)


def test_another_seed_gives_another_subset():
    assert rows(prepared(seed=0).train) != rows(prepared(seed=1).train)
    assert prepared(seed=0).summary.fingerprint != prepared(seed=1).summary.fingerprint


def test_a_subset_that_does_not_vary_is_the_same_at_every_seed():
    for problem in (make_problem(), make_problem(val=VAL), make_problem(val=Val(fraction=0.2))):
        summaries = {
            prepared(problem, seed=seed, vary=("init", "order")).summary.fingerprint
            for seed in range(4)
        }
        assert len(summaries) == 1


def test_a_split_may_vary_while_the_subset_stays():
    problem = make_problem(val=Val(fraction=0.2))
    first, second = (prepared(problem, seed=s, vary=("split",)) for s in (0, 1))
    both = [set(rows(d.train)) | set(rows(d.val)) for d in (first, second)]
    assert both[0] == both[1]
    assert set(rows(first.val)) != set(rows(second.val))


def test_every_image_has_the_same_chance_to_be_kept():
    source = make_source([20, 20], side=4)
    places = {row: i for i, row in enumerate(rows(source.train))}
    kept = np.zeros(len(places))
    for seed in range(400):
        for row in rows(prepared(make_problem("step", 2, n_max=10), source, seed=seed).train):
            kept[places[row]] += 1
    expected = np.where(source.train.labels == 0, 200, 100)
    # Four standard deviations of a binomial.
    assert (np.abs(kept - expected) < 4 * np.sqrt(expected * (1 - expected / 400))).all()


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (make_problem("exp", 100, n_max=40), "class d … 40"),
        (make_problem("step", 2, n_max=58), "class b … 55 … 58"),
        (make_problem(val=Val(per_class=45)), "class d … 45 … 45"),
        (make_problem("exp", 40, n_max=40, val=Val(fraction=0.5)), "class d … 1 image … 0.5"),
    ],
)
def test_too_few_images_are_told_before_training(problem, says):
    with pytest.raises(DataError) as raised:
        prepared(problem, ALL_IN_ONE)
    assert has_facts(raised.value, says)
    assert str(raised.value).startswith(problem.name)


def changed(images: Images, **what) -> Images:
    fields = {"pixels": images.pixels, "labels": images.labels, "groups": images.groups}
    return Images(**fields | what)


def bump(values, index=0):
    values = values.copy()
    values.flat[index] = 1 - values.flat[index] if values.flat[index] < 2 else 0
    return values


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("field", ["pixels", "labels", "groups"])
def test_the_fingerprint_changes_with_any_value_of_any_split(split, field):
    source = make_source([20, 20], groups=2, val=5)
    problem = make_problem("natural", None)
    images = getattr(source, split)
    other = changed(images, **{field: bump(getattr(images, field))})
    assert (
        prepared(problem, source).summary.fingerprint
        != prepared(problem, replace(source, **{split: other})).summary.fingerprint
    )


PINNED = [
    ("exp", Val(), "402ac3cd67d6bc0c1157a3e78068f7af"),
    ("exp", Val(per_class=5), "320cbacee34c606d54ba39b9316ae39f"),
    ("exp", Val(fraction=0.25), "a3b06eb09a2a4e487181cd72a3b313aa"),
    ("exp", Val(test_half=True), "e00e0e2d75359c818cafd44a671cb3c8"),
    ("natural", Val(), "0b88da340d6372678a14352a1ff65f94"),
    ("natural", Val(per_class=5), "6b2686abcc320541bc92af371b0bbe15"),
    ("natural", Val(fraction=0.25), "531ee063e3eed73a9e08ac0474d58130"),
    ("natural", Val(test_half=True), "a4fb9ba02aedc8147b40bff6ad5e717c"),
]


@pytest.mark.parametrize(("profile", "val", "fingerprint"), PINNED)
def test_the_fingerprint_is_pinned(profile, val, fingerprint):
    """It is in every record: another number here makes new records strangers to the old ones.

    These were taken before splits knew of groups.
    """
    settings = {"ratio": 10, "n_max": 40} if profile == "exp" else {"ratio": None}
    problem = make_problem(profile, **settings, val=val)
    assert prepared(problem, ALL_IN_ONE, seed=3).summary.fingerprint == fingerprint


def test_the_fingerprint_of_data_with_groups_is_pinned():
    assert prepared(make_problem(val=VAL)).summary.fingerprint == "3f9ff2a5756dc7d49c86d857c8a79fe7"


def test_the_fingerprint_does_not_depend_on_how_arrays_lie_in_memory():
    images = SOURCE.train
    other = changed(
        images,
        pixels=np.asfortranarray(images.pixels),
        labels=images.labels.astype(np.int32),
        groups=images.groups.astype(np.int16),
    )
    again = prepared(source=replace(SOURCE, train=other))
    assert again.summary.fingerprint == prepared().summary.fingerprint


def images_of(values: list[int], labels: list[int]) -> Images:
    """Images of one pixel, equal where the values are."""
    pixels = np.array(values, dtype=np.uint8)[:, None, None, None]
    return Images(pixels, np.array(labels), np.zeros(len(labels), dtype=np.int64))


def test_examples_that_stand_in_two_splits_are_counted():
    train, val = images_of([1, 2, 3, 3], [0, 1, 0, 1]), images_of([4, 1], [0, 1])
    test = images_of([3, 3, 2, 5, 4], [0, 2, 0, 0, 0])

    found = [(s.split, s.other, s.n, s.relabelled) for s in shared_examples(train, val, test)]

    assert found == [("test", "train", 3, 2), ("test", "val", 1, 0), ("val", "train", 1, 1)]
    assert shared_examples(train, None, images_of([9], [0])) == ()


def test_features_are_equal_only_bit_for_bit():
    def features(*rows: list[float]) -> Images:
        pixels = np.array(rows, dtype=np.float32)[:, None, None, :]
        return Images(pixels, np.zeros(len(rows), dtype=int), np.zeros(len(rows), dtype=int))

    train = features([0.5, np.nan], [1.0, 2.0])
    shared = shared_examples(
        train, None, features([0.5, np.nan], [1.0, np.nextafter(np.float32(2), 3)])
    )

    assert [s.n for s in shared] == [1]


def test_hashes_of_content_follow_the_images_that_are_kept():
    images = images_of([7, 8, 7], [0, 0, 0])

    assert images.contents[0] == images.contents[2] != images.contents[1]
    np.testing.assert_array_equal(images[np.array([1, 2])].contents, images.contents[[1, 2]])


@dataclass(frozen=True)
class Centred:
    """Subtracts the mean of the training split, as an encoder of columns would."""

    def fitted(self, train: Images) -> Callable[[Images], Images]:
        mean = train.pixels.mean()
        return lambda images: replace(images, pixels=images.pixels - mean)


def test_features_are_encoded_by_the_training_split_alone():
    rng = np.random.default_rng(0)

    def draw(n: int) -> Images:
        labels = np.arange(n) % 2
        pixels = rng.normal(size=(n, 1, 1, 1)).astype(np.float32)
        return Images(pixels, labels, np.zeros(n, dtype=int))

    train, test = draw(20), draw(10)
    source = Source(train=train, test=test, classes=("a", "b"), encoder=Centred())
    problem = Problem(dataset=Part(name="own"), profile=Part(name="natural"), val=Val(fraction=0.2))

    made = make_splits(problem, source, seed=0, vary=())

    assert abs(made.train.pixels.mean()) < 1e-6
    shift = (test.pixels - made.test.pixels).ravel()
    assert np.ptp(shift) < 1e-6
    assert abs(shift[0] - train.pixels.mean()) > 1e-4  # the validation rows are not in the mean
    assert source.shape == (1, 1, 1)


def test_further_validation_images_are_a_share_beside_training_images_that_stay_the_same():
    source = make_source([40, 40, 40], groups=2)
    shares, found = (0.1, 0.5), []
    for share in shares:
        problem = make_problem("exp", 4, n_max=24, val=Val(further=share))
        found.append(make_splits(problem, source, seed=0, vary=STREAMS))
    for share, data in zip(shares, found, strict=True):
        np.testing.assert_array_equal(data.train.pixels, found[0].train.pixels)
        expected = [[max(1, round(share * n)) for n in row] for row in data.counts.tolist()]
        assert data.val.counts(3, 2).tolist() == expected
        assert not np.isin(data.val.contents, data.train.contents).any()
        counted = split_counts(
            problem.model_copy(update={"val": Val(further=share)}), source.counts()
        )
        assert counted.val.tolist() == expected


def test_further_validation_images_need_images_that_the_profile_leaves_out():
    problem = make_problem("exp", 4, n_max=38, val=Val(further=0.25))
    with pytest.raises(DataError, match=r"class a has 40 .* keeps 38.*further: 0.25") as told:
        make_splits(problem, make_source([40, 40, 40]), seed=0, vary=STREAMS)
    assert "lower n_max (now 38) to at most 32" in str(told.value)

    lower = problem.model_copy(update={"n_max": 32})
    assert make_splits(lower, make_source([40, 40, 40]), seed=0, vary=STREAMS).val is not None
