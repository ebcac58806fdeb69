"""What methods and post-hoc maps ask of a problem's labels, and of its held-out images."""

from __future__ import annotations

from typing import NamedTuple

from evenhand.declared.base import Part
from evenhand.declared.labels import Labels
from evenhand.declared.method import Method, PostHoc, Stage
from evenhand.declared.registry import REGISTRY
from evenhand.declared.stage_parts import Reduction
from evenhand.declared.trial import Problem, Recipe
from evenhand.errors import KeyPath, Mistake, Mistakes
from evenhand.suite.problems import has_validation


class ProblemFacts(NamedTuple):
    """What is known of a problem.

    labels          None where only its files say, which are not read to plan
    has_validation  false only where it certainly has none
    """

    name: str
    labels: Labels | None
    has_validation: bool


def declared_facts(problem: Problem) -> ProblemFacts:
    """What the registered facts of its data set say. One that says `n_classes` says all."""
    facts = REGISTRY.get("dataset", problem.dataset.name).facts
    labels = None
    if "n_classes" in facts:
        labels = Labels(facts.get("classes"), facts["n_classes"], facts.get("n_groups", 1))
    return ProblemFacts(problem.name, labels, has_validation(problem))


class Pipeline(NamedTuple):
    """What learns from a problem, or reads what was learned.

    is_chosen  whether the suite chooses the method's settings on held-out images
    """

    method: Part
    teacher: Part | None
    posthoc: Part | None
    is_chosen: bool = False


def check_pipeline(who: Pipeline, known: ProblemFacts, mistakes: Mistakes) -> None:
    """On one problem; a mistake's `where` begins with a key of the method's entry."""
    methods: list[tuple[KeyPath, Part]] = [((), who.method)]
    methods += [(("teacher",), who.teacher)] if who.teacher else []
    needy: list[tuple[KeyPath, Part]] = []
    for where, part in methods:
        method: Method = REGISTRY.make("method", part)
        if known.labels:
            _check_labels(method, known.labels, where, mistakes)
        needy += [(where, part)] if method.needs_validation else []
        is_read = where or who.posthoc
        if is_read and any(_averages(stage) for stage in method.stages):
            what = "an average of networks has no logits for others to read"
            mistakes.found.append(Mistake(what, where, "write `iterate: last` or `iterate: best`"))
    refit = REGISTRY.make("method", who.method).refit
    if refit and refit.split == "val" and (who.is_chosen or who.posthoc):
        what = (
            f"{who.method} fits its head on the held-out images, which then choose nothing for it"
        )
        right = "leave `select:` and `posthoc:` out, or fit on the training images: `split: train`"
        mistakes.found.append(Mistake(what, (), right))
    if who.posthoc:
        posthoc: PostHoc = REGISTRY.make("posthoc", who.posthoc)
        head = REGISTRY.make("method", who.method).head
        if known.labels:
            mistakes.catch(("posthoc",), posthoc.check, known.labels, head)
        needy += [(("posthoc",), who.posthoc)] if posthoc.needs_validation else []
    for where, part in () if known.has_validation else needy:
        what = f"{part} learns from held-out images, and {known.name} has none"
        mistakes.found.append(Mistake(what, where, "add e.g. `val: {per_class: 20}` to the suite"))


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


def check_angle(method: Part, recipe: Recipe, labels: Labels | None, mistakes: Mistakes) -> None:
    """Of a recipe with `angle_to`: there are two lines to compare, one of them solvable."""
    if recipe.angle_to is None:
        return
    what, head = f"angle_to on {method}", REGISTRY.make("method", method).head
    if REGISTRY.get("backbone", recipe.backbone.name).facts.get("body", True):
        said = f"{what}: {recipe.backbone} has a body, and lines of different features no angle"
        mistakes.found.append(Mistake(said, (), "use `backbone: linear`, or leave angle_to out"))
    if head != "linear":
        mistakes.found.append(Mistake(f"{what}: its head is {head}", (), "leave angle_to out"))
    to: Method = REGISTRY.make("method", recipe.angle_to)
    if labels and to.refit:
        mistakes.catch((), to.refit.check, labels)


def _averages(stage: Stage) -> bool:
    return stage.controller is not None and stage.controller.iterate == "averaged"
