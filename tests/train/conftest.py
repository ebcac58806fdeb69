"""Methods of watching losses, and the networks that are built."""

from __future__ import annotations

import copy

import pytest

from evenhand.declared.decorators import method
from evenhand.declared.method import Method
from evenhand.train import draws
from tests.train.trials import make


@pytest.fixture
def spied(unregistered):
    """Register a method of these stages, and give a trial of it."""

    def register(*stages, **fields):
        def spied() -> Method:
            """A method of a test."""
            return Method(*stages)

        method(cite="none")(spied)
        return make("spied", **fields)

    return register


@pytest.fixture
def models(monkeypatch):
    """Every network that is built: a copy as it was, and the one that is trained."""
    built = []

    def build(*args, **settings):
        model = made_by(*args, **settings)
        built.append((copy.deepcopy(model), model))
        return model

    made_by = draws.build
    monkeypatch.setattr(draws, "build", build)
    return built
