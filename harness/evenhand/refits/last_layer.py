"""Group-balanced logistic regression on features (kirichenko2023last)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from evenhand.declared.labels import Labels, TrainingCounts
from evenhand.declared.stage_parts import LinearHead
from evenhand.errors import DataError, Mistake, SpecError

Features = Float[np.ndarray, "n features"]
CellIndices = Int[np.ndarray, " n"]
ITERATIONS = 10_000


@dataclass(frozen=True)
class GroupBalancedLogistic:
    """Mean of logistic regressions, each on as many examples of every (label, group) cell.

    Features are standardised by mean and standard deviation of the training features, for either
    split. If there are several strengths, one random half of the split is fitted and the other half
    chooses the strength with the highest accuracy of the worst cell, or the first of equal ones.
    For two classes liblinear finds one weight vector, as in the published code, and the two rows of
    the head are its halves with opposite signs. More classes have a softmax regression.
    """

    split: Literal["train", "val"] = "val"
    """Split whose features are used."""
    penalty: Literal["l1", "l2"] = "l1"
    """Norm of the penalty."""
    strengths: tuple[float, ...] = (1.0, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01)
    """Values of scikit-learn's C to choose from; a larger value penalises less."""
    draws: int = 20
    """Number of regressions, each on a new balanced subset."""

    def check(self, labels: Labels) -> None:
        """Check settings and labels. Raises `SpecError` without a strength, or for one class."""
        if not self.strengths:
            right = "name one, or several to choose from: `strengths: [1.0, 0.1]`"
            raise SpecError([Mistake("strengths is empty", ("strengths",), right)])
        if labels.n_classes < 2:
            what = "the data set has one class, and a head needs at least two"
            raise SpecError([Mistake(what, (), "choose a problem with two classes or more")])

    def check_counts(self, counts: TrainingCounts) -> None:
        """Check the split. Raises `DataError` for a cell with too few examples."""
        _check_cells(counts, at_least=2 if len(self.strengths) > 1 else 1, split=self.split)

    def solve(
        self,
        features: Features,
        labels: Int[np.ndarray, " n"],
        groups: Int[np.ndarray, " n"],
        *,
        training: Features,
        counts: TrainingCounts,
        randomness: np.random.Generator,
    ) -> LinearHead:
        """The head. Raises `DataError` for too small a cell, and if a fit does not converge."""
        self.check_counts(counts)
        mean, scale = training.mean(0), training.std(0)
        scale = np.where(scale > 0, scale, 1.0)
        standard = (features - mean) / scale
        cells = labels * counts.shape[1] + groups
        strength = self.strengths[0]
        if len(self.strengths) > 1:
            strength = self._chosen(standard, labels, cells, randomness)
        fits = []
        for _ in range(self.draws):
            drawn = balanced(cells, randomness)
            fits.append(self._fit(standard[drawn], labels[drawn], strength, len(counts)))
        weight = np.mean([fit.weight for fit in fits], axis=0) / scale
        bias = np.mean([fit.bias for fit in fits], axis=0) - weight @ mean
        return LinearHead(weight, bias)

    def _chosen(
        self,
        features: Features,
        labels: Int[np.ndarray, " n"],
        cells: CellIndices,
        randomness: np.random.Generator,
    ) -> float:
        """The strength with the best worst cell on one half, fitted on the other half."""
        fitted, held_out = halves(cells, randomness)
        drawn = fitted[balanced(cells[fitted], randomness)]
        n_classes = int(labels.max()) + 1

        def worst(strength: float) -> float:
            head = self._fit(features[drawn], labels[drawn], strength, n_classes)
            right = (features[held_out] @ head.weight.T + head.bias).argmax(1) == labels[held_out]
            return min(float(right[cells[held_out] == s].mean()) for s in np.unique(cells))

        return max(self.strengths, key=worst)

    def _fit(
        self, features: Features, labels: Int[np.ndarray, " n"], strength: float, n_classes: int
    ) -> LinearHead:
        """One regression. Raises `DataError` if the solver does not converge."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        solver = "liblinear" if n_classes == 2 else ("saga" if self.penalty == "l1" else "lbfgs")
        regression = LogisticRegression(
            l1_ratio=1.0 if self.penalty == "l1" else 0.0,
            C=strength,
            solver=solver,
            max_iter=ITERATIONS,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            try:
                regression.fit(features, labels)
            except ConvergenceWarning as error:
                raise DataError(
                    f"the head's fit with strength {strength:g} did not converge in "
                    f"{ITERATIONS} iterations, on {len(labels)} examples\n"
                    "  smaller strengths converge sooner: strengths: [0.1, 0.01]"
                ) from error
        weight, bias = regression.coef_, regression.intercept_
        if n_classes == 2:
            weight, bias = (np.concatenate([-half, half]) for half in (weight / 2, bias / 2))
        return LinearHead(np.asarray(weight, np.float64), np.asarray(bias, np.float64))


def balanced(cells: CellIndices, randomness: np.random.Generator) -> Int[np.ndarray, " drawn"]:
    """Indices of a balanced subset: as many examples of each cell as the smallest cell has."""
    places = [np.flatnonzero(cells == s) for s in np.unique(cells)]
    size = min(map(len, places))
    return np.concatenate([randomness.permutation(place)[:size] for place in places])


def halves(
    cells: CellIndices, randomness: np.random.Generator
) -> tuple[Int[np.ndarray, " fitted"], Int[np.ndarray, " held_out"]]:
    """Indices of two halves of every cell; the first half of an odd cell is the smaller one.

    The published code splits all examples at random, which can leave a half without a cell.
    """
    parts = []
    for s in np.unique(cells):
        place = randomness.permutation(np.flatnonzero(cells == s))
        parts.append(np.split(place, [len(place) // 2]))
    fitted, held_out = (np.concatenate(side) for side in zip(*parts, strict=True))
    return fitted, held_out


def _check_cells(counts: TrainingCounts, *, at_least: int, split: str) -> None:
    small = np.argwhere(counts < at_least)
    if small.size:
        named = ", ".join(f"class {y} in group {g} ({counts[y, g]})" for y, g in small[:8])
        wanted = "one example" if at_least == 1 else "two examples, to fit and to choose a strength"
        raise DataError(
            f"too few {split} examples in {len(small)} of {counts.size} cells: {named}\n"
            f"  every cell needs {wanted}\n"
            "  set more examples aside for validation, or fit the head on the other split"
        )
