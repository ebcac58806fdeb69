"""One file that opens from disk: whole, safe, and with every number's trials."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from evenhand.declared.record import Evaluation
from evenhand.suite.only import restrict
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats import html, trial
from tests.records import make_record
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import around, make_suite, scored

SCRIPT = "<script>alert('x')</script>"
VOID = {"meta", "input", "line", "circle", "br", "link", "img"}


class Page(HTMLParser):
    """Tags, their attributes and the text of a page; complains about tags left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            self.scripts.append(data)
        else:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.fixture(scope="module")
def text(small: Leaderboard) -> str:
    return html.render(small, command="evenhand report cifar-lt")


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_every_tag_is_closed(page: Page) -> None:
    assert page.open == []


def test_nothing_is_fetched(page: Page) -> None:
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "base"}
        for name in ("src", "href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith("#")
    style = next(s for s in page.scripts if ":root" in s)
    assert "url(" not in style
    assert "@import" not in style


def test_plotly_is_in_it_once(text: str) -> None:
    assert text.count("plotly.js v") == 1
    assert text.count("<script") - text.count("\\u003cscript") == text.count("</script>")


def test_every_row_and_problem_is_on_the_page(page: Page, small: Leaderboard) -> None:
    for problem in small.problems:
        assert page.words.count(problem) >= 2
    for title in small.rows.values():
        assert page.words.count(f"{title} ") >= 3
    assert "7.0 to 7.1 points" in page.words or "points, beyond chance" in page.words


def test_every_trial_can_be_followed(text: str, small: Leaderboard) -> None:
    data = data_of(text)
    listed = {t["key"]: t for s in data["results"] for t in s["trials"]}

    assert set(listed) == set(small.records)
    for key, record in small.records.items():
        shown = listed[key]
        assert shown["seed"] == record.trial.seed
        assert data["origins"]["commit"][shown["commit"]] == "0123456789ab"
        assert data["origins"]["device"][shown["device"]] == "NVIDIA H100"
        assert record.data is not None
        assert data["origins"]["data"][shown["data"]] == record.data.fingerprint
    assert data["results"][0]["command"] == (
        "evenhand run suites/cifar-lt.yaml --only row=erm,problem=cifar10-exp-100 --results rerun"
    )


def test_recall_runs_from_head_to_tail(text: str, small: Leaderboard) -> None:
    figure = data_of(text)["problems"][0]["recall"]

    assert figure["train"] == sorted(figure["train"], reverse=True)
    assert figure["classes"][0] == "class 0"
    assert set(figure["rules"]) == {"last", "best-val", "best-test"}
    assert figure["rules"]["last"]["erm"][0] > figure["rules"]["last"]["erm"][-1]


def test_many_classes_are_drawn_as_few_points() -> None:
    suite = make_suite(["ERM"], seeds=2)
    records = scored(suite, lambda trial: 0.5, classes=200, per_class=2)
    figure = data_of(html.render(build_from(suite, records)))["problems"][0]["recall"]

    assert len(figure["classes"]) == len(figure["rules"]["last"]["erm"]) == 25
    assert figure["each"] == 8


def test_learning_curves_are_means_over_seeds(text: str) -> None:
    curves = data_of(text)["problems"][0]["curves"]

    assert list(curves) == ["val_accuracy", "train_loss"]
    assert len(curves["train_loss"]["vs"]["mean"]) == 40
    assert curves["train_loss"]["vs"]["sd"] is not None


def test_series_have_titles_in_words(page: Page) -> None:
    options = [attributes["value"] for tag, attributes in page.tags if tag == "option"]

    assert options[:2] == ["val_accuracy", "train_loss"]
    assert "Validation accuracy Training loss" in page.words


def test_no_axis_uses_prefixes_of_units() -> None:
    """Plotly's default writes 3e-9 as `3n`."""
    text = (html.TEMPLATES / "script.js").read_text(encoding="utf-8")
    [body] = re.findall(r"^function axis\(more\) \{(.*?)^\}", text, re.DOTALL | re.MULTILINE)

    assert 'exponentformat: "power"' in body
    assert re.findall(r"[xy]axis\d?: (?!axis|\{)\w+", text) == []


def test_best_test_is_labelled(page: Page) -> None:
    assert "best-test uses test data" in page.words
    assert "on test data" in page.words


@pytest.mark.parametrize("where", ["title", "question", "cause"])
def test_what_users_write_is_text_and_not_markup(where: str) -> None:
    suite = make_suite(["ERM", "VS"], question=SCRIPT if where == "question" else "Why?")
    if where == "title":
        cells = tuple(replace(cell, title=f"{SCRIPT} {cell.row}") for cell in suite.configurations)
        suite = suite.replaced(configurations=cells)
    records = scored(suite, around({"erm": 0.6, "vs": 0.7}))
    failed = make_record(trial=records[0].trial, status="failed")
    ended = failed.exit.model_copy(update={"cause": SCRIPT})
    records[0] = failed.model_copy(update={"exit": ended})
    text = html.render(build_from(suite, records))

    assert SCRIPT not in text
    assert Page(text).open == []
    data_of(text)


def test_what_was_expected_and_what_was_measured_have_labels_of_their_own() -> None:
    suite = make_suite(["ERM", "VS"])
    texts = {"expect": "VS is better", "measured": "VS is better by 2 points"}
    declaration = suite.declaration.model_copy(update=texts)
    suite = suite.replaced(declaration=declaration)
    words = Page(
        html.render(build_from(suite, scored(suite, around({"erm": 0.6, "vs": 0.7}))))
    ).words

    assert "Expected before the run VS is better Measured when" in words
    assert "Measured when the suite was written VS is better by 2 points" in words


def test_what_is_torn_is_listed(torn: Leaderboard) -> None:
    words = Page(html.render(torn)).words

    assert "Trials without a usable record" in words
    assert "loss is not finite" in words
    assert "1 missing, 1 diverged" in words
    assert "other data" in words
    assert "of which 1 had a validation score for every seed" in words


def test_one_seed_has_a_page_without_intervals_or_ranks() -> None:
    suite = make_suite(seeds=1)
    words = Page(html.render(build_from(suite, scored(suite, lambda trial: 0.7)))).words

    assert "Nothing can be compared" in words
    assert "± 0.00" not in words


def test_a_page_of_failures_alone_is_a_page() -> None:
    suite = make_suite(["ERM"])
    records = [make_record(trial=t, status="failed") for t in suite.trials.values()]
    text = html.render(build_from(suite, records))

    assert "Nothing can be compared yet." in Page(text).words
    assert data_of(text)["problems"][0]["recall"] is None


def test_counts_of_several_networks_are_no_more_images() -> None:
    suite = make_suite(["ERM"], seeds=2)
    records = scored(suite, around({"erm": 0.6}))
    summed = [
        record.model_copy(
            update={
                "evaluations": tuple(
                    Evaluation.of(3 * e.counts, split=e.split, rule=e.rule, epoch=e.epoch)
                    for e in record.evaluations
                )
            }
        )
        for record in records
    ]

    assert html.render(build_from(suite, summed)) == html.render(build_from(suite, records))
    assert text_of(trial.render(summed[0])) == text_of(trial.render(records[0]))


def test_every_figure_shows_names_as_text() -> None:
    """Plotly reads names as HTML, so that every call escapes them."""
    text = (html.TEMPLATES / "script.js").read_text(encoding="utf-8")
    calls = re.findall(r"Plotly\.react\(plot, (.{20})", text)

    assert len(calls) == 8
    assert all(call.startswith(("traces.map(named),", '[{ type: "heatmap"')) for call in calls)
    assert "x: figure.xs.map(plain), y: figure.ys.map(plain)" in text


def test_a_part_without_the_baseline_does_not_claim_to_draw_it() -> None:
    others = ["LA", "VS", "CDT", "LDAM", "CB", "WCE", "Focal", "DRO", "JTT"]
    suite = make_suite(["ERM", *others])
    records = scored(suite, lambda trial: 0.7)
    whole = build_from(suite, records)
    part = build_from(restrict(suite, [f"row={name.lower()}" for name in others]), records)

    assert "The figures draw 8 rows, including the baseline;" in Page(html.render(whole)).words
    assert "The figures draw 8 rows; the table has 1 more." in Page(html.render(part)).words
