"""Sentences on declared comparisons: with the baseline, and under the suite's `contrasts:`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evenhand.metrics import better, unit
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.row_order import rows_by_position
from evenhand_reports.statistics.detectable import MOST_SEEDS
from evenhand_reports.statistics.paired_tests import Comparison
from evenhand_reports.wording.formatting import MINUS, number, p_text, within_sentence
from evenhand_reports.wording.summary import baseline_phrase, join_names

MOST_NAMED = 3
"""Undecided comparisons that a sentence names."""


def against_baseline(board: Leaderboard) -> list[str]:
    """The comparisons of the rows that are shown with their baselines."""
    by_row: dict[str, list[tuple[str, Comparison]]] = {}
    for row in rows_by_position(board):
        for problem in board.problems:
            result = board.results.get((row, problem))
            if result and result.to_baseline and result.to_baseline.adjusted is not None:
                by_row.setdefault(row, []).append((problem, result.to_baseline))
    if not by_row:
        rows = [r for r in board.rows if r not in board.baselines]
        phrase = baseline_phrase(board)
        return [f"{nobody(board)} could be compared with {phrase}."] if rows else []
    ahead = {row: [c for c in found if gain(board, *c) > 0] for row, found in by_row.items()}
    behind = {row: [c for c in found if gain(board, *c) < 0] for row, found in by_row.items()}
    phrase = baseline_phrase(board)
    sentences = [f"{nobody(board)} beat {phrase}."]
    if any(ahead.values()):
        sentences = [f"{_rows_with(board, ahead, by_row, f'beat {phrase}')}."]
    if any(behind.values()):
        sentences.append(f"{_rows_with(board, behind, by_row, f'did worse than {phrase}')}.")
    undecided = [
        (problem, c) for row in by_row for problem, c in by_row[row] if not gain(board, problem, c)
    ]
    total = sum(map(len, by_row.values()))
    return sentences + _open_to_baseline(board, undecided, total, phrase)


def _rows_with(
    board: Leaderboard,
    decided: dict[str, list[tuple[str, Comparison]]],
    compared: dict[str, list[tuple[str, Comparison]]],
    verb: str,
) -> str:
    """`LA and VS beat ERM on every problem, by 4 to 6 points; CDT on 2 of 4, by 1 to 2 points`."""
    groups: dict[tuple[int, int], list[str]] = {}
    for row, found in decided.items():
        if found:
            groups.setdefault((len(found), len(compared[row])), []).append(row)
    parts: list[str] = []
    for (n, of), rows in sorted(groups.items(), key=lambda group: -group[0][0] / group[0][1]):
        where = "" if len(board.problems) == 1 else f" on {share(n, of)}"
        gains = [(p, abs(c.difference.mean)) for row in rows for p, c in decided[row]]
        said = f" {verb}" if not parts else ""
        names = join_names([board.rows[row] for row in rows])
        parts.append(f"{names}{said}{where}, by {points(board, gains)}")
    return "; ".join(parts)


def _open_to_baseline(
    board: Leaderboard, found: Sequence[tuple[str, Comparison]], total: int, phrase: str
) -> list[str]:
    if not found:
        return []
    if len(found) == total:
        start = f"No difference to {phrase} is decided"
        start = start if total > 1 else f"The difference to {phrase} is not decided"
    else:
        are = "is" if len(found) == 1 else "are"
        start = f"{len(found)} of {total} differences to {phrase} {are} not decided"
    if len(found) > MOST_NAMED:
        return [f"{start} ({open_range(board, found)})."]
    texts = []
    for problem, each in found:
        where = f" on {problem}" if len(board.problems) > 1 else ""
        texts.append(f"{board.compared[each.first, problem].title}{where}: {_open_text(each)}")
    return [f"{start} ({'; '.join(texts)})."]


def contrasts(board: Leaderboard) -> list[str]:
    """The comparisons under the suite's `contrasts:`: one sentence for each pair of titles.

    Pairs that are decided on no problem share one sentence.
    """
    pairs: dict[tuple[str, str], list[tuple[str, Comparison]]] = {}
    for problem in board.problems:
        for found in board.verdicts[problem].contrasts:
            titles = [board.compared[row, problem].title for row in (found.first, found.second)]
            if found.first in board.rows or found.second in board.rows:
                pairs.setdefault((titles[0], titles[1]), []).append((problem, found))
    undecided = {
        titles: found
        for titles, found in pairs.items()
        if not any(gain(board, *each) for each in found)
    }
    decided = [_contrast(board, *t, found) for t, found in pairs.items() if t not in undecided]
    return [*decided, *_undecided_contrasts(board, undecided), *_unseen(board)]


def _unseen(board: Leaderboard) -> list[str]:
    """The declared pairs of rows that have no seed in common on any problem."""
    seen, pairs = set[tuple[str, str]](), dict[tuple[str, str], str]()
    for problem in board.problems:
        verdicts = board.verdicts[problem]
        seen |= {(each.first, each.second) for each in verdicts.contrasts}
        for first, second in verdicts.declared:
            if first in board.rows or second in board.rows:
                titles = [board.compared[row, problem].title for row in (first, second)]
                pairs[first, second] = " against ".join(titles)
    names = [name for pair, name in pairs.items() if pair not in seen]
    return [f"No result yet: {join_names(names)}."] if names else []


def tested_metrics(board: Leaderboard) -> list[str]:
    """One sentence for each metric under the suite's `tested:`."""
    sentences = []
    for metric in board.suite.tested:
        found = [
            (problem, each)
            for problem in board.problems
            for each in board.verdicts[problem].tested.get(metric, ())
            if each.p is not None and (each.first in board.rows or each.second in board.rows)
        ]
        decided = [(p, c) for p, c in found if c.is_decided(board.suite.alpha)]
        if not found:
            continue
        sign = 1 if better(metric) == "higher" else -1
        named = [_by_metric(board, p, c, sign) for p, c in decided[:MOST_NAMED]]
        more = len(decided) - len(named)
        text = "; ".join([*named, *([f"and {more} more"] if more else [])])
        by = within_sentence(board.metrics[metric])
        count = f"By {by}, {len(decided)} of {len(found)} declared comparisons are decided"
        sentences.append(f"{count}: {text}." if decided else f"{count}.")
    return sentences


def _by_metric(board: Leaderboard, problem: str, found: Comparison, sign: int) -> str:
    """`VS beat LA on digits-exp-100 (+2.10 points)`."""
    first, second = (board.compared[row, problem].title for row in (found.first, found.second))
    verb = "beat" if sign * found.difference.mean > 0 else "did worse than"
    where = f" on {problem}" if len(board.problems) > 1 else ""
    value = number(found.difference.mean, found.difference.unit, signed=True)
    return f"{first} {verb} {second}{where} ({value}{_word(found.difference.unit)})"


def _contrast(
    board: Leaderboard, first: str, second: str, found: Sequence[tuple[str, Comparison]]
) -> str:
    """`VS beat CDT on 2 of 4 problems, by 0.9 to 1.1 points, and is not decided on 2 (…).`"""
    several = len(board.problems) > 1
    parts: list[str] = []
    for sign, verb in ((1, "beat"), (-1, "did worse than")):
        decided = [(p, c) for p, c in found if sign * gain(board, p, c) > 0]
        if decided:
            where = f" on {share(len(decided), len(found))}" if several else ""
            gains = [(p, abs(c.difference.mean)) for p, c in decided]
            subject = f"{first} {verb} {second}" if not parts else f"and {verb} it"
            parts.append(f"{subject}{where}, by {points(board, gains)}")
    left = [(p, c) for p, c in found if not gain(board, p, c)]
    if left:
        parts.append(f"not decided on {len(left)} ({open_range(board, left)})")
    return f"{'; '.join(parts)}."


def _undecided_contrasts(
    board: Leaderboard, pairs: dict[tuple[str, str], list[tuple[str, Comparison]]]
) -> list[str]:
    if not pairs:
        return []
    found = [each for of_pair in pairs.values() for each in of_pair]
    anywhere = " on any problem" if len(board.problems) > 1 else ""
    names = [f"{first} against {second}" for first, second in pairs]
    if len(pairs) == 1:
        start = f"{names[0]} is not decided{anywhere}"
    else:
        start = f"Not decided{anywhere}: {join_names(names, most=6)}"
    if len(found) == 1:
        return [f"{start}: {_open_text(found[0][1])}."]
    if len(pairs) == 1 and len(found) <= MOST_NAMED:
        return [f"{start} ({'; '.join(f'{p}: {_open_text(c)}' for p, c in found)})."]
    return [f"{start} ({open_range(board, found)})."]


def _open_text(found: Comparison) -> str:
    """`+0.40 points, p = 0.240, about 24 seeds at this difference`; p is corrected."""
    value = number(found.difference.mean, found.difference.unit, signed=True)
    value = f"{value}{_word(found.difference.unit)}, {p_text(found.adjusted)}"
    needed = found.seeds_needed
    if found.test == "sign":
        return f"{value}, {found.caveat}"
    if found.p is None or needed is None:
        return f"{value}, {found.caveat or 'no difference'}"
    return f"{value}, {seeds_text(needed)} at this difference"


def seeds_text(needed: int) -> str:
    """`about 24 seeds`, `more than 1000 seeds`."""
    return f"more than {MOST_SEEDS} seeds" if needed > MOST_SEEDS else f"about {needed} seeds"


def open_range(board: Leaderboard, found: Sequence[tuple[str, Comparison]]) -> str:
    """`differences of −0.3 to +0.7 points; 22 to more than 1000 seeds at these differences`."""
    by_unit: dict[str, list[float]] = {}
    for problem, each in found:
        by_unit.setdefault(unit(board.primary(problem)), []).append(each.difference.mean)
    parts = []
    for of, sizes in by_unit.items():
        ends = [number(end, of, signed=True) for end in (min(sizes), max(sizes))]
        parts.append(" to ".join(dict.fromkeys(ends)) + _word(of))
    word = "a difference of" if len(found) == 1 else "differences of"
    text = f"{word} {' and '.join(parts)}"
    needed = sorted(each.seeds_needed for _, each in found if each.seeds_needed is not None)
    if not needed:
        return text
    ends = list(
        dict.fromkeys(seeds_text(n).removeprefix("about ") for n in (needed[0], needed[-1]))
    )
    ends = [ends[0].removesuffix(" seeds"), ends[1]] if len(ends) == 2 else ends
    these = "this difference" if len(found) == 1 else "these differences"
    return f"{text}; {' to '.join(ends)} at {these}"


def _word(of: str) -> str:
    return {"%": " points", "nats": " nats"}.get(of, "")


def nobody(board: Leaderboard) -> str:
    """`No row`, or `No row of this part` where rows of the suite are not shown."""
    return "No row of this part" if len(board.compared) > len(board.results) else "No row"


def gain(board: Leaderboard, problem: str, found: Comparison) -> float:
    """The lead of the first row where it is beyond chance after correction, else 0."""
    if not found.is_decided(board.suite.alpha):
        return 0.0
    sign = 1 if better(board.primary(problem)) == "higher" else -1
    return sign * found.difference.mean


def points(board: Leaderboard, sizes: Iterable[tuple[str, float]]) -> str:
    """`6.1 points`, `6.1 to 7.4 points`; `0.12 nats`, and `0.12` for a score without a unit.

    `sizes` are problems with the size of a difference in their primary metric.
    """
    by_unit: dict[str, list[float]] = {}
    for problem, size in sizes:
        by_unit.setdefault(unit(board.primary(problem)), []).append(size)
    return " and ".join(_range(of, found) for of, found in by_unit.items())


def _range(of: str, sizes: Sequence[float]) -> str:
    ends = [min(sizes), max(sizes)]
    digits = 1 if 100 * ends[1] >= 1 else 2
    texts = [f"{100 * end:.{digits}f}" if of == "%" else f"{end:.3g}" for end in ends]
    return (" to ".join(dict.fromkeys(texts)) + _word(of)).replace("-", MINUS)


def share(n: int, of: int) -> str:
    """`every problem`, `2 of 4 problems`."""
    if n == of:
        return "every problem" if of > 1 else "1 problem"
    return f"{n} of {of} problems"
