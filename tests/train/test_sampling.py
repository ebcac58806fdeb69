"""What a sampler draws during training, epoch by epoch."""

from __future__ import annotations

import numpy as np

from evenhand.train.initial_state import begin
from evenhand.train.transitions import begin_stage
from tests.train.trials import CPU, data_of, make


def test_progressive_sampling_follows_the_epochs():
    trial = make("progressive_sampling", epochs=4)
    data = data_of(trial)
    state = begin(trial, data, CPU)
    n = data.counts.sum(1)
    for epoch in range(4):
        state.epoch = epoch + 1
        # A resumed epoch, of which some steps are done, has the weights of the whole epoch.
        state.position = epoch % 2
        begin_stage(state)
        drawn = np.bincount(data.train.labels, state.stage.weights)
        expected = (1 - epoch / 4) * n / n.sum() + epoch / 4 / len(n)
        np.testing.assert_allclose(drawn / drawn.sum(), expected)
