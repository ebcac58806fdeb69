"""Replacement of the files of a report, and of no others: a folder's manifest names them.

A folder that a report was written to has a `report.json`:

    {"written_by": "evenhand", "suite": "quickstart", "edition": "main", "only": [],
     "files": ["index.html", "leaderboard.csv"]}

Only files in this list are replaced, and those that the suite no longer has are removed. Files that
no report has written stay as they are. So does the report of another suite or edition, and the
report of a whole suite stays where a part of the suite (`--only`) is reported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from evenhand.errors import ReportError

MANIFEST = "report.json"
WRITER = "evenhand"
ELSEWHERE = "write the report to another folder: `--out DIR`, or the path of the call in Python"
MOST_NAMES = 5


class Subject(NamedTuple):
    """What a report is on."""

    suite: str
    edition: str = "main"
    only: tuple[str, ...] = ()
    """Filters of `--only`; none for the whole suite."""
    changes: tuple[str, ...] = ()
    """Changes of `--set`; none for the suite as its file has it."""


def write_files(folder: Path, subject: Subject, files: Mapping[str, bytes]) -> None:
    """Write the files of a report into a folder, and remove those of its last report.

    Raises `ReportError` as `check_folder` does, before anything is written.
    """
    known = check_folder(folder, subject, list(files))
    _write_manifest(folder, subject, sorted({*known, *files}))
    for name in known:
        # Before the new files: a file system that ignores case has one file for two names.
        if name not in files:
            with report_errors(folder / name):
                (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        write_file(folder / name, content)
    _write_manifest(folder, subject, sorted(files))


def check_folder(folder: Path, subject: Subject, names: Sequence[str]) -> list[str]:
    """The files that an earlier report on the subject has written into a folder.

    Raises `ReportError` where the folder has the report of another suite or edition, or of the
    whole suite while `subject` is a part, or where a file is in the way that no report has written.
    """
    if folder.exists() and not folder.is_dir():
        raise ReportError(f"{folder}: the report cannot be written: not a folder\n  {ELSEWHERE}")
    manifest = _read_manifest(folder)
    if what := _other_subject(manifest, subject):
        raise ReportError(f"{folder}: the folder has the report of {what}\n  {ELSEWHERE}")
    known = [name for name in manifest.get("files", []) if _is_plain(name)]
    foreign = [name for name in names if _is_foreign(folder, name, known)]
    if foreign:
        shown = ", ".join(foreign[:MOST_NAMES]) + (", …" if len(foreign) > MOST_NAMES else "")
        raise ReportError(
            f"{folder}: the report would replace files that no report has written: {shown}\n"
            f"  move them away, or {ELSEWHERE}"
        )
    return known


def _other_subject(manifest: Mapping[str, Any], subject: Subject) -> str:
    """What the folder has a report on, and what this report is on; "" if it may be replaced."""
    suite = manifest.get("suite", subject.suite)
    edition = manifest.get("edition", subject.edition)
    if suite != subject.suite:
        return f"the suite {suite!r}, and this is the report of {subject.suite!r}"
    if edition != subject.edition:
        return (
            f"the edition {edition!r} of {suite!r}, and this is the report of the edition "
            f"{subject.edition!r}"
        )
    changes = manifest.get("changes", []) if manifest else list(subject.changes)
    if changes != list(subject.changes):
        before, now = (" ".join(f"--set {each}" for each in c) for c in (changes, subject.changes))
        here = f"{suite!r} with {before or 'no changes'}"
        return f"{here}, and this is its report with {now or 'no changes'}"
    if subject.only and manifest.get("only") == []:
        part = " ".join(f"--only {text}" for text in subject.only)
        return f"the whole suite {suite!r}, and this is the report of a part ({part})"
    return ""


def _is_foreign(folder: Path, name: str, known: Sequence[str]) -> bool:
    """Whether a file is in the way that no report has written; a link is always one."""
    path = folder / name
    if path.is_symlink() or not path.exists():
        return path.is_symlink()
    # A file system that ignores case has one file for two names.
    mine = [folder / each for each in known if each.casefold() == name.casefold()]
    return not any(each.exists() and each.samefile(path) for each in mine)


def _is_plain(name: Any) -> bool:
    """Whether a manifest's entry is a file in the folder itself."""
    return isinstance(name, str) and name == Path(name).name and name not in ("", "..", MANIFEST)


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder; empty where there is none."""
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError:
        found = None
    if not (
        isinstance(found, dict)
        and found.get("written_by") == WRITER
        and isinstance(found.get("suite"), str)
        and isinstance(found.get("files"), list)
    ):
        raise ReportError(
            f"{path}: no manifest of a report, and a report would replace it\n"
            f"  move it away, or {ELSEWHERE}"
        )
    return found


def _write_manifest(folder: Path, subject: Subject, files: Sequence[str]) -> None:
    manifest = {"written_by": WRITER, **subject._asdict(), "files": list(files)}
    write_file(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())


def write_file(path: Path, content: bytes) -> None:
    """Write a file and its folder. Raises `ReportError` where it cannot be written."""
    with report_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@contextmanager
def report_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` in a `with` block into a `ReportError` that names the file."""
    try:
        yield
    except OSError as error:
        raise ReportError(f"{path}: the report cannot be written: {error.strerror}") from error
