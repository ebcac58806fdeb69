"""Three float64 steps of every method, pinned: results that change need a new version.

`tests/fingerprints.json` holds, for each method at its defaults, its version, for each stage three
losses, the weights after them, and what its sampler draws, and the head that it solves for. Where a
change is meant, raise `version=` in the method's decorator and rewrite the file:

    PYTHONPATH=. python tests/methods/test_fingerprints.py

A method whose results changed and whose version did not is refused there as well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand.declared.registry import REGISTRY, Registered
from evenhand.declared.stage_parts import ByEpoch, Reduction, Refit, Retrospective, Subsampler
from tests.methods.binding import bound, reduction_of

PATH = Path(__file__).parents[1] / "fingerprints.json"
COUNTS = np.array([[9, 3], [3, 1], [1, 1]])
N_FEATURES, LR = 4, 0.1


def synthetic() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features [examples, 4], labels and rows, with these counts; no random generator to trust."""
    rows = torch.tensor(np.repeat(np.arange(COUNTS.size), COUNTS.ravel()))
    place = torch.arange(len(rows) * N_FEATURES, dtype=torch.float64)
    return torch.sin(1 + 7 * place).reshape(-1, N_FEATURES), rows // 2, rows


def fingerprint(entry: Registered) -> dict[str, Any]:
    part = entry.resolve()
    method = REGISTRY.make("method", part)
    stages = [three_steps(stage, method.head) for stage in method.stages]
    found = {"version": part.version, "settings": part.settings, "stages": stages}
    return found | ({"refit": solved(method.refit)} if method.refit else {})


def three_steps(stage: Any, head: str) -> dict[str, Any]:
    """Full-batch gradient descent of a linear model from one fixed start."""
    features, labels, rows = synthetic()
    start = torch.cos(torch.arange(3 * N_FEATURES, dtype=torch.float64)).reshape(3, N_FEATURES)
    weight = start.requires_grad_()
    loss, values = bound(stage.loss, COUNTS), []
    steered = stage.controller and stage.controller.bind(
        loss, COUNTS, COUNTS / COUNTS.sum(), classes=("a", "b", "c"), groups=("x", "y")
    )
    reduction = reduction_of(stage, COUNTS) if isinstance(stage.reduce, Reduction) else None
    for _ in range(3):
        if head == "cosine":
            logits = F.normalize(features, dim=1) @ F.normalize(weight, dim=1).T
        else:
            logits = features @ weight.T
        if steered:
            steered.update(counted(rows, logits))
        losses = loss(logits, labels, rows=rows)
        if reduction:
            reduction.learn(losses.detach(), rows)
            value = reduction(losses, rows, lambda: loss.row_weights(rows))
        else:
            divisor = (
                loss.row_weights(rows).sum() if stage.reduce == "weighted_mean" else len(labels)
            )
            value = losses.sum() / divisor
        (gradient,) = torch.autograd.grad(value, weight)
        weight = (weight - LR * gradient).detach().requires_grad_()
        values.append(value.item())
    found = {
        "until": stage.until,
        "reduce": repr(stage.reduce) if reduction else stage.reduce,
        "losses": values,
        "weights": weight.detach().flatten().tolist(),
        **drawn(stage.sampler),
    }
    # What few stages have is pinned where they have it, so that a new kind of part changes no pin.
    found |= {"curves": reduction.curves()} if reduction else {}
    # What learns on images or held-out data takes no step here: its declaration is pinned.
    declared = {"policy": stage.policy, "outer": stage.outer}
    found |= {name: repr(part) for name, part in declared.items() if part}
    new = {"trains": "all", "head": "keep", "statistics": "fixed", "schedule": None}
    found |= {name: getattr(stage, name) for name, v in new.items() if getattr(stage, name) != v}
    return found | ({"restart": True} if stage.restart else {})


def drawn(sampler: Any) -> dict[str, Any]:
    """What a sampler draws: by cell, by example, and how many of each cell it keeps."""
    draw = sampler.weights(COUNTS)
    found = {"draw": None if draw is None else (draw / draw.sum()).ravel().tolist()}
    if isinstance(sampler, Subsampler):
        found["kept"] = sampler.kept(COUNTS).ravel().tolist()
    if isinstance(sampler, ByEpoch):
        found["later"] = sampler.weights_at(COUNTS, epoch=2, epochs=3).ravel().tolist()
    if isinstance(sampler, Retrospective):
        found["times"] = sampler.times(np.arange(6) % 3 == 0).tolist()
    return found


def solved(refit: Refit) -> dict[str, Any]:
    """The head for 48 examples of two classes and two groups, a third of them hard to tell."""
    place = np.arange(48)
    labels, groups = place % 2, place // 2 % 3 // 2
    noise = np.sin(1 + 7 * np.arange(48.0 * N_FEATURES)).reshape(48, N_FEATURES)
    features = noise + np.eye(N_FEATURES)[labels] + 0.5 * np.eye(N_FEATURES)[2 + groups]
    counts = np.zeros((2, 2), dtype=np.int64)
    np.add.at(counts, (labels, groups), 1)
    randomness = np.random.default_rng(0)
    head = refit.solve(
        features, labels, groups, training=2 * noise, counts=counts, randomness=randomness
    )
    # To six digits, which a solver reaches alike on every processor.
    return {name: np.round(part, 6).ravel().tolist() for name, part in head._asdict().items()}


def counted(rows: torch.Tensor, logits: torch.Tensor) -> np.ndarray:
    """counts[group, label, prediction], as if these examples were held out."""
    counts = np.zeros((2, 3, 3), dtype=np.int64)
    np.add.at(counts, (rows % 2, rows // 2, logits.detach().argmax(1)), 1)
    return counts


def differ(found: Any, pinned: Any) -> bool:
    """Numbers to nine digits, which no change of BLAS or processor reaches; the rest exactly."""
    if isinstance(found, dict) and isinstance(pinned, dict):
        return found.keys() != pinned.keys() or any(differ(found[k], pinned[k]) for k in found)
    if isinstance(found, list) and isinstance(pinned, list):
        return len(found) != len(pinned) or any(map(differ, found, pinned))
    if isinstance(found, float) and isinstance(pinned, float):
        return found != pytest.approx(pinned, rel=1e-9, abs=1e-12)
    return bool(found != pinned)


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("entry", list(REGISTRY.all("method")), ids=lambda e: e.name)
def test_results_are_those_of_this_version(entry):
    pinned = json.loads(PATH.read_text(encoding="utf-8"))
    assert entry.name in pinned, f"{entry.name} has no fingerprint: see this file's docstring"
    changed = differ(fingerprint(entry), pinned[entry.name])
    assert not changed, f"{entry.name} changed: raise its version, see this file's docstring"


def test_no_fingerprint_is_left_over():
    pinned = json.loads(PATH.read_text(encoding="utf-8"))
    assert pinned.keys() == {entry.name for entry in REGISTRY.all("method")}


def test_a_change_of_a_tenth_of_a_percent_is_noticed():
    entry = REGISTRY.get("method", "la")
    found = fingerprint(entry)
    changed = json.loads(json.dumps(found))
    changed["stages"][0]["losses"][2] *= 1.001
    assert differ(changed, found) and not differ(found, found)


def rewrite() -> None:
    """Raises `SystemExit` for a method that changed under its old version."""
    torch.set_default_dtype(torch.float64)
    pinned = json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}
    found = {entry.name: fingerprint(entry) for entry in REGISTRY.all("method")}
    for name in found.keys() & pinned.keys():
        if not differ(found[name], pinned[name]):
            found[name] = pinned[name]  # to the last digit, which another machine has otherwise
        elif found[name]["version"] == pinned[name]["version"]:
            raise SystemExit(f"{name} changed and is still version {found[name]['version']}")
    PATH.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    rewrite()
