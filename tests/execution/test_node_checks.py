"""What a node is compared by, on this machine in the place of a node."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace

import pytest
import torch

from evenhand.declared.plugin import Plugin
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.execution import node_checks
from evenhand.execution.execute import Execution
from evenhand.execution.node_checks import Expected, Findings, check_node
from evenhand.execution.preflight import load_data
from evenhand.execution.provenance import Gpu
from evenhand.store import Store
from evenhand.suite.recipes import part


@pytest.fixture
def store(tmp_path):
    store = Store.open(tmp_path / "r")
    store.check_writable()
    return store


@pytest.fixture
def expected(store):
    return Expected.of([], Execution(), store, gpus=0.0)


def problems(expected):
    return check_node(expected, "node").problems


def test_a_node_like_the_driver_has_no_problems(expected):
    assert check_node(expected, "node") == Findings([])
    assert expected.store.has_probe("node")
    assert not expected.store.has_probe("node")


def test_a_node_that_differs_is_told_what_differs_and_what_to_do(expected, monkeypatch):
    other = replace(expected, digest="0123456789ab", versions={"torch": "1.0", "timm": "0.1"})
    code, versions = problems(other)
    assert "the driver has 0123456789ab); install the same commit there" in code
    assert "torch" in versions
    assert "(the driver has 1.0)" in versions

    monkeypatch.setattr(node_checks, "LEAST_DISK_GB", 1e9)
    monkeypatch.setattr(node_checks, "LEAST_MEMORY_GB", 1e9)
    disk, memory = problems(expected)
    assert "GB of disk are free" in disk
    assert "GB of memory are available" in memory


@pytest.fixture
def one_gpu(monkeypatch):
    """What torch tells on a machine with one GPU that works."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)


def test_a_node_on_which_a_package_is_broken_is_told_so(expected, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    [broken] = problems(expected)
    assert "cannot be imported there" in broken
    assert "ModuleNotFoundError" in broken


def test_a_gpu_that_does_not_work_is_named(expected, monkeypatch):
    gpus = replace(expected, gpus=0.5).for_node(2.0, None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "CUDA does not work" in problems(gpus)[0]
    assert not problems(gpus.for_node(0.0, None))


@pytest.mark.usefixtures("one_gpu")
def test_ray_offers_no_gpu_that_cuda_does_not_find(expected):
    gpus = replace(expected, gpus=0.5)
    assert "Ray offers 2 GPUs there, and CUDA finds 1" in problems(gpus.for_node(2.0, None))[0]
    assert not problems(gpus.for_node(1.0, None))


@pytest.mark.usefixtures("one_gpu")
def test_cuda_is_that_of_the_driver_and_the_gpu_is_described(expected, monkeypatch):
    gpus = replace(expected, gpus=0.5)
    [problem] = problems(gpus.for_node(1.0, "CUDA 13.0, cuDNN 91002"))
    assert "with CUDA 12.8, cuDNN 91002 there, and with CUDA 13.0, cuDNN 91002" in problem
    monkeypatch.setattr(node_checks, "gpu", lambda: Gpu("NVIDIA L4", 22.5))
    found = check_node(gpus.for_node(1.0, None), "node")
    assert found[:3] == ([], "CUDA 12.8, cuDNN 91002", ("NVIDIA L4", 22.5))


def test_files_of_weights_are_looked_for_where_trials_read_them(suite_of, store, tmp_path):
    content = b"no checkpoint, which matters only where the name fits"
    name = f"mine-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    [trial] = suite_of("erm", seeds=1).trials.values()
    network = part("backbone", timm={"model": "resnet18", "weights": name})
    reads = trial.model_copy(
        update={"recipe": trial.recipe.model_copy(update={"backbone": network})}
    )
    execution = Execution(
        sources=load_data([trial.problem], [0]).sources, data_roots=(tmp_path / "d",)
    )
    assert not Expected.of([trial], execution, store, gpus=0.0).networks
    expected = Expected.of([reads, reads], execution, store, gpus=0.0)
    assert len(expected.networks) == 1

    [problem] = problems(expected)
    assert "resnet18" in problem
    assert "there is no such file of weights" in problem
    (tmp_path / "d/weights").mkdir(parents=True)
    (tmp_path / "d/weights" / name).write_bytes(b"another file of this name")
    [problem] = problems(expected)
    assert "its SHA-256 begins with" in problem


def test_a_part_of_an_installed_package_has_the_code_of_the_driver(expected, monkeypatch):
    codes = {("method", "erm"): "12345678"}
    installed = replace(expected, codes=codes)
    monkeypatch.setattr(Registered, "code", "87654321")
    [problem] = problems(installed)
    assert "the code of the method 'erm' differs there" in problem
    monkeypatch.setattr(Registered, "code", "12345678")
    assert problems(installed) == []
    [problem] = problems(replace(expected, codes={("method", "unheard_of"): "1"}))
    assert "unheard_of" in problem


def test_a_plugin_that_fails_on_a_node_is_the_fault_of_no_trial(expected, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import a_package_that_only_the_driver_has\n")
    [problem] = problems(replace(expected, plugins=(Plugin.read(path),)))
    assert "a_package_that_only_the_driver_has" in problem
    assert "install what they import there" in problem


def test_plugins_travel_as_texts_and_are_not_compared(suite_of, parts, store):
    trials = [*suite_of("erm", "raises", seeds=1).trials.values()]
    assert REGISTRY.get("method", "raises").code
    expected = Expected.of(trials, Execution(), store, (parts,), gpus=0.0)
    assert expected.codes == {}
    assert problems(expected) == []
