"""The standard error of a mean over seeds, also where seeds are resampled splits of one table.

    s √(1/n)                     seeds with a test split in common, or with independent data
    s √(1/n + n_test / n_train)  seeds that are folds of a cross-validation

The training sets of a cross-validation overlap, so that its scores are correlated and s²/n is too
small: tests on it find differences where there are none. nadeau2003inference estimate the
correlation by n_test / (n_test + n_train), which gives the second formula; the t distribution keeps
n − 1 degrees of freedom.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int


def standard_error(sd: float, n: int | Int[np.ndarray, "*pairs"], test_ratio: float = 0.0) -> Any:
    """The standard error of means of n values with standard deviation `sd`: a float or an array.

    `test_ratio` is n_test / n_train where the values are those of resampled splits, otherwise 0.
    """
    return sd * np.sqrt(1 / n + test_ratio)
