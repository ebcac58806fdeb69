"""`validate` makes the user's own data sets and networks once, and no others."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from evenhand.declared.decorators import backbone, dataset
from evenhand.errors import BackboneError, DataError
from evenhand.execution.own_parts import check_own_parts
from evenhand.suite.resolve import Suite

PLUGIN = """
import evenhand as eh, torch
from torch import nn
from torch.utils.data import TensorDataset

def images(n):
    labels = torch.arange(n) % 2
    return TensorDataset((100 * labels + 20)[:, None, None, None].expand(n, 1, 6, 6).byte(), labels)

@eh.dataset
def mine(n: int = 40):
    return images(n), images(20)

@eh.backbone
class Net(nn.Module):
    def __init__(self, in_channels: int, width: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, 3)

    def forward(self, x):
        return self.conv(x).relu().mean((2, 3))
"""
SUITE = """
suite: own
question: Does it train?
problems: [mine]
recipe: {digits: {epochs: 2, schedule: constant, backbone: Net}}
seeds: 1
methods: [erm, la]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""


def suite(problem="digits", network="cifar_resnet8"):
    return Suite(
        suite="own",
        question="Is it right?",
        problems=[problem],
        recipe={"digits": {"epochs": 2, "schedule": "constant", "backbone": network}},
        seeds=2,
        methods=["erm", {"la": {"as": "b1"}}],
        metrics=["balanced_accuracy"],
        primary="balanced_accuracy",
        baseline="erm",
    )


def tensors(labels=2):
    found = torch.arange(12) % labels
    return TensorDataset(torch.zeros(12, 1, 6, 6, dtype=torch.uint8), found)


def test_parts_of_evenhand_are_not_made(monkeypatch):
    for name in ("data.splits.load", "backbones.networks.build.build"):
        monkeypatch.setattr(f"evenhand.{name}", None)
    assert check_own_parts(suite()) == {}


def test_an_own_data_set_is_loaded_and_described(unregistered):
    dataset(name="mine")(lambda: (tensors(), tensors()))
    summaries = check_own_parts(suite("mine"))
    assert summaries["mine"].train_counts.tolist() == [[6], [6]]


def test_an_own_data_set_that_returns_something_else_is_refused(unregistered):
    dataset(name="mine")(tensors)
    with pytest.raises(DataError, match=r"^mine\(\) returns a TensorDataset"):
        check_own_parts(suite("mine"))


def test_an_own_network_is_built_for_the_stated_images(unregistered):
    backbone(name="net")(lambda: nn.Conv2d(3, 2, 3))
    with pytest.raises(BackboneError, match=r"^erm, b1 on digits: net cannot take 8×8 .* 1 chan"):
        check_own_parts(suite(network="net"))


def test_one_module_for_all_trials_is_refused(unregistered):
    one = nn.Flatten()
    backbone(name="net")(lambda: one)
    with pytest.raises(BackboneError, match="the same module at every call"):
        check_own_parts(suite(network="net"))


def test_an_own_network_on_a_table_waits_for_the_run(unregistered):
    backbone(name="net")(lambda: nn.Conv2d(3, 2, 3))
    table = {"table": {"path": "no.csv", "label": "y"}}
    assert check_own_parts(suite(table, "net")) == {}


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("", "", 0, "is a valid suite"),
        ("return images(n), images(20)", "return images(n)", 2, "mine() returns a TensorDataset"),
        (".relu().mean((2, 3))", "", 2, "Net gives features [2, 4, 4, 4]"),
    ],
)
def test_validate_and_run_take_a_natural_plugin(tmp_path, old, new, code, says):
    (tmp_path / "own.py").write_text(PLUGIN.replace(old, new) if old else PLUGIN)
    (tmp_path / "own.yaml").write_text(SUITE)
    for command in ("validate", "run"):
        more = ["--inline"] if command == "run" else []
        done = subprocess.run(
            [sys.executable, "-m", "evenhand", command, "own.yaml", "--plugin", "own.py", *more],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert says in done.stdout + done.stderr if command == "validate" or code else True
    records = list(tmp_path.glob("results/main/*/record.json"))
    assert len(records) == (0 if code else 2)
