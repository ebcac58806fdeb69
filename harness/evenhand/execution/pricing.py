"""Prices of trials: estimates of their time from a few steps timed on this machine.

A price is the sum of a trial's own parts: its steps, evaluations, updates on held-out data and
refit, each with its time. Prices are no records and are not kept: to measure them takes seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evenhand.data.files.data_root import use_data_root
from evenhand.data.splits import ProblemData
from evenhand.declared.base import canonical
from evenhand.declared.course import n_batches, stage_epochs, update_steps
from evenhand.declared.held_out import trained_on
from evenhand.declared.method import Stage
from evenhand.declared.recipe import Recipe
from evenhand.declared.record import RULES
from evenhand.declared.registry import REGISTRY
from evenhand.declared.stage_parts import Retrospective, Subsampler
from evenhand.declared.trial import Problem, Stream, Trial
from evenhand.execution.plan import Plan
from evenhand.execution.samples import Sample, sample
from evenhand.execution.schedule import Prices, Unpriced
from evenhand.posthoc import Outputs, Trained

if TYPE_CHECKING:
    import torch

    from evenhand.train.timing import Times


UNTIMED = {
    *("name", "epochs", "lr", "momentum", "weight_decay", "warmup", "schedule", "mean", "std"),
    *("evaluate_every", "dense_from", "dense_until", "best_by", "sam"),
}
"""Fields of a recipe that do not change the time of its parts; `stage_kind` holds SAM."""


WRONG_SHARE = 0.05
"""Share of misclassified training examples that is assumed for a sampler that repeats them: their
number is known only after the earlier stage."""


def with_prices(
    plan: Plan,
    *,
    data: str | Path | None = None,
    threads: int = 1,
    use_gpu: bool = True,
    report: Callable[[str], None] = lambda _: None,
) -> Plan:
    """The plan with prices of the missing trials that no record gives an estimate of.

    data is the folder or URL of prepared data sets; None: the suite's `data:`, else the cache.
    """
    with use_data_root(data, plan.suite.declaration.data):
        prices = price(plan.unmeasured, threads=threads, use_gpu=use_gpu, report=report)
    return replace(plan, prices=prices)


def price(
    trials: Iterable[Trial],
    *,
    threads: int = 1,
    use_gpu: bool = True,
    report: Callable[[str], None] = lambda _: None,
) -> Prices:
    """Price trials by timing a few steps of each kind on this machine.

    The caller sets the folder of prepared data sets, which only data sets of the user's own need.
    report receives the name of each problem and recipe before it is timed.
    """
    began = time.perf_counter()
    pricing = Pricing.on(use_gpu=use_gpu, threads=threads)
    alike: dict[str, list[Trial]] = {}
    for trial in trials:
        alike.setdefault(trial.model_copy(update={"seed": 0}).key, []).append(trial)
    seconds: dict[str, float] = {}
    failed: dict[tuple[str, str, str], int] = {}
    for same in alike.values():
        trial = same[0]
        place = trial.problem.name, trial.recipe.name
        report(f"{place[1]} on {place[0]}")
        try:
            value = pricing.seconds(trial)
        except (Exception, SystemExit) as error:
            # The edge of a trial, as in `run_trial`: the run would leave a failed record.
            cause = str(error).strip() or type(error).__name__
            failed[(*place, cause)] = failed.get((*place, cause), 0) + len(same)
            continue
        seconds |= {other.key: value for other in same}
    unpriced = [Unpriced(p, recipe, n, cause) for (p, recipe, cause), n in failed.items()]
    took = time.perf_counter() - began
    return Prices(seconds, tuple(unpriced), pricing.device.type, took)


@dataclass
class Pricing:
    """What was measured so far: trials of one recipe and one form of input share their times."""

    device: torch.device
    threads: int
    samples: dict[str, Sample] = field(default_factory=dict)
    times: dict[str, Times] = field(default_factory=dict)

    @classmethod
    def on(cls, *, use_gpu: bool, threads: int = 1) -> Pricing:
        """Pricing on a GPU where there is one and it may be used, else on CPU cores."""
        import torch

        name = "cuda" if use_gpu and torch.cuda.is_available() else "cpu"
        return cls(torch.device(name), threads)

    def seconds(self, trial: Trial) -> float:
        """Estimated time of a trial. Raises what making the data, the network or a step raises."""
        from evenhand.train.timing import Times, add_times

        trial = _without_weights(trial)
        found = self._sample(trial.problem, trial.recipe, trial.seed, trial.vary)
        if trial.posthoc is not None:
            return _posthoc_seconds(trial, found.data)
        recipe = trial.recipe.model_dump(mode="json", exclude=UNTIMED)
        times = self.times.setdefault(canonical([recipe, list(map(str, found.form))]), Times())
        add_times(times, trial, found.data, device=self.device, threads=self.threads)
        return found.seconds + trained_seconds(trial, found.data, times)

    def _sample(
        self, problem: Problem, recipe: Recipe, seed: int, vary: Collection[Stream]
    ) -> Sample:
        from evenhand.train.evaluation import BATCH
        from evenhand.train.timing import BATCHES

        key = canonical([problem.model_dump(mode="json"), recipe.batch])
        if key not in self.samples:
            self.samples[key] = sample(
                problem,
                seed=seed,
                vary=vary,
                n_train=BATCHES * recipe.batch,
                n_held_out=BATCH[self.device.type],
            )
        return self.samples[key]


def _without_weights(trial: Trial) -> Trial:
    """The trial with a network of random weights, which are not fetched and take as long."""
    backbone = trial.recipe.backbone
    if not backbone.settings.get("pretrained"):
        return trial
    random = backbone.model_copy(update={"settings": backbone.settings | {"pretrained": False}})
    return trial.model_copy(update={"recipe": trial.recipe.model_copy(update={"backbone": random})})


def trained_seconds(trial: Trial, data: ProblemData, times: Times) -> float:
    """Time of a trial that trains, as the sum of its parts."""
    from evenhand.train.timing import stage_kind

    method = trained_on(REGISTRY.make("method", trial.method), trial.recipe.train_on)
    recipe, n_val = trial.recipe, data.summary.n_val
    seconds = times.begin
    runs = zip(method.runs(recipe.epochs), method.stages_by_run(), strict=True)
    for run, (first, *_) in runs:
        of_run = recipe.model_copy(update={"epochs": run.epochs})
        n_evaluated = sum(map(of_run.is_evaluated, range(1, run.epochs + 1)))
        seconds += n_evaluated * _evaluated_images(recipe, data, first) * times.evaluated
    for place, (stage, _, epochs) in enumerate(stage_epochs(method, recipe.epochs)):
        found, images = times.stages[stage_kind(trial, method, place)], _images(stage, data)
        per_epoch = n_batches(images, recipe)
        images = min(images, per_epoch * recipe.batch) if recipe.drop_last else images
        seconds += found.capture + epochs * images * found.per_image
        n_updates = len(update_steps(stage, epochs, per_epoch) or ())
        if stage.outer is not None:
            seen = min(stage.outer.batches * recipe.batch, int(data.counts.sum()))
            seconds += n_updates * seen * found.hypergradient
        elif stage.controller is not None:
            seconds += n_updates * n_val * times.predicted
        if isinstance(stage.sampler, Retrospective):
            seconds += int(data.counts.sum()) * times.predicted
    if method.refit is not None:
        of_val = method.refit.split == "val"
        seconds += times.refits[str(trial.method)] * (n_val if of_val else data.counts.sum())
        seconds += _evaluated_images(recipe, data, None) * times.evaluated
    return float(seconds)


def _evaluated_images(recipe: Recipe, data: ProblemData, stage: Stage | None) -> int:
    """Images of one evaluation, in the run that begins with a stage, or after a refit."""
    n_train, n_val = int(data.counts.sum()), data.summary.n_val
    if stage is not None and stage.train_on == "all":
        n_train, n_val = n_train + n_val, 0
    return n_val + data.summary.n_test + (n_train if recipe.evaluate_train else 0)


def _images(stage: Stage, data: ProblemData) -> int:
    """Training images of one epoch of a stage, as its sampler draws them."""
    counts = data.counts
    if stage.train_on == "all":
        # Held-out images as if their classes had the shares of the training set.
        counts = np.rint(counts * (1 + data.summary.n_val / counts.sum())).astype(np.int64)
    n = int(counts.sum())
    if isinstance(stage.sampler, Subsampler):
        return int(np.sum(stage.sampler.kept(counts)))
    if isinstance(stage.sampler, Retrospective):
        return int(np.sum(stage.sampler.times(np.arange(n) < WRONG_SHARE * n)))
    return n


def _posthoc_seconds(trial: Trial, data: ProblemData) -> float:
    """Time of a post-hoc method on random logits, at all checkpoint rules."""
    assert trial.posthoc is not None
    random, summary = np.random.default_rng(0), data.summary
    n_classes, n_groups = data.counts.shape

    def outputs(n: int) -> Outputs:
        logits = random.normal(size=(n, n_classes)).astype(np.float32)
        places = np.arange(n)
        return Outputs(logits, places % n_classes, places // n_classes % n_groups)

    val = outputs(summary.n_val) if summary.n_val else None
    trained = Trained(data.counts, summary.classes, np.ones(n_classes), np.zeros(n_classes))
    test = outputs(summary.n_test)
    began = time.perf_counter()
    REGISTRY.make("posthoc", trial.posthoc).fit(trained, val)(test.logits)
    return len(RULES) * (time.perf_counter() - began)
