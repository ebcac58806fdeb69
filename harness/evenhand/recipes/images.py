"""Recipes by name. A suite may replace any field of one.

Warm-up, drops and the borders of a method's stages are shares of the epochs: `epochs: 20` is the
short version of every recipe here, of the same shape. A warm-up of less than an epoch and a half is
none.

`deterministic` is off for CIFAR: it slows a GPU down, and no printed number rests on it.
"""

from __future__ import annotations

from evenhand.declared.registry import recipe
from evenhand.declared.trial import Recipe, Sam
from evenhand.suite.recipes import part


@recipe(cite="he2016deep")
def digits() -> Recipe:
    """ResNet-8 on 8×8 images: five seconds on one core.

    No source trains on these images. The numbers are ours: 100 epochs are what a quick suite can
    wait for; learning rate and weight decay were the best of {0.03, 0.1, 0.2} × {5e-4, 5e-3} at
    60 epochs and ratio 100, by balanced accuracy on validation data over four methods and five
    seeds.
    """
    return Recipe(
        name="digits",
        backbone=part("backbone", cifar_resnet8={}),
        epochs=100,
        batch=32,
        lr=0.03,
        weight_decay=5e-4,
        warmup=0.05,
        schedule=part("schedule", step={}),
        augment=(part("augmentation", crop={"padding": 1}),),
        deterministic=True,
    )


@recipe(name="cifar-ldam", cite="cao2019learning")
def cifar_ldam() -> Recipe:
    """ResNet-32 on CIFAR for 200 epochs, as in the code of LDAM, VS and DDC.

    From that code, which cao2019learning, kini2021label and, at 200 epochs, wang2023unified share:
    shortcuts without parameters, SGD with weight decay on all weights, five epochs of warm-up, the
    learning rate × 0.01 from epoch 161 and × 0.0001 from 181, and CIFAR-10's statistics for
    CIFAR-100 too. Ours: half precision where the hardware has it, and that epochs before the first
    drop of the learning rate are evaluated only every tenth; the code looks at every epoch.
    """
    return Recipe(
        name="cifar-ldam",
        backbone=part("backbone", cifar_resnet32={"shortcut": "A"}),
        epochs=200,
        batch=128,
        lr=0.1,
        momentum=0.9,
        weight_decay=2e-4,
        warmup=0.025,
        schedule=part("schedule", step={"drops": [[0.8, 1e-2], [0.9, 1e-4]]}),
        augment=(part("augmentation", crop={"padding": 4}), part("augmentation", flip={})),
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2023, 0.1994, 0.2010),
        precision="auto",
        evaluate_every=10,
        dense_from=0.8,
    )


@recipe(name="cifar-autobalance", cite="li2021autobalance")
def cifar_autobalance() -> Recipe:
    """ResNet-32 on CIFAR-10 for 200 epochs: how the code of AutoBalance retrains.

    From that code: 1×1 convolutions as shortcuts, weights that start as PyTorch's do, weight decay
    1e-4, five epochs of warm-up, the learning rate × 0.1 from epoch 161 and × 0.01 from 181. The
    text retrains for "t2 iterations", as long as it searches: that reading is
    `cifar-autobalance-300`. Ours: the released loop runs one epoch more; precision and evaluation
    are those of `cifar-ldam`.
    """
    return Recipe(
        name="cifar-autobalance",
        backbone=part("backbone", cifar_resnet32={"shortcut": "B", "init": "torch"}),
        epochs=200,
        batch=128,
        lr=0.1,
        momentum=0.9,
        weight_decay=1e-4,
        warmup=0.025,
        schedule=part("schedule", step={"drops": [[0.8, 0.1], [0.9, 0.01]]}),
        augment=(part("augmentation", crop={"padding": 4}), part("augmentation", flip={})),
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2470, 0.2435, 0.2616),
        precision="auto",
        evaluate_every=10,
        dense_from=0.8,
    )


@recipe(name="cifar100-autobalance", cite="li2021autobalance")
def cifar100_autobalance() -> Recipe:
    """`cifar-autobalance` for CIFAR-100: ten epochs of warm-up and statistics of its own."""
    changes = {
        "name": "cifar100-autobalance",
        "warmup": 0.05,
        "mean": (0.5071, 0.4867, 0.4408),
        "std": (0.2675, 0.2565, 0.2761),
    }
    return cifar_autobalance().model_copy(update=changes)


@recipe(name="cifar-autobalance-300", cite="li2021autobalance")
def cifar_autobalance_300() -> Recipe:
    """`cifar-autobalance` for 300 epochs, as long as the text searches.

    The learning rate drops at epochs 221 and 261. The text names no warm-up; the five epochs are
    those of the code.
    """
    changes = {
        "name": "cifar-autobalance-300",
        "epochs": 300,
        "warmup": 5 / 300,
        "schedule": part("schedule", step={"drops": [[220 / 300, 0.1], [260 / 300, 0.01]]}),
    }
    return cifar_autobalance().model_copy(update=changes)


@recipe(name="cifar-ddc-400", cite="wang2023unified")
def cifar_ddc_400() -> Recipe:
    """`cifar-ldam` for 400 epochs with SAM, AutoAugment and Cutout, as DDC's scripts mean it.

    From those scripts, which call the augmentation "randaug". They tune ρ and weight decay for each
    method and problem; ρ = 0.1, then 0.2 in a method's second stage, and 2e-4 are VS+TLA+ADRW's on
    CIFAR-10-LT-100. The warm-up is the intended one, to 0.1 at epoch 10; what the code does is
    `cifar-ddc-400-released`. Ours: AutoAugment's operations are torchvision's, with both signs for
    rotation and nearest pixels for shearing.
    """
    base = cifar_ldam()
    augment = (
        *base.augment,
        part("augmentation", autoaugment={}),
        part("augmentation", cutout={"size": 16, "holes": 1}),
    )
    changes = {
        "name": "cifar-ddc-400",
        "epochs": 400,
        "augment": augment,
        "sam": Sam(rho=(0.1, 0.2), batch_norm="both"),
    }
    return base.model_copy(update=changes)


@recipe(name="cifar-ddc-400-released", cite="wang2023unified")
def cifar_ddc_400_released() -> Recipe:
    """`cifar-ddc-400` with the warm-up of the code, which overshoots to twice the learning rate."""
    changes = {
        "name": "cifar-ddc-400-released",
        "warmup": 0.0,
        "schedule": part("schedule", overshooting_step={}),
    }
    return cifar_ddc_400().model_copy(update=changes)


@recipe(name="cifar-nm21", cite="narasimhan2021training")
def cifar_nm21() -> Recipe:
    """ResNet-56 on CIFAR-10-LT for 1,241 epochs, as the text of NM21 says and its code goes on.

    From the text: ResNet-56, SGD with momentum. From the released code, for the text leaves the
    rest to an appendix: batches of 128, 20 epochs of warm-up, the learning rate × 0.1 from epochs
    605, 927 and 1,129, Nesterov's momentum, weight decay on all but batch normalisation (Keras's
    1e-4 is 2e-4 here), x/255 − ½ as input, and crops of images padded by 2. Ours: shortcuts without
    parameters; the learning rate rises by the epoch, not by the step; padding is black, where the
    code's is grey; precision is that of `cifar-ldam`; every tenth epoch is evaluated.
    """
    return Recipe(
        name="cifar-nm21",
        backbone=part("backbone", cifar_resnet56={"shortcut": "A"}),
        epochs=1241,
        batch=128,
        lr=0.1,
        momentum=0.9,
        nesterov=True,
        weight_decay=2e-4,
        decay_norms=False,
        warmup=20 / 1241,
        schedule=part(
            "schedule",
            step={"drops": [[604 / 1241, 0.1], [926 / 1241, 0.01], [1128 / 1241, 0.001]]},
        ),
        augment=(part("augmentation", crop={"padding": 2}), part("augmentation", flip={})),
        mean=(0.5, 0.5, 0.5),
        std=(1.0, 1.0, 1.0),
        precision="auto",
        evaluate_every=10,
    )


@recipe(name="cifar100-nm21", cite="narasimhan2021training")
def cifar100_nm21() -> Recipe:
    """`cifar-nm21` for CIFAR-100-LT: 1,419 epochs, about as many steps.

    22 epochs of warm-up; the learning rate drops at epochs 692, 1,060 and 1,291.
    """
    drops = [[691 / 1419, 0.1], [1059 / 1419, 0.01], [1290 / 1419, 0.001]]
    changes = {
        "name": "cifar100-nm21",
        "epochs": 1419,
        "warmup": 22 / 1419,
        "schedule": part("schedule", step={"drops": drops}),
    }
    return cifar_nm21().model_copy(update=changes)


@recipe(name="cifar-nm21-released", cite="narasimhan2021training")
def cifar_nm21_released() -> Recipe:
    """`cifar-nm21` as the code of NM21 has it: a network of its own, and whole batches alone."""
    changes = {
        "name": "cifar-nm21-released",
        "backbone": part("backbone", nm21_resnet47={}),
        "drop_last": True,
    }
    return cifar_nm21().model_copy(update=changes)


@recipe(name="cifar100-nm21-released", cite="narasimhan2021training")
def cifar100_nm21_released() -> Recipe:
    """`cifar100-nm21` as the code of NM21 has it: a network of its own, and whole batches alone."""
    changes = {
        "name": "cifar100-nm21-released",
        "backbone": part("backbone", nm21_resnet47={}),
        "drop_last": True,
    }
    return cifar100_nm21().model_copy(update=changes)


@recipe(name="tinyimagenet-resnet18", cite="narasimhan2021training")
def tinyimagenet_resnet18() -> Recipe:
    """ResNet-18 on TinyImageNet for 200 epochs, with images of 64×64 or 32×32.

    From narasimhan2021training: ResNet-18 and SGD with momentum; its text says no more. All else is
    ours: a first convolution for small images, the statistics of the training images, and every
    other number that of `cifar-ldam`.
    """
    changes = {
        "name": "tinyimagenet-resnet18",
        "backbone": part("backbone", resnet18_small={}),
        "mean": None,
        "std": None,
    }
    return cifar_ldam().model_copy(update=changes)
