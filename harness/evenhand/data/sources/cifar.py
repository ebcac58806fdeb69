"""CIFAR-10 and CIFAR-100: 32×32 colour photographs, prepared once by `evenhand data prepare`."""

from __future__ import annotations

from evenhand.data.files.original import Original
from evenhand.data.files.prepared import load
from evenhand.data.images import Source
from evenhand.declared.decorators import dataset

OF_CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

OF_CIFAR100 = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup",
    "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house",
    "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man",
    "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy",
    "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal",
    "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar",
    "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman",
    "worm",
)  # fmt: skip

CIFAR10 = Original(
    name="cifar10",
    classes=OF_CIFAR10,
    shape=(32, 32, 3),
    train=5000,
    test=1000,
    official="CIFAR10",
    test_digest=("f487795b4dc656de3857b3b3eddbca96", "baea1eb1fcb86979e68876236bc852bb"),
)

CIFAR100 = Original(
    name="cifar100",
    classes=OF_CIFAR100,
    shape=(32, 32, 3),
    train=500,
    test=100,
    official="CIFAR100",
    label_columns=("fine_label", "label"),
    # The hub's spelling, which mirrors made from it have, too.
    aliases={"cra": "crab"},
)


@dataset(cite="krizhevsky2009learning", title="CIFAR-10", **CIFAR10.facts)
def cifar10() -> Source:
    """CIFAR-10: 10 classes, 32×32 colour, 5,000 training and 1,000 test images in each class."""
    return load(CIFAR10)


@dataset(cite="krizhevsky2009learning", title="CIFAR-100", **CIFAR100.facts)
def cifar100() -> Source:
    """CIFAR-100: 100 classes, 32×32 colour, 500 training and 100 test images in each class."""
    return load(CIFAR100)
