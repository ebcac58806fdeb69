"""Weights of a local file are those of the network, and a wrong file stops before training."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import timm
import torch

from evenhand.backbones.networks.build import Network, build
from evenhand.backbones.networks.weights import weights_file
from evenhand.declared.base import canonical
from evenhand.declared.registry import REGISTRY
from evenhand.errors import BackboneError, SpecError
from evenhand.suite.recipes import resolve_recipe

MODEL = "resnet10t"


def part(weights: str | None, model: str = MODEL):
    return REGISTRY.part("backbone", "timm", {"model": model, "weights": weights})


def made(name: str, folder: Path, model: str = MODEL) -> Network:
    sizes = {"in_channels": 3, "image_size": 32, "root_of": lambda _: folder}
    return build(part(name, model), n_classes=3, head="linear", **sizes)


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> tuple[Path, str]:
    """A data root with a file of weights, and the file's name."""
    folder = tmp_path_factory.mktemp("data") / "weights"
    folder.mkdir()
    torch.manual_seed(5)
    torch.save(timm.create_model(MODEL).state_dict(), folder / "new.pth")
    digest = hashlib.sha256((folder / "new.pth").read_bytes()).hexdigest()
    name = f"{MODEL}-{digest[:8]}.pth"
    (folder / "new.pth").rename(folder / name)
    return folder.parent, name


def test_the_body_has_the_weights_of_the_file(saved):
    folder, name = saved
    torch.manual_seed(6)
    body = made(name, folder).body.state_dict()
    state = torch.load(folder / "weights" / name)
    same = {key: torch.equal(value, state[key]) for key, value in body.items()}
    assert len(same) > 50
    assert all(same.values())


@pytest.mark.parametrize(
    ("name", "model", "says"),
    [
        (f"{MODEL}-00000000.pth", MODEL, "there is no such file of weights"),
        ("copy-12345678.pth", MODEL, ", and the name gives 12345678"),
        (None, "resnet18", "name weights of 'resnet18'"),
    ],
)
def test_a_missing_damaged_or_foreign_file_is_refused(saved, name, model, says):
    folder, right = saved
    whole = folder / "weights" / right
    (folder / "weights" / "copy-12345678.pth").write_bytes(whole.read_bytes())
    with pytest.raises(BackboneError, match=says):
        made(name or right, folder, model)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("kind", ["text", "list", "pickle"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, kind, suffix):
    (tmp_path / "weights").mkdir()
    file = tmp_path / "weights" / "new"
    if kind == "text":
        file.write_text("<html>404: there is no such file</html>")
    else:
        torch.save([1, 2] if kind == "list" else {"model": Path("x")}, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    named = file.rename(file.with_name(f"mine-{digest[:8]}.{suffix}"))
    with pytest.raises(BackboneError, match=f"{named}: is no file of weights") as told:
        made(named.name, tmp_path)
    assert "torch.save(model.state_dict(), FILE)" in str(told.value)
    assert "weights_only" not in str(told.value)


def test_a_file_is_hashed_once_until_it_changes(saved, monkeypatch):
    folder, name = saved
    weights_file(name, folder)
    digest = hashlib.file_digest
    hashed = []
    monkeypatch.setattr(hashlib, "file_digest", lambda *of: hashed.append(of) or digest(*of))
    weights_file(name, folder)
    assert not hashed
    os.utime(folder / "weights" / name, ns=(1, 1))
    weights_file(name, folder)
    assert len(hashed) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"pretrained": True, "weights": "a-19c8e357.pth"}, "write one of the two"),
        ({"options": {"pretrained": True}}, "name its initial weights"),
        ({"options": {"checkpoint_path": "/data/a.pth"}}, "name its initial weights"),
        ({"options": {"cache_dir": "/home/other"}}, "the cache of weights is a folder of the user"),
        ({"options": {"num_classes": 3}}, "it follows from the problem"),
    ],
)
def test_two_sources_of_weights_are_refused_in_the_suite(given, says):
    with pytest.raises(SpecError, match=says):
        resolve_recipe("digits", {"backbone": {"timm": {"model": MODEL, **given}}})


@pytest.mark.parametrize("name", ["resnet50.pth", "/data/resnet50-19c8e357.pth", "a-19c8e35.pth"])
def test_a_name_without_the_digest_of_the_content_is_refused_in_the_suite(name):
    with pytest.raises(SpecError, match="first 8 or more digits of its SHA-256"):
        part(name)


def test_a_trial_without_a_file_keeps_its_key():
    assert "weights" not in canonical(part(None))
