"""Recipes for images. A suite may replace any of their fields.

Warm-up, drops of the learning rate and the ends of a method's stages are shares of the epochs, so
that `epochs: 20` gives a short version of the same shape. A warm-up of less than one and a half
epochs has no effect.

`deterministic` is off for CIFAR: it makes a GPU slower, and no printed number depends on it.
"""

from __future__ import annotations

from evenhand.declared.decorators import recipe
from evenhand.declared.recipe import Recipe, Sam
from evenhand.suite.recipes import part


@recipe(cite="he2016deep")
def digits() -> Recipe:
    """ResNet-8 on 8×8 images for 100 epochs, which takes five seconds on one core.

    No source trains on these images, and all numbers are ours. 100 epochs keep a suite quick. The
    learning rate and the weight decay were the best of {0.03, 0.1, 0.2} × {5e-4, 5e-3} at 60 epochs
    and ratio 100, by balanced accuracy on validation data over four methods and five seeds.
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
    learning rate × 0.01 from epoch 161 and × 0.0001 from 181, and CIFAR-10's statistics also for
    CIFAR-100. Ours: bf16 where the hardware supports it, and evaluation of every tenth epoch before
    the first drop of the learning rate, where the code evaluates every epoch.
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
    """ResNet-32 on CIFAR-10 for 200 epochs, as in the retraining of AutoBalance's code.

    From that code: 1×1 convolutions as shortcuts, PyTorch's initial weights, weight decay 1e-4,
    five epochs of warm-up, the learning rate × 0.1 from epoch 161 and × 0.01 from 181. The text
    retrains for "t2 iterations", as long as it searches; that reading is `cifar-autobalance-300`.
    Ours: 200 epochs, where the released loop runs one more; precision and evaluation are those of
    `cifar-ldam`.
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
    """`cifar-autobalance` for CIFAR-100, with ten epochs of warm-up and CIFAR-100's statistics."""
    changes = {
        "name": "cifar100-autobalance",
        "warmup": 0.05,
        "mean": (0.5071, 0.4867, 0.4408),
        "std": (0.2675, 0.2565, 0.2761),
    }
    return cifar_autobalance().model_copy(update=changes)


@recipe(name="cifar-autobalance-300", cite="li2021autobalance")
def cifar_autobalance_300() -> Recipe:
    """`cifar-autobalance` for 300 epochs, the length of the search in the text of AutoBalance.

    The learning rate drops at epochs 221 and 261. The text gives no warm-up; the five epochs are
    those of the code.
    """
    changes = {
        "name": "cifar-autobalance-300",
        "epochs": 300,
        "warmup": 5 / 300,
        "schedule": part("schedule", step={"drops": [[220 / 300, 0.1], [260 / 300, 0.01]]}),
    }
    return cifar_autobalance().model_copy(update=changes)


@recipe(name="cifar100-autobalance-300", cite="li2021autobalance")
def cifar100_autobalance_300() -> Recipe:
    """`cifar-autobalance-300` for CIFAR-100, with its statistics and ten epochs of warm-up.

    The text gives no warm-up; the ten epochs are those of the code.
    """
    changes = {"name": "cifar100-autobalance-300", "warmup": 10 / 300}
    statistics = cifar100_autobalance().model_dump(include={"mean", "std"})
    return cifar_autobalance_300().model_copy(update=changes | statistics)


@recipe(name="cifar-ddc-400", cite="wang2023unified")
def cifar_ddc_400() -> Recipe:
    """`cifar-ldam` for 400 epochs with SAM, AutoAugment and Cutout, as intended in DDC's scripts.

    The scripts call the augmentation "randaug". They tune ρ and weight decay for each method and
    problem; ρ = 0.1, then 0.2 in a method's second stage, and weight decay 2e-4 are those of
    VS+TLA+ADRW on CIFAR-10-LT-100. The warm-up is the intended one, to 0.1 at epoch 10; that of the
    code is `cifar-ddc-400-released`. Ours: AutoAugment's operations are torchvision's, with both
    signs for rotation and nearest-pixel sampling for shearing.
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
    """`cifar-ddc-400` with the warm-up of DDC's code, which rises to twice the learning rate."""
    changes = {
        "name": "cifar-ddc-400-released",
        "warmup": 0.0,
        "schedule": part("schedule", overshooting_step={}),
    }
    return cifar_ddc_400().model_copy(update=changes)


@recipe(name="cifar-nm21", cite="narasimhan2021training")
def cifar_nm21() -> Recipe:
    """ResNet-56 on CIFAR-10-LT for 1,241 epochs, by the text of NM21 and, beyond it, its code.

    From the text: ResNet-56, SGD with momentum. From the released code, because the text refers to
    an appendix for the rest: batches of 128, 20 epochs of warm-up, the learning rate × 0.1 from
    epochs 605, 927 and 1,129, Nesterov's momentum, weight decay on all weights but those of batch
    normalisation (Keras's 1e-4 is 2e-4 here), x/255 − ½ as input, and crops of images padded by 2.
    Ours: shortcuts without parameters; the learning rate rises by the epoch, not by the step;
    padding is black, where the code's is grey; precision is that of `cifar-ldam`; every tenth epoch
    is evaluated.
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
    """`cifar-nm21` for CIFAR-100-LT, with 1,419 epochs, which are about as many steps.

    There are 22 epochs of warm-up, and the learning rate drops at epochs 692, 1,060 and 1,291.
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
    """`cifar-nm21` by the code of NM21 alone: its own network, and no smaller batches."""
    changes = {
        "name": "cifar-nm21-released",
        "backbone": part("backbone", nm21_resnet47={}),
        "drop_last": True,
    }
    return cifar_nm21().model_copy(update=changes)


@recipe(name="cifar100-nm21-released", cite="narasimhan2021training")
def cifar100_nm21_released() -> Recipe:
    """`cifar100-nm21` by the code of NM21 alone: its own network, and no smaller batches."""
    changes = {
        "name": "cifar100-nm21-released",
        "backbone": part("backbone", nm21_resnet47={}),
        "drop_last": True,
    }
    return cifar100_nm21().model_copy(update=changes)


@recipe(name="tinyimagenet-resnet18", cite="narasimhan2021training")
def tinyimagenet_resnet18() -> Recipe:
    """ResNet-18 on TinyImageNet for 200 epochs, with images of 64×64 or 32×32.

    From narasimhan2021training: ResNet-18 and SGD with momentum, and nothing else. Ours: a first
    convolution for small images, the statistics of the training images, and all other numbers those
    of `cifar-ldam`.
    """
    changes = {
        "name": "tinyimagenet-resnet18",
        "backbone": part("backbone", resnet18_small={}),
        "mean": None,
        "std": None,
    }
    return cifar_ldam().model_copy(update=changes)
