"""Requirements of methods and post-hoc methods on a problem's labels and held-out images."""

from __future__ import annotations

from typing import NamedTuple

from evenhand.declared.base import Part
from evenhand.declared.held_out import leaves_held_out, trained_on, trains_on_held_out
from evenhand.declared.labels import Labels
from evenhand.declared.loss import ScalingLoss
from evenhand.declared.method import Method, PostHoc
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.split_counts import val_advice
from evenhand.declared.stage_parts import Reduction, TrainOn, uses_cells
from evenhand.declared.trial import Problem
from evenhand.errors import KeyPath, Mistake, Mistakes
from evenhand.suite.problems import has_validation, known_counts

HOLD_OUT = "hold out training images, such as `val: {per_class: 20}` or `{fraction: 0.2}`"


class ProblemFacts(NamedTuple):
    """Facts of a problem that are known before its files are read."""

    name: str
    """Name of the problem."""
    labels: Labels | None
    """Labels; None if only the files give them."""
    has_validation: bool
    """Whether there may be a validation split; false only if there certainly is none."""
    how_val: str
    """The correction where validation images are needed and there are none."""
    halves_test: bool = False
    """Whether the validation images are half of the test images."""


def declared_facts(problem: Problem) -> ProblemFacts:
    """Facts from the registration of the data set; with `n_classes`, the labels are known."""
    facts = REGISTRY.get("dataset", problem.dataset.name).facts
    labels = None
    if "n_classes" in facts:
        labels = Labels(facts.get("classes"), facts["n_classes"], facts.get("n_groups", 1))
    how_val = val_advice(problem, known_counts(problem))
    halves = problem.val.test_half is True
    return ProblemFacts(problem.name, labels, has_validation(problem), how_val, halves)


class Pipeline(NamedTuple):
    """A method with its teacher and its post-hoc method."""

    method: Part
    """Method."""
    teacher: Part | None
    """Method of the teacher; None without knowledge distillation."""
    posthoc: Part | None
    """Post-hoc method; None without one."""
    is_chosen: bool = False
    """Whether the suite chooses the method's settings on held-out images."""
    train_on: TrainOn | None = None
    """`train_on` of the recipe."""
    taught_on: TrainOn | None = None
    """`train_on` of the teacher's recipe."""


def check_pipeline(who: Pipeline, known: ProblemFacts, mistakes: Mistakes) -> None:
    """Check a pipeline on one problem; `where` of a mistake begins with a key of the entry."""
    methods: list[tuple[KeyPath, Part]] = [((), who.method)]
    methods += [(("teacher",), who.teacher)] if who.teacher else []
    needy: list[tuple[KeyPath, Part]] = []
    for where, part in methods:
        method: Method = REGISTRY.make("method", part)
        if known.labels:
            _check_labels(method, known.labels, where, mistakes)
        needy += [(where, part)] if method.needs_validation else []
        is_read = where or who.posthoc
        if is_read and any(stage.is_averaged for stage in method.stages):
            what = "an average of networks has no logits for a student or a post-hoc method"
            mistakes.found.append(Mistake(what, where, "write `iterate: last` or `iterate: best`"))
    _check_held_out_twice(who, known, mistakes)
    if who.posthoc:
        posthoc: PostHoc = REGISTRY.make("posthoc", who.posthoc)
        head = REGISTRY.make("method", who.method).head
        if known.labels:
            mistakes.catch(("posthoc",), posthoc.check, known.labels, head)
        needy += [(("posthoc",), who.posthoc)] if posthoc.needs_validation else []
    if who.train_on and not known.has_validation:
        what = f"train_on = {who.train_on!r}: {known.name} has no held-out images to train on"
        mistakes.found.append(Mistake(what, (), f"leave train_on out, or {HOLD_OUT}"))
    if who.train_on and not REGISTRY.make("method", who.method).stages:
        what = (
            f"train_on = {who.train_on!r}: {who.method} has no stage of training, and its last "
            "layer is solved for on the training images alone"
        )
        right = "leave train_on out for it: `recipe: {train_on: null}`"
        mistakes.found.append(Mistake(what, (), right))
    for where, part in () if known.has_validation else needy:
        what = f"{part} learns from held-out images, and {known.name} has none"
        mistakes.found.append(Mistake(what, where, known.how_val))


def _check_held_out_twice(who: Pipeline, known: ProblemFacts, mistakes: Mistakes) -> None:
    """Check that images that a network trains on, or its head, are not used as held-out images."""
    method = trained_on(REGISTRY.make("method", who.method), who.train_on)
    alone = _on_training_images(who.method, who.train_on)
    if not leaves_held_out(method) and (who.is_chosen or who.posthoc):
        what = f"{who.method} {_use(method)} on the held-out images, which cannot be used twice"
        right = f"leave `select:` and `posthoc:` out, or {alone}"
        mistakes.found.append(Mistake(what, (), right))
    if who.teacher and any(stage.train_on == "all" for stage in method.stages):
        what = f"{who.method} trains on the held-out images, for which the teacher gives no labels"
        mistakes.found.append(Mistake(what, (), f"leave `teacher:` out, or {alone}"))
    _check_test_half(who.method, method, alone, known, (), mistakes)
    if who.teacher is None:
        return
    teacher = trained_on(REGISTRY.make("method", who.teacher), who.taught_on)
    alone = _on_training_images(who.teacher, who.taught_on)
    _check_test_half(who.teacher, teacher, alone, known, ("teacher",), mistakes)
    if not leaves_held_out(teacher):
        what = (
            f"the teacher {who.teacher} {_use(teacher)} on the held-out images, which choose an "
            "epoch or a setting of its student"
        )
        mistakes.found.append(Mistake(what, ("teacher",), f"name another teacher, or {alone}"))


def _check_test_half(
    part: Part,
    method: Method,
    alone: str,
    known: ProblemFacts,
    where: KeyPath,
    mistakes: Mistakes,
) -> None:
    """Check that no network or head is trained on images that `val:` takes from the test images."""
    is_trained = any(stage.train_on == "all" for stage in method.stages)
    if known.halves_test and (is_trained or method.refits_on_held_out):
        use = "trains" if is_trained else "fits its head"
        what = (
            f"{part} {use} on the held-out images, which are test images of {known.name} under "
            "`val: {test_half: true}`"
        )
        mistakes.found.append(Mistake(what, where, f"{HOLD_OUT}, or {alone}"))


def _on_training_images(method: Part, train_on: TrainOn | None) -> str:
    """How the method uses the training images alone, as the end of a correction."""
    apart = [f"`{name}: train`" for name in ("split", "retrain_on") if name in method.settings]
    apart += ["no `train_on` in its recipe"] if train_on else []
    return f"use the training images alone: {' and '.join(apart)}"


def _use(method: Method) -> str:
    return "trains" if trains_on_held_out(method) else "fits its head"


def _check_labels(method: Method, labels: Labels, where: KeyPath, mistakes: Mistakes) -> None:
    for stage in method.stages:
        if stage.controller:
            mistakes.catch(where, stage.controller.check, stage.loss, labels)
        if stage.outer:
            mistakes.catch(where, stage.outer.check, labels)
        if isinstance(stage.reduce, Reduction):
            mistakes.catch(where, stage.reduce.check, labels)
    if method.refit:
        mistakes.catch(where, method.refit.check, labels)


def check_mixing(method: Part, recipe: Recipe, where: KeyPath, mistakes: Mistakes) -> None:
    """Check that no reduction needs the cell of an example which is a mixture of two."""
    if recipe.mixing is None:
        return
    for stage in REGISTRY.make("method", method).stages:
        over_cells = isinstance(stage.reduce, Reduction) and uses_cells(stage.reduce)
        if over_cells and stage.mixes:
            what = (
                f"{method} averages the loss by (label, group) cell, and {recipe.mixing} mixes "
                "examples of two cells"
            )
            right = "write `recipe: {mixing: null}` in this entry, or leave `mixing` out"
            mistakes.found.append(Mistake(what, where, right))
            return


def check_angle(method: Part, recipe: Recipe, labels: Labels | None, mistakes: Mistakes) -> None:
    """Check `angle_to` of a recipe: both classifiers are linear in the same features."""
    if recipe.angle_to is None:
        return
    what, head = f"angle_to on {method}", REGISTRY.make("method", method).head
    if REGISTRY.get("backbone", recipe.backbone.name).facts.get("body", True):
        said = f"{what}: {recipe.backbone} has a body, and the angle needs fixed features"
        mistakes.found.append(Mistake(said, (), "use `backbone: linear`, or leave angle_to out"))
    if head != "linear":
        mistakes.found.append(Mistake(f"{what}: its head is {head}", (), "leave angle_to out"))
    to: Method = REGISTRY.make("method", recipe.angle_to)
    if labels and to.refit:
        mistakes.catch((), to.refit.check, labels)


def check_bound(
    method: Part, recipe: Recipe, labels: Labels | None, mistakes: Mistakes, *, taught: bool
) -> None:
    """Check `bound_terms` of a recipe: the bound is that of a loss of the vector-scaling family.

    taught: the method is a student, whose labels are probabilities.
    """
    if recipe.bound_terms is None:
        return
    made: Method = REGISTRY.make("method", method)
    losses = {type(s.loss).__name__ for s in made.stages if not isinstance(s.loss, ScalingLoss)}
    reductions = {type(s.reduce).__name__ for s in made.stages if not isinstance(s.reduce, str)}
    outside = [f"its loss {name} is not of that family" for name in sorted(losses)]
    outside += [f"its reduction {name} is not a mean" for name in sorted(reductions)]
    outside += ["its last layer is solved for, without that loss"] if made.refit else []
    outside += ["its labels are a teacher's probabilities"] if taught else []
    outside += ["the problem has groups"] if labels and labels.n_groups > 1 else []
    if outside:
        what = f"bound_terms on {method}: the bound is that of a vector-scaling loss over classes"
        right = "leave bound_terms out for it: `recipe: {bound_terms: null}`"
        mistakes.found.append(Mistake(f"{what}, and {outside[0]}", (), right))
