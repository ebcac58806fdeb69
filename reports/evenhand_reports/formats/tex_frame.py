"""The frame of every LaTeX table: its provenance in comments, its caption and its notes."""

from __future__ import annotations

from collections.abc import Sequence

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.provenance import rerun_suite
from evenhand_reports.formats.tex_text import comment, escape
from evenhand_reports.wording.summary import gap_cause, gap_location


def opening(board: Leaderboard) -> list[str]:
    """Comment lines on the suite, the commits, the command that reruns it, and the gaps."""
    suite = board.suite
    records = board.records.values()
    gaps = [f"{gap_location(gap)}, {gap.key}: {gap_cause(gap)}" for gap in board.gaps]
    return comment(
        f"Evenhand: suite {suite.suite}, version {suite.version}, edition {board.edition}",
        f"commits: {', '.join(board.commits)} (+: with uncommitted changes)",
        f"trials: {len(board.records)} of {board.trials} have a record; {board.n_seeds} seeds",
        f"to rerun the trials: {rerun_suite(board.source, records, '--results', 'rerun')}",
        "to show one trial: evenhand show KEY",
        *(f"not usable: {gap}" for gap in gaps),
    )


def line_of(cells: Sequence[str]) -> str:
    """One row of a table; the braces keep a leading `[` or `*` from being read as an argument."""
    text = " & ".join(cells).rstrip() + r" \\"
    return f"{{}}{text}" if text.startswith(("[", "*")) else text


def floated(
    board: Leaderboard, body: Sequence[str], *, caption: str, label: str, notes: Sequence[str]
) -> str:
    """A table environment with caption, label and notes. `label` consists of ASCII letters."""
    lines = [
        *opening(board),
        r"\begin{table}[tp]",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\par\medskip\small",
        r"\setlength{\tabcolsep}{5pt}",
        *body,
        r"\par\medskip",
        r"\begin{minipage}{\linewidth}\footnotesize",
        *(rf"{escape(note)}\par" for note in notes),
        r"\end{minipage}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"
