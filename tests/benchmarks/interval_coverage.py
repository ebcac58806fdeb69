"""Coverage of intervals of a mean over seeds: `python tests/benchmarks/interval_coverage.py`.

For each distribution of scores in [0, 1] and each number of seeds: how often a nominal 95 %
interval covers the true mean, and its mean width. Compared are Student's t, the same cut to
[0, 1], t of the logit of the mean, and t of the arcsine square root of the mean; for positive
scores, t and t of the log of the mean. It prints the tables of `docs/explanation/statistics.md`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit, logit, stdtrit

ROUNDS = 100_000
SIZES = (2, 3, 5, 10)
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
Ends = tuple[np.ndarray, np.ndarray]


def beta(mean: float, sd: float) -> tuple[Draw, float]:
    size = mean * (1 - mean) / sd**2 - 1
    return lambda rng, shape: rng.beta(mean * size, (1 - mean) * size, shape), mean


def normal(mean: float, sd: float) -> tuple[Draw, float]:
    return lambda rng, shape: np.clip(rng.normal(mean, sd, shape), 0, 1), mean


def exponential(base: float, scale: float) -> tuple[Draw, float]:
    return lambda rng, shape: base + scale * rng.exponential(size=shape), base + scale


def collapse(high: float, low: float) -> tuple[Draw, float]:
    """One seed in five collapses."""
    return lambda rng, shape: np.where(rng.random(shape) < 0.8, high, low), 0.8 * high + 0.2 * low


SCORES = {
    "normal, 0.70 ± 0.01": normal(0.70, 0.01),
    "normal, 0.50 ± 0.10": normal(0.50, 0.10),
    "beta, 0.98 ± 0.01": beta(0.98, 0.01),
    "beta, 0.97 ± 0.03": beta(0.97, 0.03),
    "beta, 0.90 ± 0.10": beta(0.90, 0.10),
    "beta, 0.05 ± 0.05": beta(0.05, 0.05),
    "0.10 + 0.05 · exponential": exponential(0.10, 0.05),
    "0.50 + 0.02 · exponential": exponential(0.50, 0.02),
    "0.70, one seed in five 0.10": collapse(0.70, 0.10),
    "0.99, one seed in five 0.90": collapse(0.99, 0.90),
}


def gamma(mean: float, sd: float) -> tuple[Draw, float]:
    shape = (mean / sd) ** 2
    return lambda rng, size: rng.gamma(shape, mean / shape, size), mean


POSITIVE = {
    "gamma, 0.50 ± 0.05": gamma(0.50, 0.05),
    "gamma, 0.50 ± 0.25": gamma(0.50, 0.25),
    "gamma, 0.50 ± 0.50": gamma(0.50, 0.50),
}


def student(mean: np.ndarray, half: np.ndarray) -> Ends:
    return mean - half, mean + half


def cut(mean: np.ndarray, half: np.ndarray) -> Ends:
    return np.clip(mean - half, 0, 1), np.clip(mean + half, 0, 1)


def of_logit(mean: np.ndarray, half: np.ndarray) -> Ends:
    inside = np.clip(mean, 1e-15, 1 - 1e-15)
    step = half / (inside * (1 - inside))
    return expit(logit(inside) - step), expit(logit(inside) + step)


def of_arcsine(mean: np.ndarray, half: np.ndarray) -> Ends:
    inside = np.clip(mean, 1e-15, 1 - 1e-15)
    middle, step = np.arcsin(np.sqrt(inside)), half / (2 * np.sqrt(inside * (1 - inside)))
    low, high = (np.clip(middle + sign * step, 0, np.pi / 2) for sign in (-1, 1))
    return np.sin(low) ** 2, np.sin(high) ** 2


def of_log(mean: np.ndarray, half: np.ndarray) -> Ends:
    return mean * np.exp(-half / mean), mean * np.exp(half / mean)


KINDS = {"t": student, "t, cut": cut, "logit": of_logit, "arcsine": of_arcsine}


def table(
    scores: dict[str, tuple[Draw, float]], kinds: dict[str, Callable[..., Ends]], unit: float
) -> None:
    """Print a table, one row for each distribution and number of seeds; widths are times `unit`."""
    print("| scores | n | " + " | ".join(kinds) + " |")
    print("| :-- | --: |" + " --: |" * len(kinds))
    rng = np.random.default_rng(17)
    for name, (draw, truth) in scores.items():
        for n in SIZES:
            values = draw(rng, (ROUNDS, n))
            half = stdtrit(n - 1, 0.975) * values.std(1, ddof=1) / np.sqrt(n)
            cells = []
            for interval in kinds.values():
                low, high = interval(values.mean(1), half)
                covers = (low - 1e-9 <= truth) & (truth <= high + 1e-9)
                cells.append(f"{100 * covers.mean():.1f} ({unit * np.mean(high - low):.3g})")
            print(f"| {name} | {n} | " + " | ".join(cells) + " |")
    print()


def main() -> None:
    """Print the tables of scores in [0, 1] and of positive scores."""
    table(SCORES, KINDS, 100)
    table(POSITIVE, {"t": student, "log": of_log}, 1)


if __name__ == "__main__":
    main()
