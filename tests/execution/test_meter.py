"""Use of the devices by this process; the answers of `nvidia-smi` are those of real machines."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from evenhand.execution import meter, provenance
from evenhand.execution.meter import Meter, gpu_of_process, parse_smi
from evenhand.store.activity import Activity

GPU = "GPU-5e6b1a2c-0000-1111-2222-333344445555"


@pytest.fixture
def on_gpu(monkeypatch):
    """This process uses a GPU, whose `nvidia-smi` gives the answer in the list."""
    answers = ["NVIDIA H200, 93, 61440, 143771\n"]
    monkeypatch.setattr(meter, "gpu_of_process", lambda: {"device": "NVIDIA H200", "gpu": GPU})
    monkeypatch.setattr(meter, "ask_smi", lambda gpu: answers[0])
    return answers


def test_a_process_without_a_gpu_has_the_use_of_its_cpu(monkeypatch):
    monkeypatch.setattr(meter, "gpu_of_process", dict)
    own, until = Meter(), time.process_time() + 0.2
    while time.process_time() < until:
        pass
    found = Activity(**own.usage())
    assert found.device == provenance.cpu()
    assert found.cpu_cores > 0
    assert found.memory_gib > 0
    assert (found.gpu, found.gpu_use) == ("", None)


def test_a_process_on_a_gpu_has_its_use_and_memory(on_gpu):
    found = Activity(**Meter().usage())
    assert (found.device, found.gpu, found.gpu_use) == ("NVIDIA H200", GPU, 0.93)
    assert (found.gpu_memory_gib, found.gpu_total_gib) == (60.0, pytest.approx(140.4, abs=0.01))


@pytest.mark.parametrize("answer", ["", "No devices were found\n", "a, b\n"])
def test_a_gpu_without_an_answer_of_nvidia_smi_has_its_name_alone(on_gpu, answer):
    on_gpu[0] = answer
    found = Activity(**Meter().usage())
    assert (found.device, found.gpu_use, found.gpu_memory_gib) == ("NVIDIA H200", None, None)


def test_what_a_mig_slice_does_not_tell_is_left_out():
    assert parse_smi("NVIDIA A100 MIG 1g.5gb, [N/A], 10, [N/A]") == {
        "device": "NVIDIA A100 MIG 1g.5gb",
        "gpu_memory_gib": 0.01,
    }


def test_the_trials_of_a_process_share_a_reading(on_gpu):
    own = Meter()
    first = own.usage()
    on_gpu[0] = "NVIDIA H200, 5, 1, 143771\n"
    assert own.usage() is first


def test_nvidia_smi_that_does_not_answer_is_given_up(monkeypatch):
    def never(*_, **given):
        assert given["timeout"] <= 10
        raise subprocess.TimeoutExpired("nvidia-smi", given["timeout"])

    monkeypatch.setattr(subprocess, "run", never)
    assert meter.ask_smi(GPU) == ""


def test_a_process_that_has_not_used_cuda_is_not_made_to(monkeypatch):
    cuda = SimpleNamespace(is_initialized=lambda: False)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert gpu_of_process() == {}


def test_the_gpu_of_a_process_has_the_uuid_that_nvidia_smi_takes(monkeypatch):
    found = SimpleNamespace(name="NVIDIA H200", uuid=GPU.removeprefix("GPU-"))
    cuda = SimpleNamespace(is_initialized=lambda: True, get_device_properties=lambda _: found)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert gpu_of_process() == {"device": "NVIDIA H200", "gpu": GPU}
