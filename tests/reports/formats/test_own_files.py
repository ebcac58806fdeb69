"""A report replaces its own files and no others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import evenhand_reports
from evenhand.errors import ReportError
from evenhand.suite.only import restrict
from evenhand_reports import Board
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats.own_files import MANIFEST, Subject, write_files
from tests.reports.suites import make_suite, scored

SUITE = Subject("cifar-lt")


def board_of(*problems: dict[str, Any], **changed: Any) -> Leaderboard:
    suite = make_suite(["ERM", "LA"], problems=problems or ({},), **changed)
    return build_from(suite, scored(suite, lambda trial: 0.7))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_tables_that_the_suite_no_longer_has_are_removed(tmp_path: Path) -> None:
    evenhand_reports.write(board_of({}, {"profile": "step"}), tmp_path)
    before = names_in(tmp_path / "tables")

    evenhand_reports.write(board_of({}), tmp_path)

    assert before - names_in(tmp_path / "tables") == {
        "across-problems.tex",
        "problem-cifar10-step-100.tex",
        "metrics-cifar10-step-100.tex",
        "comparisons-cifar10-step-100.tex",
    }


def test_files_of_others_are_neither_replaced_nor_removed(tmp_path: Path) -> None:
    evenhand_reports.write(board_of({}, {"profile": "step"}), tmp_path)
    own = {tmp_path / "notes.md": "mine", tmp_path / "tables" / "own.tex": "mine, too"}
    for path, text in own.items():
        path.write_text(text)

    evenhand_reports.write(board_of({}), tmp_path)

    assert {path: path.read_text() for path in own} == own


@pytest.mark.parametrize("name", ["index.html", "leaderboard.parquet", "tables/macros.tex"])
def test_a_file_in_the_way_is_named_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("written by hand")

    with pytest.raises(ReportError, match=rf"no report has written: {path.name}\n.*--out DIR"):
        evenhand_reports.write(board_of(), tmp_path)

    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert files == [path]
    assert path.read_text() == "written by hand"


def test_the_folder_of_another_suite_is_refused_with_its_name(tmp_path: Path) -> None:
    evenhand_reports.write(board_of(), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}

    with pytest.raises(ReportError) as raised:
        evenhand_reports.write(board_of(suite="other-suite"), tmp_path)

    assert "has the report of the suite 'cifar-lt'" in str(raised.value)
    assert "the report of 'other-suite'" in str(raised.value)
    assert "--out DIR" in str(raised.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_another_version_of_the_suite_replaces_its_report(tmp_path: Path) -> None:
    evenhand_reports.write(board_of(), tmp_path)
    evenhand_reports.write(board_of(version=2), tmp_path)

    assert "version 2" in (tmp_path / "tables" / "leaderboard.tex").read_text()


PROBLEM, ROW = ("problem=*step*",), ("method=la", "seed=0..2")


@pytest.mark.parametrize(
    ("before", "after", "wrong"),
    [
        (Subject("a"), Subject("a", only=PROBLEM), r"whole suite 'a'.*\(--only problem=\*step\*\)"),
        (Subject("a"), Subject("a", only=ROW), r"part \(--only method=la --only seed=0\.\.2\)"),
        (Subject("a"), Subject("a", "night"), "edition 'main' of 'a'.*edition 'night'"),
        (Subject("a", "night"), Subject("a"), "edition 'night' of 'a'.*edition 'main'"),
        (Subject("a", "n1"), Subject("a", "n2", PROBLEM), "edition 'n1' of 'a'.*edition 'n2'"),
        (Subject("a", only=ROW), Subject("b", only=ROW), "suite 'a'.*report of 'b'"),
        (Subject("a", only=ROW), Subject("a", only=PROBLEM), ""),
        (Subject("a", only=ROW), Subject("a"), ""),
        (Subject("a", "night"), Subject("a", "night"), ""),
        (Subject("a", "night", ROW), Subject("a", "night", ROW), ""),
    ],
)
def test_a_report_replaces_no_fuller_report_and_none_of_another_edition(
    before: Subject, after: Subject, wrong: str, tmp_path: Path
) -> None:
    write_files(tmp_path, before, {"a.tex": b"first", "b.tex": b"b"})
    if not wrong:
        write_files(tmp_path, after, {"a.tex": b"second"})
        assert names_in(tmp_path) == {"a.tex", MANIFEST}
        return

    with pytest.raises(ReportError, match=rf"{wrong}.*\n.*--out DIR"):
        write_files(tmp_path, after, {"a.tex": b"second"})

    assert names_in(tmp_path) == {"a.tex", "b.tex", MANIFEST}
    assert (tmp_path / "a.tex").read_bytes() == b"first"


def test_a_part_of_a_suite_does_not_replace_its_report_or_its_tables(tmp_path: Path) -> None:
    suite = make_suite(["ERM", "LA"], problems=({}, {"profile": "step"}))
    records = scored(suite, lambda trial: 0.7)
    evenhand_reports.write(build_from(suite, records), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    part = Board(build_from(restrict(suite, list(PROBLEM)), records))
    night = Board(build_from(suite, records, edition="night"))

    for board, kind in ((part, "whole suite"), (night, "edition")):
        with pytest.raises(ReportError, match=kind):
            board.write(tmp_path)
        with pytest.raises(ReportError, match=kind):
            board.to_latex(tmp_path / "tables")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_a_manifest_without_edition_and_filters_is_one_of_any(tmp_path: Path) -> None:
    old = {"written_by": "evenhand", "suite": "cifar-lt", "files": ["old.tex"]}
    (tmp_path / MANIFEST).write_text(json.dumps(old))
    (tmp_path / "old.tex").write_text("old")

    write_files(tmp_path, SUITE._replace(edition="night", only=ROW), {"new.tex": b"new"})

    assert names_in(tmp_path) == {"new.tex", MANIFEST}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"suite": "cifar-lt"}', '{"files": ["a"]}'], ids=str
)
def test_a_manifest_of_somebody_else_is_left_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(text)

    with pytest.raises(ReportError, match="no manifest of a report"):
        evenhand_reports.write(board_of(), tmp_path)

    assert (tmp_path / MANIFEST).read_text() == text


def test_a_manifest_cannot_name_files_outside_its_folder(tmp_path: Path) -> None:
    folder, outside = tmp_path / "report", tmp_path / "thesis.tex"
    outside.write_text("years of work")
    write_files(folder, SUITE, {"a.tex": b"a"})
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"] = ["a.tex", "../thesis.tex", str(outside), "", "..", 3]
    (folder / MANIFEST).write_text(json.dumps(manifest))

    write_files(folder, SUITE, {"b.tex": b"b"})

    assert outside.read_text() == "years of work"
    assert names_in(folder) == {"b.tex", MANIFEST}


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "precious.html"
    outside.write_text("precious")
    folder = tmp_path / "report"
    write_files(folder, SUITE, {"index.html": b"page"})
    (folder / "index.html").unlink()
    (folder / "index.html").symlink_to(outside)

    with pytest.raises(ReportError, match=r"no report has written: index\.html"):
        write_files(folder, SUITE, {"index.html": b"page"})

    assert outside.read_text() == "precious"


def test_a_report_that_was_interrupted_can_be_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest names the new files before they are there, and the old ones until they go."""
    write_files(tmp_path, SUITE, {"a.tex": b"a", "old.tex": b"old"})
    really_write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == "c.tex":
            raise OSError(28, "No space left on device")
        return really_write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    files = {"a.tex": b"A", "b.tex": b"b", "c.tex": b"c"}
    with pytest.raises(ReportError, match=r"c\.tex: the report cannot be written: No space left"):
        write_files(tmp_path, SUITE, files)
    monkeypatch.undo()
    write_files(tmp_path, SUITE, files)

    assert names_in(tmp_path) == {*files, MANIFEST}
    assert json.loads((tmp_path / MANIFEST).read_text())["files"] == list(files)


def test_tables_alone_follow_the_same_rules(small: Leaderboard, tmp_path: Path) -> None:
    board = Board(small)
    board.to_latex(tmp_path)
    board.to_latex(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "macros.tex").write_text(r"\newcommand{\mine}{}")

    with pytest.raises(ReportError, match=r"no report has written: macros\.tex"):
        board.to_latex(tmp_path / "mine")


def test_a_report_and_its_tables_alone_share_a_folder(small: Leaderboard, tmp_path: Path) -> None:
    board = Board(small)
    written = board.write(tmp_path)

    assert board.to_latex(written.tables) == written.tables
    assert board.to_html(written.html) == written.html
    board.write(tmp_path)


def test_problems_whose_names_differ_in_one_sign_have_a_table_each(tmp_path: Path) -> None:
    board = board_of({}, {"profile": "step"})
    names = dict(zip(board.problems, ("birds_v1", "Birds-v1"), strict=True))
    results = {
        (row, names[problem]): replace(result, problem=names[problem])
        for (row, problem), result in board.results.items()
    }
    renamed = replace(
        board,
        problems=tuple(names.values()),
        all_problems=tuple(names.values()),
        results=results,
        compared=results,
        verdicts={names[problem]: found for problem, found in board.verdicts.items()},
    )

    tables = evenhand_reports.write(renamed, tmp_path).tables
    captions = [
        line
        for path in tables.glob("problem-*.tex")
        for line in path.read_text().splitlines()
        if line.startswith(r"\caption")
    ]

    assert len(captions) == len(set(captions)) == 2
    assert len({name.casefold() for name in names_in(tables)}) == len(names_in(tables))
    labels = {
        line
        for path in tables.glob("*.tex")
        for line in path.read_text().splitlines()
        if line.startswith(r"\label")
    }
    assert len(labels) == 8
