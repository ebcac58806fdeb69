"""The frame of every table for a paper: where it comes from, its caption, its notes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.provenance import rerun_suite
from evenhand_reports.formats.tex_text import comment, escape
from evenhand_reports.wording.summary import gap_text, place


def slug(problem: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", problem)


def opening(board: Leaderboard) -> list[str]:
    suite = board.suite
    gaps = [f"{place(gap)}, {gap.key}: {gap_text(gap)}" for gap in board.gaps]
    return comment(
        f"Evenhand: suite {suite.suite}, version {suite.version}, edition {board.edition}",
        f"commits: {', '.join(board.commits)} (+: files had been changed)",
        f"trials: {len(board.records)} of {board.trials} have a record; {board.n_seeds} seeds",
        f"to make them again: {rerun_suite(board.source, board.records.values())} --results rerun",
        "one trial and where it comes from: evenhand show KEY",
        *(f"not usable: {gap}" for gap in gaps),
    )


def line_of(cells: Sequence[str]) -> str:
    """One row. LaTeX would read its `[` or `*` as an argument of the line before."""
    text = " & ".join(cells).rstrip() + r" \\"
    return f"{{}}{text}" if text.startswith(("[", "*")) else text


def floated(
    board: Leaderboard, body: Sequence[str], *, caption: str, label: str, notes: Sequence[str]
) -> str:
    lines = [
        *opening(board),
        r"\begin{table}[tp]",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{tab:{slug(label)}}}",
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
