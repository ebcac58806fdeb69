"""`primary:` is one metric, or one for each problem by glob."""

from __future__ import annotations

import pytest

from evenhand.errors import SpecError
from tests.suite.suite_text import TEXT, resolved

TWO = TEXT.replace(
    "  - digits: {profile: exp, ratio: 10}\n",
    "  - digits: {profile: exp, ratio: 10}\n  - digits: {profile: step, ratio: 10}\n",
)
OLD = "primary: balanced_accuracy\n"


def with_primary(text: str) -> str:
    return TWO.replace(OLD, text)


def test_each_problem_has_the_metric_of_its_glob():
    text = "primary:\n  digits-exp-*: accuracy\n  '*-step-*': balanced_accuracy\n"
    suite = resolved(with_primary(text))
    found = {problem: suite.declaration.primary_on(problem) for problem in suite.problems}
    assert found == {"digits-exp-10": "accuracy", "digits-step-10": "balanced_accuracy"}


def test_the_metric_that_ranks_is_no_part_of_a_trial():
    by_problem = resolved(with_primary("primary: {digits-*: accuracy}\n"))
    assert by_problem.trials.keys() == resolved(TWO).trials.keys()


@pytest.mark.parametrize(
    ("primary", "line", "says"),
    [
        ("{digits-exp-*: accuracy}", 13, "no pattern matches the problem digits-step-10"),
        (
            "\n  digits-*: accuracy\n  '*-step-10': balanced_accuracy",
            15,
            "digits-\\* and \\*-step-10 match the problem digits-step-10",
        ),
        (
            "\n  digits-*: accuracy\n  cifar10-*: accuracy",
            15,
            "'cifar10-\\*' matches no problem\n  problems: digits-exp-10, digits-step-10",
        ),
        ("\n  digits-*: error", 14, "'error' is not among the suite's metrics"),
        ("{digits-*: signed_deo}", 13, "signed_deo.* is not among the suite's metrics"),
        ("[accuracy]", 13, "write a metric, or one for each problem"),
        ("{digits-*: 3}", 13, "write a metric, or one for each problem"),
        ("{}", 13, "write a metric, or one for each problem"),
    ],
)
def test_a_problem_without_one_metric_is_refused_with_its_line(primary, line, says):
    with pytest.raises(SpecError, match=says) as raised:
        resolved(with_primary(f"primary: {primary}\n"))
    assert f"small.yaml:{line}" in raised.value.places[0]
