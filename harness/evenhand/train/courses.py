"""The course of each stage of a training, for the record."""

from __future__ import annotations

from evenhand.declared.course import StageCourse
from evenhand.train.training import BoundStage, Training


def courses(run: Training) -> tuple[StageCourse, ...]:
    """The course of each stage that has made a step."""
    ends = [*[stage.first_epoch for stage in run.stages], run.epochs][1:]
    found = [_course(stage, end) for stage, end in zip(run.stages, ends, strict=True)]
    return tuple(course for course in found if course.steps)


def _course(stage: BoundStage, end: int) -> StageCourse:
    tally = stage.tally
    return StageCourse(
        first_epoch=stage.first_epoch + 1,
        epochs=end - stage.first_epoch,
        steps=tally.steps,
        updates=tally.updates if stage.controller or stage.outer else None,
        first_update=tally.first_update,
        errors=tally.errors,
        examples=tally.examples,
        moved=tally.moved,
    )
