"""What a terminal of 80 columns shows."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console, RenderableType

from evenhand.declared.record import Cost, DataReading, Provenance, SharedExamples
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats import terminal, trial
from tests.records import make_record
from tests.reports.golden import check
from tests.reports.suites import make_suite, scored


def text_of(shown: RenderableType, width: int = 80) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, force_terminal=False).print(shown)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


@pytest.mark.parametrize("name", ["small", "torn"])
def test_the_leaderboard_is_as_it_was(name: str, request: pytest.FixtureRequest) -> None:
    board: Leaderboard = request.getfixturevalue(name)

    check(f"terminal-{name}.txt", text_of(terminal.render(board)))


def test_it_fits_80_columns(small: Leaderboard, torn: Leaderboard) -> None:
    for board in (small, torn):
        assert max(map(len, text_of(terminal.render(board)).splitlines())) <= 80


def test_a_trial_is_shown_as_it_was() -> None:
    record = make_record(method="vs", settings={"tau": 1.25, "gamma": 0.3}, seed=3, accuracy=0.71)

    check("trial.txt", text_of(trial.render(record)))


def test_one_thread_of_a_trial_is_no_plural() -> None:
    provenance = make_record().provenance.model_copy(update={"threads": 1})
    record = make_record().model_copy(update={"provenance": provenance})

    assert re.search(r", 1 thread\b", text_of(trial.render(record)))


def test_a_trial_is_shown_with_what_all_its_attempts_used() -> None:
    record = make_record(attempts=2)
    used = {"gpu_seconds": 30.25, "core_seconds": 242.0, "reserved_gpu_memory_gib": 1.5}
    text = text_of(trial.render(record.model_copy(update={"cost": Cost(seconds=90.0, **used)})))
    assert re.search(r"^GPU time +30\.2 s in all attempts$", text, re.MULTILINE)
    assert re.search(r"^core time +4\.0 min in all attempts$", text, re.MULTILINE)
    assert re.search(r"^memory +GPU reserved 1\.50 GiB$", text, re.MULTILINE)


def test_a_trial_that_diverged_says_where() -> None:
    text = text_of(trial.render(make_record(status="diverged")))

    assert "diverged, loss is not finite, epoch 2, step 17" in text
    assert "epoch" not in text.split("fingerprint")[1]


def test_the_curves_of_a_trial_are_a_table_that_fits_80_columns() -> None:
    record = make_record(accuracy=0.7)
    names = ["val_balanced_group_accuracy", "test_balanced_group_accuracy", "val_loss"]
    curves = {"epoch": [float(e) for e in range(1, 201)], "lr": [0.1] * 200}
    curves["train_loss"] = [1234.5678] * 200
    more = {name: [0.5] * 200 for name in names}
    text = text_of(trial.render(record.model_copy(update={"curves": curves | more})))
    table = text.split("with printed numbers.")[1].split("time ")[0]

    assert [line.split()[0] for line in table.splitlines()[-10:] if line.strip()] == [
        "1", "29", "58", "86", "115", "143", "172", "200",
    ]  # fmt: skip
    assert table.splitlines()[-3].split() == ["200", "0.1", "1234.5678", "50.00", "50.00", "0.5000"]
    assert max(map(len, text.splitlines())) <= 80


def test_what_was_not_finite_in_a_curve_is_a_dash() -> None:
    short = {"epoch": [1.0, 2.0], "lr": [0.1, 0.1], "train_loss": [2.3, None]}
    record = make_record(status="diverged").model_copy(update={"curves": short})

    assert re.search(r"^ +2 +0.1 +–$", text_of(trial.render(record)), re.MULTILINE)


def test_a_record_with_little_in_it_can_be_shown() -> None:
    record = make_record(status="failed").model_copy(
        update={"data": None, "provenance": Provenance()}
    )

    assert "unknown" in text_of(trial.render(record))


def test_square_brackets_are_text_and_not_markup() -> None:
    record = make_record(method="vs", settings={"name": "[bold]x[/bold]"})

    assert "[bold]x[/bold]" in text_of(trial.render(record))


def test_a_trial_is_shown_with_what_was_read_of_its_files() -> None:
    record = make_record()
    assert record.data is not None
    reading = DataReading(features=("a", "b"), left_out={"row": "index-like"}, notes=("scaled",))
    shared = SharedExamples(split="test", other="train", n=3, relabelled=1)
    data = record.data.model_copy(update={"reading": reading, "shared": (shared,), "folds": 5})
    text = " ".join(text_of(trial.render(record.model_copy(update={"data": data}))).split())

    for part in (
        "features 2 columns: a, b",
        "left out row (index-like)",
        "note scaled",
        "5-fold cross-validation",
        "3 of 1,000 test examples are also in the training split, 1 of them",
    ):
        assert part in text


def test_control_characters_are_shown_and_not_obeyed() -> None:
    suite = make_suite(["ERM", "LA"], question="Is \x1b[31mred\x1b[0m text obeyed?")
    name = "\x1b]0;title\x07 \x9b31m\x7f"
    titled = tuple(replace(c, title=name + c.title) for c in suite.configurations)
    board = build_from(suite.replaced(configurations=titled), scored(suite, lambda trial: 0.7))
    record = make_record(method="vs", settings={"name": "\x1b[2J"})

    for shown in (terminal.render(board), trial.render(record)):
        text = text_of(shown)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
        assert "␛[" in text


LONG = "group_dro_with_vector_scaling_tau=1.25_gamma=0.30_step_size=0.01"
NAMES = {
    "ERM": LONG,
    "LA": "CSL [every=4]",
    "VS": "CSL [every=8]",
    "CDT": "[/red] [bold",
    "LDAM": "[link=x]y[/link] \\[ a row whose name has sixty letters and five words",
}


@pytest.fixture(scope="module")
def named() -> Leaderboard:
    """Long names and names with brackets, on eight problems."""
    suite = make_suite(list(NAMES), problems=tuple({"ratio": 10 * i} for i in range(1, 9)))
    titled = tuple(replace(c, title=NAMES[c.title]) for c in suite.configurations)
    records = scored(suite, lambda trial: 0.6 + 0.01 * trial.seed)
    return build_from(suite.replaced(configurations=titled), records)


@pytest.mark.parametrize("width", [30, 44, 60, 80, 100, 160])
def test_names_are_text_and_whole_at_every_width(named: Leaderboard, width: int) -> None:
    lines = text_of(terminal.render(named), width).splitlines()
    squeezed = "".join("".join(lines).split())

    assert max(map(len, lines)) <= width
    for name in NAMES.values():
        # In a table a folded name is broken by the numbers of its row.
        whole = name if width <= 60 or width >= 160 else name[:20]
        assert squeezed.count("".join(whole.split())) >= 8


@pytest.mark.parametrize("width", [80, 100])
def test_a_long_name_is_folded_into_few_lines(named: Leaderboard, width: int) -> None:
    lines = text_of(terminal.render(named), width).splitlines()
    table = lines[lines.index(next(line for line in lines if line.strip().startswith("rank"))) :]
    rows = table[2 : next(i for i, line in enumerate(table) if not line.strip())]

    assert len(rows) <= 3 * len(NAMES)


def test_a_long_name_of_the_baseline_stands_above_the_table(named: Leaderboard) -> None:
    text = text_of(terminal.render(named))

    assert "Δ to baseline" in text
    assert f"the baseline is {LONG}" in " ".join(text.split())


def test_brackets_in_a_metrics_title_and_in_fronts_are_text(unregistered: None) -> None:
    from evenhand.declared.decorators import metric

    @metric(better="higher", title="Recall [/red]")
    def bracketed(counts: np.ndarray, train: np.ndarray) -> float:
        """A metric whose title would be markup."""
        return 0.5

    rows = {"VS [b]": [{"tau": 1.0}, {"tau": 2.0}]}
    suite = make_suite(
        rows,
        metrics=["bracketed", "accuracy"],
        primary="bracketed",
        baseline="vs [b]",
        figures=[{"front": ["bracketed", "accuracy"], "over": "tau"}],
    )
    titled = tuple(replace(c, method_title="VS [b]") for c in suite.configurations)
    suite = suite.replaced(configurations=titled)
    board = build_from(suite, scored(suite, lambda trial: 0.7))

    assert "recall [/red] in percent" in text_of(terminal.render(board))
    assert text_of(terminal.render(board)).count("VS [b]") >= 3
    assert "Recall [/red]" in text_of(trial.render(make_record()))


SHORT = (
    "ERM",
    "LDAM-DRW",
    "CSL [every=4]",
    "cross-entropy",
    "b1 [/x] %{y}",
    "weighted CE",
    "seldom-the-same!",
)


@pytest.mark.parametrize("baseline", SHORT)
def test_no_word_of_a_short_name_is_broken(baseline: str) -> None:
    suite = make_suite(["ERM", "LA", "VS"])
    records = scored(suite, lambda trial: 0.6 + 0.01 * trial.seed)
    others = [name for name in SHORT if name != baseline]
    for pair in zip(others[::2], others[1::2], strict=True):
        names = dict(zip(("ERM", "LA", "VS"), (baseline, *pair), strict=True))
        titled = tuple(
            replace(c, title=names[c.title], method_title=names[c.title])
            for c in suite.configurations
        )
        shown = terminal.render(build_from(suite.replaced(configurations=titled), records))
        for width in (60, 67, 72, 76, 79, 80, 81, 85, 93, 100):
            lines = text_of(shown, width).splitlines()
            heading = next(i for i, line in enumerate(lines) if line.startswith("cifar10"))
            words = " ".join(lines[heading:]).split()

            assert max(map(len, lines)) <= width
            for name in names.values():
                assert set(name.split()) <= set(words)
            is_table = any(set(line.strip()) == {"─"} for line in lines[heading:])
            assert "method" in words or not is_table


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_no_word_of_a_name_is_broken_beside_a_long_list_of_settings(width: int) -> None:
    taus = [{"tau": i / 7} for i in range(1, 9)]
    suite = make_suite(
        {"VS": taus, "LA": taus},
        baseline="vs",
        figures=[{"front": ["balanced_accuracy", "min_recall"], "over": "tau"}],
    )
    titled = tuple(
        replace(c, method_title="LDAM-DRW" if c.title.startswith("LA") else "CSL")
        for c in suite.configurations
    )
    records = scored(suite, lambda trial: [0.5 + 0.02 * trial.method.settings["tau"]] * 10)
    board = build_from(suite.replaced(configurations=titled), records)
    text = text_of(terminal.render(board), width)

    assert max(map(len, text.splitlines())) <= width
    assert {"LDAM-DRW", "CSL"} <= set(text.split())
