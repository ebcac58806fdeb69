"""One trial in a terminal: its specification, exit, scores, cost and provenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from evenhand.declared.base import format_scalar
from evenhand.declared.course import StageCourse
from evenhand.declared.data_sentences import describe_data
from evenhand.declared.recipe import Recipe
from evenhand.declared.record import DataSummary, Evaluation, Record
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.declared.trial import Trial
from evenhand.metrics import is_of_logits, score, unit
from evenhand.suite.timetable_facts import describe_stage, timetable
from evenhand_reports.board import lineage
from evenhand_reports.board.provenance import commit, recorded_command
from evenhand_reports.figures import restarts
from evenhand_reports.figures.learned_figures import final_values
from evenhand_reports.formats.visible import Visible
from evenhand_reports.wording.formatting import NO_VALUE, number, percent, seconds, unit_words

EPOCHS_SHOWN = 8
ON_TEST_DATA = "best-test uses test data and serves only for comparison with printed numbers."


def render(record: Record) -> RenderableType:
    """All facts on one record; the caller prints the command that reruns it."""
    trial = record.trial
    parts: list[RenderableType] = [
        Text(str(trial), style="bold"),
        Text(record.key, style="dim"),
        Text(),
        _facts([("status", _status(record)), *_spec(record)]),
    ]
    if record.evaluations:
        parts += [Text(), _scores(record)]
        if any(e.rule == "best-test" for e in record.evaluations):
            parts.append(Text(ON_TEST_DATA, style="dim"))
    if record.curves.get("epoch"):
        parts += [Text(), _curves(record)]
    if final := final_values(record):
        parts += [Text(), _facts(final)]
    if record.stages or record.changed is not None:
        parts += [Text(), _facts(_course(record))]
    parts += [Text(), _facts(_cost(record)), Text(), _facts(_origin(record))]
    parts += [Text(), Text("rerun with:", style="dim")]
    if record.exit.traceback:
        parts += [Text(), Text(record.exit.traceback.rstrip(), style="dim")]
    return Visible(Group(*parts))


def render_planned(trial: Trial, stages: Sequence[StageCourse]) -> RenderableType:
    """A trial without a record, with the stages that are expected."""
    course = [(f"stage {n}", describe_stage(n, stage)) for n, stage in enumerate(stages, 1)]
    return Visible(
        Group(
            Text(str(trial), style="bold"),
            Text(trial.key, style="dim"),
            Text(),
            _facts([("status", "no record"), *_declared(trial), *course]),
        )
    )


def _course(record: Record) -> list[tuple[str, str]]:
    """What each stage did, and how many predictions a post-hoc method changed."""
    found = [
        (f"stage {number}", describe_stage(number, stage))
        for number, stage in enumerate(record.stages, 1)
    ]
    if record.changed is not None and record.data:
        text = f"{record.changed:,} of {record.data.n_test:,} predictions changed at the last epoch"
        found.append(("post-hoc", text))
    return found


def _facts(pairs: Iterable[tuple[str, str]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=12)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            grid.add_row(Text(name), Text(value))
    return grid


def _status(record: Record) -> str:
    end = record.exit
    where = [f"{unit} {n}" for unit, n in (("epoch", end.epoch), ("step", end.step)) if n]
    tries = f"{record.attempts} attempts" if record.attempts > 1 else ""
    return ", ".join(text for text in (end.status, end.cause, *where, tries) if text)


def _declared(trial: Trial) -> list[tuple[str, str]]:
    teacher = trial.teacher.method if trial.teacher else None
    return [
        ("method", f"{trial.method} (version {trial.method.version})"),
        ("teacher", f"{lineage.teacher(trial)} (version {teacher.version})" if teacher else ""),
        ("post-hoc", f"{trial.posthoc} (version {trial.posthoc.version})" if trial.posthoc else ""),
        ("parent", f"{trial.parent.key}, {lineage.parent_role(trial)}" if trial.parent else ""),
        ("problem", f"{trial.problem.dataset} · {trial.problem.profile}"),
        ("recipe", _recipe(trial.recipe)),
        ("runs", restarts.describe_runs(trial)),
        *((fact.heading, fact.text) for fact in timetable(trial)),
        ("seed", f"{trial.seed}, for {', '.join(trial.vary) or 'no stream'}"),
    ]


def _spec(record: Record) -> list[tuple[str, str]]:
    data, pairs = record.data, _declared(record.trial)
    if data:
        train = data.train_counts.sum(1)
        sizes = f"{train.sum():,} training images, {train.max():,} to {train.min():,} a class"
        pairs.append(("data", f"{sizes}; {data.n_val:,} validation, {data.n_test:,} test"))
        pairs.append(("groups", _groups(data)))
        pairs += [(fact.heading, fact.text) for fact in describe_data(data)]
        pairs.append(("fingerprint", data.fingerprint))
    return pairs


def _groups(data: DataSummary) -> str:
    """`land, water; smallest cell waterbird, land: 56`; "" for a problem without groups."""
    if len(data.groups) < 2:
        return ""
    label, group = divmod(int(data.train_counts.argmin()), len(data.groups))
    cell = f"{data.classes[label]}, {data.groups[group]}: {data.train[label][group]:,}"
    return f"{', '.join(data.groups)}; smallest cell {cell}"


def _recipe(recipe: Recipe) -> str:
    augment = " + ".join(map(str, recipe.augment)) or "no augmentation"
    mixing = f" + {recipe.mixing}" if recipe.mixing else ""
    radius = "/".join(map(format_scalar, recipe.sam.rho)) if recipe.sam else ""
    sam = f"SAM ρ {radius}, " if radius else ""
    momentum = f"momentum {format_scalar(recipe.momentum)}, "
    optimizer = f"{recipe.optimizer}, " if recipe.optimizer else momentum
    return (
        f"{recipe.name}: {recipe.backbone}, {recipe.epochs} epochs, batch {recipe.batch}, "
        f"lr {format_scalar(recipe.lr)} ({recipe.schedule}), "
        f"{optimizer}weight decay {format_scalar(recipe.weight_decay)}, "
        f"{sam}{augment}{mixing}, {recipe.precision}"
    )


def _scores(record: Record) -> RenderableType:
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="dim")
    grid.add_column("metric, in percent", overflow="fold")
    for evaluation in record.evaluations:
        title = f"{evaluation.split}\n{evaluation.rule}\nepoch {evaluation.epoch}"
        grid.add_column(Text(title), justify="right")
    for metric in REGISTRY.all("metric"):
        values = [_score(record, metric.name, each) for each in record.evaluations]
        if any(value != NO_VALUE for value in values):
            grid.add_row(*map(Text, (_titled(metric), *values)))
    return grid


def _titled(metric: Registered) -> str:
    """`NLL (in nats)` for a metric that is not in percent."""
    words = "" if unit(metric.name) == "%" else f" ({unit_words(metric.name)})"
    return metric.title + words


def _score(record: Record, metric: str, evaluation: Evaluation) -> str:
    train = record.data.train_counts if record.data else None
    settings = record.trial.method.settings
    if is_of_logits(metric):
        value = evaluation.scores.get(metric)
    else:
        value = None if train is None else score(metric, evaluation.counts, train, settings)
    return NO_VALUE if value is None else number(value, unit(metric))


def _curves(record: Record) -> RenderableType:
    """Learning rate, training loss and metrics at some of the epochs."""
    curves, epochs = record.curves, record.curves["epoch"]
    measured = [name for name in curves if name.startswith(("val_", "test_"))]
    names = [name for name in ("lr", "train_loss", *measured) if name in curves]
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="dim")
    for name in ("epoch", *names):
        unit = ", %" if name in measured and not name.endswith("loss") else ""
        grid.add_column(Text(f"{name.replace('_', ' ')}{unit}"), justify="right")
    last, n = len(epochs) - 1, min(EPOCHS_SHOWN, len(epochs))
    for i in sorted({round(last * k / max(1, n - 1)) for k in range(n)}):
        grid.add_row(f"{epochs[i]:g}", *(_point(name, curves[name][i]) for name in names))
    return grid


def _point(name: str, value: float | None) -> str:
    if value is None:
        return NO_VALUE
    if name == "lr":
        return f"{value:.3g}"
    return f"{value:.4f}" if name.endswith("loss") else percent(value)


def _cost(record: Record) -> list[tuple[str, str]]:
    cost = record.cost
    peaks = [
        ("", cost.peak_memory_gib),
        ("GPU ", cost.peak_gpu_memory_gib),
        ("GPU reserved ", cost.reserved_gpu_memory_gib),
    ]
    used = [("GPU time", cost.gpu_seconds), ("core time", cost.core_seconds)]
    speed = cost.images_per_second
    training = f", {seconds(cost.train_seconds)} of it training" if cost.train_seconds else ""
    return [
        ("time", f"{seconds(cost.seconds)}{training}"),
        *((name, f"{seconds(time)} in all attempts") for name, time in used if time),
        ("speed", f"{speed:,.0f} images/s" if speed else ""),
        ("memory", ", ".join(f"{what}{peak:.2f} GiB" for what, peak in peaks if peak)),
        ("parameters", f"{cost.parameters:,}" if cost.parameters else ""),
    ]


def _origin(record: Record) -> list[tuple[str, str]]:
    found = record.provenance
    threads = f"{found.threads} thread{'' if found.threads == 1 else 's'}"
    hardware = [found.host, found.gpu or "", found.cpu, threads]
    driver = f"driver {found.driver}" if found.driver else ""
    return [
        ("commit", commit(record) + (" (+: with uncommitted changes)" if found.dirty else "")),
        ("machine", ", ".join(text for text in (*hardware, driver) if text)),
        ("packages", ", ".join(f"{name} {version}" for name, version in found.versions.items())),
        ("when", f"{found.started} to {found.finished}" if found.started else ""),
        ("command", recorded_command(record)),
    ]
