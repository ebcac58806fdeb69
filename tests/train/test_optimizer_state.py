"""An optimiser that begins anew makes the first step of a new one."""

from __future__ import annotations

import pytest
import torch

from evenhand.train.optimizer_state import clear


class Lookback(torch.optim.SGD):
    """SGD that shrinks the weights towards those at its first step, which are its state."""

    @torch.no_grad()
    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                kept = self.state[parameter].setdefault("kept", parameter.clone())
                parameter.lerp_(kept, 0.5)


MAKERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "dampening": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1),
    "rprop": lambda p: torch.optim.Rprop(p, lr=0.1),
    "subclass": lambda p: Lookback(p, lr=0.1, momentum=0.9),
}


def steps(optimizer, parameter, n):
    for _ in range(n):
        optimizer.zero_grad()
        (parameter**2).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_steps_after_clear_are_those_of_a_new_optimiser(make):
    parameter = torch.tensor([1.0, -2.0], requires_grad=True)
    optimizer = make([parameter])
    steps(optimizer, parameter, 3)
    clear(optimizer)
    other = parameter.detach().clone().requires_grad_()
    steps(optimizer, parameter, 2)
    steps(make([other]), other, 2)
    assert torch.equal(parameter, other)
