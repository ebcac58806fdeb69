"""Printed numbers in words: verdicts, summaries of tables, and the note under a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from evenhand.declared.record import Rule
from evenhand.errors import joined
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.papers.matching import PrintedNumbers, Quote, Shown
from evenhand_reports.papers.protocols import protocol_of
from evenhand_reports.papers.replication import TableReplication, replications
from evenhand_reports.papers.verdicts import KINDS, Kind, Verdict
from evenhand_reports.statistics.equivalence import MOST_SEEDS
from evenhand_reports.wording.formatting import percent
from evenhand_reports.wording.summary import RULE_PHRASES

SHORT: Mapping[Kind, str] = {
    "reproduced": "reproduced",
    "higher": "higher",
    "lower": "lower",
    "undecided": "undecided",
    "not comparable": "other protocol",
    "incomplete": "incomplete",
    "not tested": "not tested",
    "quoted": "quoted",
}
MARKS: Mapping[Kind, str] = {
    "reproduced": "≈",
    "higher": "↑",
    "lower": "↓",
    "undecided": "?",
    "not comparable": "×",
    "incomplete": "…",
    "not tested": "·",
    "quoted": "*",
}
"""Marks of printed numbers in LaTeX, where words take too much width."""

MEANINGS: Mapping[Kind, str] = {
    "reproduced": "two one-sided t-tests show that ours differs by less than {margin}",
    "higher": "ours is higher by a two-sided t-test, and not shown to differ by less than {margin}",
    "lower": "ours is lower by a two-sided t-test, and not shown to differ by less than {margin}",
    "undecided": "neither is shown{seeds}",
    "not comparable": "not compared ({reasons})",
    "incomplete": "not compared, because seeds are missing",
    "not tested": "not compared, because the largest value of the metric is 1/m for m classes",
    "quoted": "not compared, because the paper quotes the number from other work",
}
SEEDS = ", and so many seeds would decide it at the present difference and scatter"
PARTS = {
    "reproduced": "",
    "higher": "ours is higher than {n}",
    "lower": "ours is lower than {n}",
    "undecided": "{n} {are} undecided",
    "not comparable": "{n} {have} another protocol",
    "incomplete": "{n} {lack} seeds of ours",
    "not tested": "{n} {are} not tested",
    "absent": "{n} {are} not in this report",
}
"""Parts of the sentence on a table by kind of verdict, in the order of the sentence."""

MOST_REASONS = 3
"""Reasons that a note names."""

COLUMNS: Mapping[str, str] = {
    **{str(kind): text for kind, text in SHORT.items()},
    "higher": "ours higher",
    "lower": "ours lower",
    "absent": "not in this report",
}
"""Headers of the counts by table."""

NOTE = (
    "{where}: the number that the paper prints, in percent, with ± read as the standard deviation "
    "of single runs. {verdicts}{protocols} Source: {papers}."
)
TESTS = (
    "Verdicts compare it with ours at the paper's checkpoint rule where that is known, otherwise "
    "at {rule}, each at α = {alpha} and uncorrected over cells. Settings of methods that the paper "
    "does not give are ours. "
)
ASSUMED = "Where no deviation is printed, the paper's runs are assumed to scatter as ours do{one}. "
CHANCE = (
    "Every test has the nominal level α = {alpha}, uncorrected: if all true differences were zero, "
    "at most about {chance} of the {n} tested numbers would be called higher or lower by chance, "
    "and a number whose true difference is {margin} or more is called reproduced with a "
    "probability of about {alpha} at most."
)
ONE_RUN = ", with one run where their number is not stated"


def points(value: float) -> str:
    """`1 point`, `0.5 points`: a margin."""
    number = f"{100 * value:g}"
    return f"{number} point{'' if number == '1' else 's'}"


def short_verdict(verdict: Verdict, shown: Rule) -> str:
    """`reproduced (−0.32)`, `lower (−1.93), worse`, `undecided (−0.90; 12 seeds)`.

    The number of seeds is the one that would decide at the present difference and scatter.
    The checkpoint rule is named where it is not the one that the table shows.
    """
    text, test = SHORT[verdict.kind], verdict.test
    if test is None:
        return text
    rule = "" if verdict.rule == shown else f" at {verdict.rule}"
    seeds = f"; {_number(verdict)} seeds" if verdict.kind == "undecided" else ""
    return f"{text}{rule} ({percent(test.difference, signed=True)}{seeds}){_direction(verdict)}"


def long_verdict(verdict: Verdict, board: Leaderboard) -> str:
    """The verdict with its reason, or with difference, interval and checkpoint rule."""
    test = verdict.test
    if test is None:
        return f"{SHORT[verdict.kind]}: {verdict.why}"
    level = f"{100 * (1 - 2 * board.suite.alpha):g}"
    low, high = (percent(end, signed=True) for end in (test.low, test.high))
    difference = f"({percent(test.difference, signed=True)}){_direction(verdict)}"
    interval = f"{level} % interval [{low}, {high}]"
    parts = [
        f"{SHORT[verdict.kind]} {difference}, {interval}, {RULE_PHRASES[verdict.rule]}",
        *(["a difference beyond chance within the margin"] if _is_small(verdict) else []),
        *([_seeds(verdict)] if verdict.kind == "undecided" else []),
        *(["no deviation printed"] if test.is_assumed else []),
    ]
    return "; ".join(parts)


def _is_small(verdict: Verdict) -> bool:
    test = verdict.test
    return verdict.kind == "reproduced" and test is not None and test.is_different


def _direction(verdict: Verdict) -> str:
    return {None: "", True: ", better", False: ", worse"}[verdict.is_better]


def _number(verdict: Verdict) -> str:
    return f"> {MOST_SEEDS}" if verdict.seeds is None else str(verdict.seeds)


def _seeds(verdict: Verdict) -> str:
    if verdict.seeds is None:
        return f"{MOST_SEEDS} seeds would not decide it at this difference"
    return f"{verdict.seeds} seeds would decide it at this difference and scatter"


def marked(quote: Quote) -> str:
    """`80.82 ± 0.37 ↓`: a number with the mark of its verdict."""
    return f"{quote.text} {MARKS[quote.verdict.kind]}"


def told(board: Leaderboard) -> Shown:
    """The form `80.82 ± 0.37, lower (−1.93), worse`: a number with its verdict."""
    return lambda quote: f"{quote.text}, {short_verdict(quote.verdict, board.rule)}"


def printed_note(
    board: Leaderboard,
    printed: Sequence[PrintedNumbers],
    papers: Iterable[str],
    *,
    where: str = "Printed",
    marks: bool = False,
) -> str:
    """The note on printed numbers that stand at `where`, on the verdicts that occur there.

    `marks`: whether the table shows the mark of a verdict in place of its words.
    """
    quotes = [quote for each in printed for found in each.values() for quote in found]
    kinds = [kind for kind in KINDS if any(quote.verdict.kind == kind for quote in quotes)]
    margin, reasons = points(board.suite.margin), _reasons([quote.verdict for quote in quotes])
    lines = [
        f"{f'{MARKS[kind]} ' if marks else ''}{SHORT[kind]}: {MEANINGS[kind]}".format(
            margin=margin, reasons=reasons, seeds="" if marks else SEEDS
        )
        for kind in kinds
    ]
    tests = [quote.verdict.test for quote in quotes if quote.verdict.test]
    rule, alpha = RULE_PHRASES[board.rule].removeprefix("at "), f"{board.suite.alpha:g}"
    assumed = any(test.is_assumed for test in tests)
    one = any(q.number.n_runs is None for q in quotes if q.verdict.test)
    verdicts = "".join(
        [
            TESTS.format(rule=rule, alpha=alpha) if tests else "",
            ASSUMED.format(one=ONE_RUN if one else "") if assumed else "",
            f"{_capital('; '.join(lines))}.",
        ]
    )
    source = "; ".join(papers)
    return NOTE.format(where=where, verdicts=verdicts, protocols=_protocols(quotes), papers=source)


def _protocols(quotes: Sequence[Quote]) -> str:
    """` Protocol: ResNet-32, 200 epochs, …`; with paper and data set where there are several."""
    own = [quote.number for quote in quotes if not quote.number.quoted_from]
    places: dict[str, dict[str, None]] = {}
    for number in own:
        place = f"{number.paper.partition(' (')[0]} on {number.dataset}"
        places.setdefault(protocol_of(number).words, {})[place] = None
    parts = [
        words if len(places) == 1 else f"{words} ({joined(list(of))})"
        for words, of in places.items()
    ]
    return f" Protocol: {'; '.join(parts)}." if parts else ""


def _reasons(verdicts: Sequence[Verdict], *, most: int = MOST_REASONS) -> str:
    """`20 epochs, not 200; batches of 64, not 128`: the most frequent reasons not to compare."""
    found = Counter(each.why for each in verdicts if each.kind == "not comparable")
    reasons = [reason for reason, _ in found.most_common(most)]
    return "; ".join([*reasons, *(["and others"] if len(found) > most else [])])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def table_sentence(found: TableReplication, board: Leaderboard) -> str:
    """`Of the 16 own numbers of Kini et al. 2021, Table 1, 5 are reproduced within 1 point, …`."""
    forms = PARTS | {"reproduced": f"{{n}} {{are}} reproduced within {points(board.suite.margin)}"}
    counts = {**found.counts, "absent": found.absent}
    parts = [_part(forms[kind], n) for kind in forms if (n := counts.get(kind, 0))]
    reasons = _reasons([cell.verdict for cell in found.cells], most=1)
    parts = [part + (f" ({reasons})" if part.endswith("protocol") else "") for part in parts]
    own = f"Of the {found.printed} own numbers of {found.paper}, {found.table}, {joined(parts)}"
    return f"{own}{quoted_clause(found)}."


def _part(form: str, n: int) -> str:
    verbs = {"are": "is", "have": "has", "lack": "lacks"} if n == 1 else {}
    return form.format(n=n, **{verb: verbs.get(verb, verb) for verb in ("are", "have", "lack")})


def quoted_clause(found: TableReplication) -> str:
    """`; 16 more are quoted there from other work`; "" where none is."""
    if not found.quoted:
        return ""
    verb = "is" if found.quoted == 1 else "are"
    return f"; {found.quoted} more {verb} quoted there from other work"


def chance_sentence(found: Sequence[TableReplication], board: Leaderboard) -> str:
    """The numbers of false verdicts to expect; "" where nothing is tested."""
    cells = [cell for each in found for cell in each.cells if cell.verdict.test]
    # Tables of one paper may print the same number, which has one test.
    tested = len({(c.row, c.problem, c.verdict.metric, c.number.value) for c in cells})
    alpha = board.suite.alpha
    if not tested:
        return ""
    return CHANCE.format(
        n=tested,
        chance=f"{alpha * tested:.1f}",
        alpha=f"{alpha:g}",
        margin=points(board.suite.margin),
    )


def replication_sentences(board: Leaderboard) -> list[str]:
    """One sentence for each printed table, then the number of false differences to expect."""
    found = replications(board)
    sentences = [table_sentence(each, board) for each in found]
    return [*sentences, *filter(None, [chance_sentence(found, board)])]
