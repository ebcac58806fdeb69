"""The loop that reference code for long-tailed CIFAR runs, written once, as what we race against.

torchvision's dataset gives PIL images, transforms run in the workers of a DataLoader, the network
trains in float32, eagerly, and the test set is evaluated after every epoch: so do the codes of
LDAM-DRW, VS-Loss and DDC (cao2019learning, kini2021label, wang2023unified).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import CIFAR10

from evenhand.backbones.names import cifar_resnet32
from evenhand.backbones.networks.build import build
from evenhand.data.images import Images

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
TRAINING = transforms.Compose(
    [
        transforms.RandomCrop(32, padding=4),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ]
)
TESTING = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])


def dataset(images: Images, transform: transforms.Compose) -> Dataset:
    """torchvision's CIFAR10 over images in memory, without its files."""
    made = object.__new__(CIFAR10)
    made.data, made.targets = images.pixels, images.labels.tolist()
    made.transform, made.target_transform = transform, None
    return made


def train(
    training: Images,
    testing: Images,
    *,
    epochs: int,
    device: torch.device,
    workers: int,
    batch: int = 128,
) -> list[float]:
    """Test accuracy after each epoch of training with plain cross-entropy."""
    torch.backends.cudnn.benchmark = True
    torch.use_deterministic_algorithms(False)
    loader = DataLoader(
        dataset(training, TRAINING),
        batch,
        shuffle=True,
        num_workers=workers,
        pin_memory=device.type == "cuda",
    )
    tests = DataLoader(dataset(testing, TESTING), 100, num_workers=workers)
    network: nn.Module = build(
        cifar_resnet32(), n_classes=10, head="linear", in_channels=3, image_size=32
    ).to(device)
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, weight_decay=2e-4)
    accuracies = []
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(epoch, epochs)
        network.train()
        for images, labels in loader:
            images, labels = images.to(device, non_blocking=True), labels.to(device)  # noqa: PLW2901
            loss = F.cross_entropy(network(images), labels)
            loss.item()  # every reference code logs it at each step
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        accuracies.append(accuracy(network, tests, device))
    return accuracies


def learning_rate(epoch: int, epochs: int) -> float:
    """Warm-up over 2.5 % of the epochs, × 0.01 at 80 % and × 0.0001 at 90 %."""
    rising = round(0.025 * epochs)
    if epoch < rising:
        return 0.1 * (epoch + 1) / rising
    return 0.1 * (1e-4 if epoch >= 0.9 * epochs else 1e-2 if epoch >= 0.8 * epochs else 1)


@torch.no_grad()
def accuracy(network: nn.Module, loader: DataLoader, device: torch.device) -> float:
    """Share of a balanced test set that is recognised."""
    network.eval()
    right = total = 0
    for images, labels in loader:
        predicted = network(images.to(device)).argmax(1).cpu()
        right += int((predicted == labels).sum())
        total += len(labels)
    return right / total
