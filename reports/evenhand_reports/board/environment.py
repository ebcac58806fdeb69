"""Environments of the rows of a problem: hardware, packages and code that can change a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from evenhand.declared.base import canonical
from evenhand.declared.record import Record
from evenhand.suite.declaration import SuiteDeclaration
from evenhand_reports.board.baseline import baseline_of, is_baseline
from evenhand_reports.board.provenance import commit, device
from evenhand_reports.board.results import Deviation, Result

PACKAGES = ("torch", "torchvision", "timm", "numpy", "scikit-learn")
"""Packages whose version can change a number."""

MOST = "most rows"
"""The reference of a row that has no baseline."""

Environment = dict[str, str]
"""Text of each aspect, such as `torch`: `2.10.0`."""


def environment(record: Record, network: Record | None = None) -> Environment:
    """The aspects in which environments are compared.

    A post-hoc method trains nothing: its hardware is that of its network's record, and unknown
    without one.
    """
    trained = record if record.trial.posthoc is None else network
    of_network: Environment = {}
    if trained is not None:
        ran = trained.provenance
        of_network = {
            "device": device(trained) or "unknown",
            "precision": ran.precision,
            "compilation": "on" if ran.compiled else "off",
        }
    versions = (trained or record).provenance.versions
    return {
        **of_network,
        **{name: versions.get(name, "unknown") for name in PACKAGES},
        "code": _code(record),
    }


def _code(record: Record) -> str:
    """The commit; for an installed package, which has none, its version."""
    if record.provenance.commit:
        return commit(record)
    return record.provenance.versions.get("evenhand", "unknown")


def with_deviations(
    suite: SuiteDeclaration, results: Mapping[tuple[str, str], Result]
) -> dict[tuple[str, str], Result]:
    """The results, each with the aspects in which it differs from its reference seed by seed.

    The reference of a row is its baseline. Where it has none, it is the most frequent text of each
    aspect. The only baseline of a problem is a reference itself and differs in nothing.
    """
    marked = dict(results)
    for problem in dict.fromkeys(problem for _, problem in results):
        on_problem = [result for (_, p), result in results.items() if p == problem]
        by_row = {result.row: _by_seed(result) for result in on_problem}
        usual = _most_frequent(by_row.values())
        alone = sum(is_baseline(suite, result) for result in on_problem) == 1
        for result in on_problem:
            baseline = baseline_of(suite, on_problem, result)
            if baseline is None and alone and is_baseline(suite, result):
                continue
            has_records = baseline is not None and by_row[baseline.row]
            reference = by_row[baseline.row] if baseline and has_records else usual
            name = baseline.title if baseline and has_records else MOST
            found = _deviations(by_row[result.row], reference, name)
            marked[result.row, problem] = replace(result, deviations=found)
    return marked


def deviations_between(result: Result, reference: Result) -> tuple[Deviation, ...]:
    """The aspects in which a result differs from another one at the same seeds."""
    return _deviations(_by_seed(result), _by_seed(reference), reference.title)


def _by_seed(result: Result) -> dict[int, Environment]:
    networks = result.networks
    return {
        record.trial.seed: environment(record, networks.get(record.key))
        for record in result.usable_records
    }


def _most_frequent(rows: Iterable[Mapping[int, Environment]]) -> dict[int, Environment]:
    """The most frequent text of each aspect at each seed; of equal ones the first row's."""
    counts: dict[int, dict[str, Counter[str]]] = {}
    for by_seed in rows:
        for seed, aspects in by_seed.items():
            for aspect, text in aspects.items():
                counts.setdefault(seed, {}).setdefault(aspect, Counter())[text] += 1
    return {
        seed: {aspect: counter.most_common(1)[0][0] for aspect, counter in aspects.items()}
        for seed, aspects in counts.items()
    }


def _deviations(
    own: Mapping[int, Environment], reference: Mapping[int, Environment], name: str
) -> tuple[Deviation, ...]:
    shared = [seed for seed in own if seed in reference]
    aspects = dict.fromkeys(a for seed in shared for a in own[seed] if a in reference[seed])
    found = []
    for aspect in aspects:
        pairs = [
            (own[seed][aspect], reference[seed][aspect])
            for seed in shared
            if own[seed].get(aspect) != reference[seed].get(aspect)
            and aspect in own[seed]
            and aspect in reference[seed]
        ]
        if pairs:
            mine, theirs = (tuple(dict.fromkeys(texts)) for texts in zip(*pairs, strict=True))
            found.append(Deviation(name, aspect, mine, theirs, len(pairs), len(shared)))
    return tuple(found)


def share_initial_weights(results: Sequence[Result]) -> bool:
    """Whether all rows of a problem start from the same backbone weights at each seed.

    Weights are drawn by PyTorch, for a backbone that the recipe names and timm may build. Rows with
    another backbone, version or kind of device start from other weights.
    """
    drawn: dict[int, set[tuple[str, ...]]] = {}
    for result in results:
        for record in result.usable_records:
            trained = record if record.trial.posthoc is None else result.networks.get(record.key)
            ran = (trained or record).provenance
            kind = "unknown" if trained is None else ran.device.partition(":")[0]
            versions = [ran.versions.get(name, "unknown") for name in ("torch", "timm")]
            backbone = canonical(record.trial.recipe.backbone)
            drawn.setdefault(record.trial.seed, set()).add((backbone, kind, *versions))
    return all(len(each) == 1 for each in drawn.values())
