"""What tests of losses share: float64 throughout, and a batch of logits."""

from __future__ import annotations

import pytest
import torch

BATCH = 12


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def logits():
    """For four classes."""
    return 3 * torch.randn(BATCH, 4, generator=torch.Generator().manual_seed(0))
