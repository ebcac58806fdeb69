"""A data set may be PyTorch `Dataset`s: they become images or features, or are told what lacks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from evenhand.data.splits import load
from evenhand.declared.decorators import dataset
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError

N = 12
LABELS = torch.arange(N) % 3
IMAGES = torch.randint(0, 256, (N, 3, 6, 5), generator=torch.Generator().manual_seed(0)).byte()
PLAIN = TensorDataset(IMAGES, LABELS)


class Items(Dataset):
    """Items that a function makes."""

    def __init__(self, item, n=N):
        self.item, self.n = item, n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return self.item(i)


@pytest.fixture
def loaded(unregistered):
    """Load a data set whose function returns this."""

    def load_it(made, **facts):
        @dataset(**facts)
        def mine():
            """A data set of a test."""
            return made

        return load(REGISTRY.part("dataset", "mine"))

    return load_it


def test_images_in_tensors_have_their_channels_last(loaded):
    source = loaded((PLAIN, PLAIN))
    np.testing.assert_array_equal(source.train.pixels, IMAGES.permute(0, 2, 3, 1).numpy())
    assert source.train.labels.tolist() == LABELS.tolist()
    assert source.classes == ("0", "1", "2")
    assert (source.groups, source.val, source.reading) == (("all",), None, None)


@pytest.mark.parametrize(
    "made",
    [
        (PLAIN, Subset(PLAIN, range(6)), Subset(PLAIN, range(3))),
        {"test": Subset(PLAIN, range(3)), "train": PLAIN, "val": Subset(PLAIN, range(6))},
        [PLAIN, Subset(PLAIN, range(6)), Subset(PLAIN, range(3))],
    ],
)
def test_three_splits_are_train_val_and_test(loaded, made):
    source = loaded(made)
    assert [len(source.train), len(source.val), len(source.test)] == [12, 6, 3]


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3)])
def test_pictures_are_their_pixels(loaded, mode, channels):
    array = IMAGES[0].permute(1, 2, 0).numpy()
    picture = Image.fromarray(array).convert(mode)
    source = loaded((Items(lambda i: (picture, i % 3)),) * 2)
    assert source.train.shape == (6, 5, channels)
    np.testing.assert_array_equal(source.train.pixels[4].squeeze(), np.asarray(picture))


def test_floats_of_to_tensor_are_the_bytes_that_they_were(loaded):
    source = loaded((TensorDataset(IMAGES / 255, LABELS),) * 2)
    np.testing.assert_array_equal(source.train.pixels, IMAGES.permute(0, 2, 3, 1).numpy())
    assert "multiplied by 255" in source.reading.notes[0]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64])
def test_vectors_are_features_in_float32(loaded, dtype):
    vectors = torch.arange(N * 4).reshape(N, 4).to(dtype)
    source = loaded((TensorDataset(vectors, LABELS),) * 2)
    assert source.train.pixels.dtype == np.float32
    assert source.train.shape == (1, 1, 4)
    np.testing.assert_array_equal(source.train.pixels[:, 0, 0], vectors.numpy())


def test_grey_images_have_one_channel(loaded):
    source = loaded((TensorDataset(IMAGES[:, 0], LABELS),) * 2)
    assert source.train.shape == (6, 5, 1)


def test_a_third_element_is_the_group(loaded):
    groups = torch.arange(N) // 3 % 2
    source = loaded((TensorDataset(IMAGES, LABELS, groups),) * 2)
    assert source.train.groups.tolist() == groups.tolist()
    assert source.groups == ("0", "1")
    named = loaded((TensorDataset(IMAGES, LABELS, groups),) * 2, groups=("land", "sea"))
    assert named.groups == ("land", "sea")


def test_names_are_those_of_the_dataset_or_of_the_decorator(loaded):
    whole = Items(lambda i: (IMAGES[i], int(LABELS[i])))
    whole.classes = ["cat", "dog", "owl"]
    part = Subset(whole, [0, 1, 2, 3])
    assert loaded((part, part)).classes == ("cat", "dog", "owl")
    assert loaded((part, part), classes=("a", "b", "c")).classes == ("a", "b", "c")


def test_data_that_change_have_another_digest(loaded):
    first, again = loaded((PLAIN, PLAIN)), loaded((PLAIN, PLAIN))
    other = loaded((PLAIN, TensorDataset(IMAGES, LABELS.flip(0))))
    assert first.digest == again.digest
    assert first.digest != other.digest


class Stream(IterableDataset):
    """No items by index."""

    def __iter__(self):
        return iter(PLAIN)


def failing(i):
    if i == 7:
        raise FileNotFoundError("7.png")
    return IMAGES[i], 0


def noisy(i):
    return torch.randint(0, 256, (3, 6, 5)).byte(), 0


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (PLAIN, r"^mine\(\) returns a TensorDataset\n  return a `Source`"),
        (None, r"returns nothing"),
        ((PLAIN,), r"returns a tuple of 1"),
        ((PLAIN,) * 4, r"returns a tuple of 4"),
        ({"train": PLAIN}, r"the split test is missing"),
        ({"train": PLAIN, "test": PLAIN, "dev": PLAIN}, r"no split is called dev"),
        ((PLAIN, None), r"the split test is missing"),
        ((Stream(), PLAIN), r"train is a Stream, which has no length"),
        ((DataLoader(PLAIN), PLAIN), r"train is a DataLoader"),
        ((PLAIN, Items(failing)), r"test: item 7 cannot be read\n  FileNotFoundError: 7\.png"),
        ((Items(noisy), PLAIN), r"train: two reads of item 0 differ\n.* `augment`"),
        (
            (Items(lambda i: IMAGES[i]), PLAIN),
            r"item 0 is a Tensor\n  an item is `\(input, label\)`",
        ),
        ((Items(lambda i: (IMAGES[i],)), PLAIN), r"item 0 is a tuple of 1"),
        ((Items(lambda i: (IMAGES[i], 0), n=0), PLAIN), r"train has no items"),
        ((Items(lambda i: (IMAGES[i], 1.0)), PLAIN), r"label of item 0 is 1\.0\n  write a whole"),
        ((Items(lambda i: (IMAGES[i], -1)), PLAIN), r"label of item 0 is -1"),
        ((Items(lambda i: (IMAGES[i], "cat")), PLAIN), r"label of item 0 is 'cat'"),
        ((Items(lambda i: (IMAGES[i], torch.eye(3)[0])), PLAIN), r"an array of shape \[3\]"),
        ((Items(lambda i: (IMAGES[i], 0, None)), PLAIN), r"group of item 0 is None"),
        (
            (Items(lambda i: (IMAGES[i, :, i % 2 :], 0)), PLAIN),
            r"item 1 is 5×5×3 uint8, and item 0",
        ),
        ((TensorDataset(IMAGES.permute(0, 2, 3, 1), LABELS), PLAIN), r"permute\(2, 0, 1\)"),
        ((TensorDataset(IMAGES / 128 - 1, LABELS), PLAIN), r"float32 from -1 to .*\n.*`Normalize`"),
        ((TensorDataset(IMAGES.int(), LABELS), PLAIN), r"the images are int32 from 0 to 255"),
        ((TensorDataset(IMAGES > 9, LABELS), PLAIN), r"of bool\n"),
        ((TensorDataset(IMAGES[:, None], LABELS), PLAIN), r"of shape \[1, 3, 6, 5\]"),
        ((Items(lambda i: ("a.png", 0)), PLAIN), r"input of item 0 is a str"),
        (
            (Items(lambda i: (Image.new("RGBA", (4, 4)), 0)), PLAIN),
            r"mode RGBA\n.*convert\('RGB'\)",
        ),
        ((Items(lambda i: (Image.new("I;16", (4, 4)), 0)), PLAIN), r"mode I;16"),
        (
            (TensorDataset(torch.tensor([[1.0], [float("nan")]]), torch.tensor([0, 1])), PLAIN),
            r"1 of 2 items have features that are not finite, the first is item 1",
        ),
    ],
)
def test_what_is_missing_is_said(loaded, made, says):
    with pytest.raises(DataError, match=says):
        loaded(made)
