"""MADAO and PDA as stages."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.declared.stage_parts import Learnable
from evenhand.losses.learned import LearnedScaling
from evenhand.methods.augmentation import madao, pda, pda_autobalance

COUNTS = np.array([[50], [20], [5]])
CLUSTERS = {madao: 1, pda: 3, pda_autobalance: 3}


@pytest.mark.parametrize("method", CLUSTERS)
def test_one_policy_is_learned_in_the_search_and_stays(method):
    warm_up, search, retraining = method().stages
    assert warm_up.policy == search.policy == retraining.policy
    assert [bool(stage.outer) for stage in (warm_up, search, retraining)] == [False, True, False]
    assert retraining.restart and not search.restart
    assert search.policy.bind(COUNTS, "cpu").operation.shape[0] == CLUSTERS[method]
    assert method().needs_validation


def test_the_loss_is_learned_only_where_the_name_says_so():
    for method in CLUSTERS:
        loss = method().stages[1].loss
        assert isinstance(loss.bind(COUNTS, "cpu"), Learnable) == (method is pda_autobalance)


def test_loss_and_policy_have_the_same_clusters():
    search = pda_autobalance(cluster=2).stages[1]
    assert isinstance(search.loss, LearnedScaling) and search.loss.cluster == 2
    assert search.policy.bind(COUNTS, "cpu").operation.shape[0] == 2
