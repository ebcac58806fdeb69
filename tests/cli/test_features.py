"""`evenhand data features`, and tables of features and images as problems of a suite."""

from __future__ import annotations

import json

import numpy as np
import pytest

from evenhand.cli.app import app
from evenhand.data.files.data_root import use_data_root
from evenhand.data.sources.table import waterbirds_features
from evenhand.errors import BackboneError, DataError, SpecError
from tests.cli.test_commands import PARTS, evenhand
from tests.data.groups import birds, write_table, write_waterbirds

SUITE = """
suite: birds
question: Does a table of one's own train?
data: .
problems:
  - table: {path: birds.csv, label: species, group: place}
recipe: {features-linear: {epochs: 2}}
seeds: 1
methods: [METHOD]
metrics: [balanced_accuracy, worst_group_accuracy]
primary: balanced_accuracy
baseline: erm
"""

assert app


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVENHAND_DATA", raising=False)
    return tmp_path


def run(text, **changes):
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    with open("birds.yaml", "w") as file:  # noqa: PTH123  the working folder is the test's own
        file.write(text)
    return evenhand("run", "birds.yaml", "--inline", "--plugin", PARTS)


def features(*arguments: str) -> str:
    return evenhand("data", "features", *arguments)


@pytest.mark.parametrize("form", ["npz", "parquet"])
def test_features_of_a_data_set_are_read_back_as_a_table(here, form):
    folder = write_waterbirds(here)
    out = here / "images" / f"waterbirds_features.{form}"
    out.parent.mkdir()
    told = features(
        "waterbirds", "--from", str(folder), "--root", "images", "--out", str(out),
        "--backbone", "resnet18", "--no-pretrained", "--batch", "3", "--json",
    )  # fmt: skip
    assert json.loads(told)["rows"] == {"train": 4, "val": 4, "test": 4}
    with use_data_root(here / "images"):
        source = waterbirds_features()
    assert (source.classes, source.groups) == (("landbird", "waterbird"), ("land", "water"))
    assert source.train.pixels.shape == (4, 1, 1, 512)
    assert source.train.counts(2, 2).tolist() == [[1, 1], [1, 1]]
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".water")] == [
        ".waterbirds.lock"
    ]


def test_weights_may_lie_in_a_file(here):
    import timm
    import torch

    import evenhand.backbones.networks.cifar_resnet  # noqa: F401  registers it with timm

    torch.manual_seed(1)
    network = timm.create_model("cifar_resnet8", num_classes=0, in_chans=3).eval()
    state = timm.create_model("cifar_resnet8", num_classes=10, in_chans=3).state_dict()
    torch.save({**state, **network.state_dict()}, here / "net.pth")
    features(
        "digits_coloured", "--backbone", "cifar_resnet8", "--weights", "net.pth", "--out", "f.npz"
    )
    with np.load(here / "f.npz") as file:
        found = dict(file)
    assert found["features"].shape == (1097 + 200 + 500, 64)
    assert found["features"].dtype == np.float32
    from evenhand.data.sources.coloured import digits_coloured

    config = network.pretrained_cfg
    pixels = torch.tensor(digits_coloured().train.pixels[:5]).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(config[k])[:, None, None] for k in ("mean", "std"))
    expected = network((pixels - mean) / std).detach()
    np.testing.assert_allclose(found["features"][:5], expected, rtol=1e-3, atol=1e-4)


def test_what_cannot_be_extracted_is_said(here):
    with pytest.raises(DataError, match=r"f\.txt: .*\.npz .*\.parquet"):
        features("digits", "--out", "f.txt")
    with pytest.raises(DataError, match=r"no\.pth: .*no such file"):
        features("digits", "--out", "f.npz", "--weights", "no.pth")
    with pytest.raises(BackboneError, match="did you mean"):
        features("digits", "--out", "f.npz", "--backbone", "resnet81", "--no-pretrained")
    write_table(here / "birds.csv", birds())
    with pytest.raises(DataError, match=r"images.* features\n.*`table`"):
        features(
            "table: {path: birds.csv, label: species, group: place}",
            "--root",
            ".",
            "--out",
            "f.npz",
        )


def test_three_lines_of_yaml_make_a_problem_of_a_table(here):
    write_table(here / "birds.csv", birds())
    run(SUITE, METHOD="erm")
    status = json.loads(evenhand("status", "birds.yaml", "--plugin", PARTS, "--json"))
    assert (status["done"], status["failed"]) == (1, 0)


def test_mistakes_in_a_table_stop_a_run_before_any_trial(here):
    rows = [row for row in birds() if [*row.values()][2:] != ["owl", "sea", "train"]]
    write_table(here / "birds.csv", rows)
    with pytest.raises(DataError, match="owl in sea: train 0, test 4"):
        run(SUITE, METHOD="erm")
    assert not list((here / "results").rglob("record*"))


def test_pictures_operations_on_features_stop_a_run(here):
    write_table(here / "birds.csv", birds())
    says = r"erm.* on table-birds: crop .*features\n  .*`augment: \[\]`"
    with pytest.raises(SpecError, match=says):
        run(SUITE, METHOD="erm", **{"epochs: 2": "epochs: 2, augment: [crop]"})
    says = r"mean .*3.*; table-birds .*2 channels"
    with pytest.raises(SpecError, match=says):
        run(SUITE, METHOD="erm", **{"epochs: 2": "epochs: 2, mean: [0.1, 0.2, 0.3]"})


def test_a_method_that_learns_from_held_out_rows_is_told_where_there_are_none(here):
    write_table(here / "birds.csv", [row for row in birds() if row["split"] != "val"])
    says = r"held-out images.* table-birds.*\n.*`val:"
    with pytest.raises(SpecError, match=says):
        run(SUITE, METHOD="csl, erm")
    with pytest.raises(SpecError, match=r"select .*validation data.* table-birds"):
        run(SUITE + "select: {on: val}\n", METHOD="erm")
