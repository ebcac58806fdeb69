"""Mixtures of Gaussians with a rare label or group, for which theory gives the errors.

The settings fix the means. Examples, also those of the test split, are drawn again at every seed by
the stream `subset`. kini2021label does not state whether its means are drawn again in each repeat;
with drawn means no single line of theory would fit the points. Ours, too: numbers of examples are
exact, round(π n) and not a binomial draw, and the test split has equally many examples of each
cell, so that rare cells are measured as precisely. The error on data distributed as the training
set is given by metrics that weigh by the training shares (`train_weighted_error`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from evenhand.data.images import Images, Source
from evenhand.declared.decorators import dataset
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError

LABELS = ("-1", "+1")
GROUPS = ("majority", "minority")
Size = Annotated[int, Field(ge=2)]
Norm = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=0.5)]
Means = Literal["gaussian", "orthogonal"]


def theory_of_labels(
    settings: Mapping[str, Any], method: str, of_method: Mapping[str, Any]
) -> dict[str, float] | None:
    """Metrics of a max-margin classifier on `gaussian_mixture`, by theory.

    None for other methods, and for data that are not separable.
    """
    from evenhand.theory.gaussian_mixture import cost_sensitive

    if _margins(method) not in ("equal", "label"):
        return None
    n, used = settings["n"], settings["features"] or settings["d"]
    pi = _rare(n, settings["pi"]) / n
    means = _directions(settings["means"], settings["d"])[:, :used]
    means = means * [[settings["norm_plus"]], [settings["norm_minus"]]]
    svm = cost_sensitive(means, pi, used / n, intercept=of_method["intercept"])
    if svm is None:
        return None
    found = svm.errors(of_method.get("delta", 1.0))
    return {
        "error": found.balanced,
        "balanced_error": found.balanced,
        "train_weighted_error": found.standard(pi),
        "error_imbalance": found.imbalance,
        "worst_class_error": max(found.plus, found.minus),
    }


def theory_of_groups(
    settings: Mapping[str, Any], method: str, of_method: Mapping[str, Any]
) -> dict[str, float] | None:
    """Metrics of a max-margin classifier on `group_gaussian_mixture`, by theory.

    None for other methods, and for data that are not separable.
    """
    from evenhand.theory.gaussian_mixture import group_sensitive

    if _margins(method) not in ("equal", "group"):
        return None
    half, d = settings["n"] // 2, settings["d"]
    p = _rare(half, settings["p"]) / half
    means = _directions(settings["means"], d)
    means = means * [[settings["norm_minority"]], [settings["norm_majority"]]]
    delta, intercept = of_method.get("delta", 1.0), of_method["intercept"]
    found = group_sensitive(means, p, d / settings["n"], delta, intercept=intercept)
    if found is None:
        return None
    return {
        "error": float(found.by_cell.mean()),
        "balanced_error": float(found.by_cell.mean()),
        "balanced_group_error": float(found.by_cell.mean()),
        "worst_group_error": float(found.by_cell.max()),
        "train_weighted_error": found.standard(p),
        "signed_deo": found.deo,
        "symmetric_deo": abs(found.deo),
    }


def _margins(method: str) -> str | None:
    """Fact `margins` of a registered method: the variable that its margins depend on."""
    margins: str | None = REGISTRY.get("method", method).facts.get("margins")
    return margins


@dataset(
    cite="kini2021label",
    title="Gaussian mixture",
    n_classes=2,
    classes=LABELS,
    theory=theory_of_labels,
)
def gaussian_mixture(
    n: Size = 100,
    d: Size = 300,
    features: Annotated[int, Field(ge=1)] | None = None,
    pi: Share = 0.1,
    norm_plus: Norm = 4.0,
    norm_minus: Norm = 2.0,
    means: Means = "gaussian",
    n_test: Annotated[int, Field(ge=2)] = 10_000,
) -> Source:
    """Gaussians N(μ_y, I) in d dimensions, with a share π of n examples in the rare class +1.

    `features` is the number of first coordinates that are observed; all by default. The means have
    the given norms and Gaussian directions, or orthogonal directions with equal entries. The
    defaults are those of kini2021label, Fig. 2(a).
    """
    used = features or d
    if used > d:
        raise DataError(
            f"gaussian_mixture: {used} features of {d} coordinates cannot be observed\n"
            f"  set features to at most d = {d}"
        )
    directions = _directions(means, d) * [[norm_plus], [norm_minus]]
    rare = _rare(n, pi)
    counts = np.array([[n - rare], [rare]])
    centres = directions[::-1, None, :]
    return _Mixture(centres, counts, np.full((2, 1), n_test // 2), used).draw()


@dataset(
    cite="kini2021label",
    title="Gaussian mixture of groups",
    n_classes=2,
    n_groups=2,
    classes=LABELS,
    theory=theory_of_groups,
)
def group_gaussian_mixture(
    n: Annotated[int, Field(ge=4)] = 400,
    d: Size = 400,
    p: Share = 0.05,
    norm_minority: Norm = 4.0,
    norm_majority: Norm = 2.0,
    means: Means = "orthogonal",
    n_test: Annotated[int, Field(ge=4)] = 10_000,
) -> Source:
    """Gaussians N(y·μ_g, I) with balanced labels ±1 and a share p of each in the minority group.

    The p of kini2021label, Fig. 3(b), is taken as a share of each label. The paper gives neither
    the number of examples nor the means.
    """
    half = n // 2
    rare = _rare(half, p)
    directions = _directions(means, d) * [[norm_minority], [norm_majority]]
    # [labels −1 and +1, majority before minority]
    centres = np.stack([-directions[::-1], directions[::-1]])
    counts = np.tile([half - rare, rare], (2, 1))
    return _Mixture(centres, counts, np.full((2, 2), n_test // 4), d).draw()


def _directions(means: Means, d: int) -> Float[np.ndarray, "2 d"]:
    """Two directions of norm 1; Gaussian ones are the same for all data with d coordinates."""
    if means == "orthogonal":
        found = np.stack([np.arange(d) % 2 == 0, np.arange(d) % 2 == 1]).astype(np.float64)
    else:
        # A seed that no stream uses: examples must not repeat the random numbers of their means.
        found = np.random.default_rng([0, 1]).standard_normal((2, d))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def _rare(n: int, share: float) -> int:
    rare = round(share * n)
    if not 0 < rare < n:
        raise DataError(
            f"every cell needs an example, and a share of {share:g} of {n} examples is {rare}\n"
            f"  use more examples, or a share of at least {1 / n:.2g}"
        )
    return rare


@dataclass(frozen=True, eq=False)
class _Mixture:
    """Distribution of a mixture: means and numbers of examples by cell, and observed features."""

    means: Float[np.ndarray, "labels groups d"]
    train: Int[np.ndarray, "labels groups"]
    test: Int[np.ndarray, "labels groups"]
    features: int

    def draw(self, rng: np.random.Generator | None = None) -> Source:
        """Draw a training and a test split; without a generator with the seed 0."""
        draw = partial(self._images, rng or np.random.default_rng(0))
        n_groups = self.means.shape[1]
        return Source(
            train=draw(self.train),
            test=draw(self.test),
            classes=LABELS,
            groups=GROUPS if n_groups == 2 else ("all",),
            redraw=self.draw,
        )

    def _images(self, rng: np.random.Generator, counts: Int[np.ndarray, "labels groups"]) -> Images:
        """Draw images of all coordinates, so that at one seed fewer features are a part of more."""
        shape = counts.shape
        labels, groups = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(shape))
        pixels = self.means[labels, groups] + rng.standard_normal(
            (len(labels), self.means.shape[2])
        )
        seen = pixels[:, None, None, : self.features].astype(np.float32)
        return Images(seen, labels.astype(np.int64), groups.astype(np.int64))
