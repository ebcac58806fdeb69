"""The public API: what `import evenhand` offers, its examples, and a suite from start to tables."""

from __future__ import annotations

import doctest
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import evenhand as eh
from evenhand import losses
from evenhand.errors import RunError, SpecError, StoreError, TooManyFailures
from evenhand_reports.board import provenance

ROOT = Path(__file__).parents[1]
SUITE = {
    "suite": "tiny",
    "question": "Does shifting the logits help?",
    "problems": [{"digits": {"profile": "step", "ratio": 10, "n_max": 40}}],
    "val": {"per_class": 10},
    "recipe": {"digits": {"epochs": 2, "schedule": "constant"}},
    "seeds": 2,
    "methods": ["erm", {"la": {"tau": {"grid": [0.5, 1.0]}}}],
    "metrics": ["balanced_accuracy", "min_recall"],
    "primary": "balanced_accuracy",
    "select": {"on": "val", "epoch": "last"},
    "baseline": "erm",
}
MODULES = ("metrics", "metrics.counting", "losses.declared", "suite.yaml_lines")


@pytest.fixture(scope="module")
def suite():
    return eh.Suite(**SUITE)


@pytest.fixture(scope="module")
def store(suite, tmp_path_factory):
    """The records of the suite but for one trial."""
    store = eh.open_store(tmp_path_factory.mktemp("results"))
    part = suite.replaced(configurations=suite.configurations[:2])
    after = eh.run(part, store, inline=True)
    assert len(after.done) == 4 and not after.failed
    return store


def test_importing_it_imports_nothing_slow():
    slow = ("torch", "ray", "pandas", "numpy", "pydantic", "evenhand_reports", "evenhand.api")
    code = f"import sys, evenhand; print(*[name for name in {slow!r} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_is_there_and_listed():
    assert set(eh.__all__) <= set(dir(eh))
    assert all(getattr(eh, name) is not None for name in eh.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = eh.no_such_name


def test_what_type_checkers_see_is_what_there_is():
    source = inspect.getsource(eh)
    seen = {line.split(" as ")[1] for line in source.splitlines() if line.startswith("    from ")}
    assert seen == set(eh.__all__)


@pytest.mark.parametrize("name", [name for name in eh.__all__ if name not in ("losses", "metrics")])
def test_every_public_object_has_an_example_that_runs(name, unregistered):
    found = getattr(eh, name)
    assert len((inspect.getdoc(found) or "").partition("\n")[0]) > 20
    examples = _run_examples(found, name)
    assert examples.attempted > 0, f"{name} has no example"
    assert examples.failed == 0


@pytest.mark.parametrize("name", losses.__all__)
def test_every_loss_has_an_example_that_runs(name):
    examples = _run_examples(getattr(losses, name), name)
    assert examples.attempted > 0
    assert examples.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_other_modules_run(name):
    examples = doctest.testmod(importlib.import_module(f"evenhand.{name}"))
    assert examples.attempted > 0
    assert examples.failed == 0


def _run_examples(found, name: str) -> doctest.TestResults:
    """Run the examples in the docstring of one object, with the names of its module."""
    module = sys.modules[found.__module__]
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder(recurse=False).find(found, name, globs=vars(module).copy()):
        runner.run(test)
    return runner.summarize(verbose=False)


def test_a_frame_has_a_row_for_each_score(suite, store):
    frame = eh.to_frame(suite, store)
    places = (2 + 3) * 2  # checkpoint rules on val and on test, metrics
    assert len(frame) == 6 * places
    assert not frame.duplicated(["row", "setting", "seed", "split", "rule", "metric"]).any()
    assert set(frame["status"]) == {"done", "missing"}
    done = frame[frame["status"] == "done"]
    assert done["value"].between(0, 1).all()
    assert frame[frame["status"] == "missing"]["value"].isna().all()
    assert set(frame["method.tau"].dropna()) == {0.5, 1.0}
    assert frame["problem.ratio"].unique() == [10]
    assert frame["recipe.epochs"].unique() == [2]
    by_method = done[(done.split == "test") & (done.rule == "last")].groupby("method")["value"]
    assert set(by_method.mean().index) == {"erm", "la"}


def test_the_curves_have_the_keys_of_the_frame(suite, store):
    curves, frame = eh.to_curves(suite, store), eh.to_frame(suite, store)

    done = frame[frame["status"] == "done"]
    assert set(curves["key"]) == set(done["key"])
    assert set(curves["epoch"]) == {1, 2}
    [record] = store.records([curves["key"].iloc[0]])
    of = curves[curves["key"] == record.key].query("series == 'train_loss'")
    assert list(of["value"]) == record.curves["train_loss"]


def test_a_frame_says_what_the_leaderboard_says(suite, store):
    frame = eh.to_frame(suite, store)
    wanted = frame.query(
        "row == 'erm' and split == 'test' and rule == 'last' and metric == 'balanced_accuracy'"
    )
    board = eh.leaderboard(suite, store).to_frame()
    said = board.query(
        "row == 'erm' and split == 'test' and rule == 'last' and metric == 'balanced_accuracy'"
    )
    assert wanted["value"].mean() == pytest.approx(said["mean"].item())


def test_a_board_shows_and_writes_itself(suite, store, tmp_path):
    board = eh.leaderboard(suite, store)
    assert "Does shifting the logits help?" in str(board)
    assert max(map(len, str(board).splitlines())) <= 80
    shown = board._repr_html_()
    assert shown.count("<table>") == 1
    assert "ERM" in shown and "missing" in shown
    page = board.to_html(tmp_path / "page" / "index.html")
    assert page.read_text().startswith("<!doctype html>")
    tables = board.to_latex(tmp_path / "tables")
    assert (tables / "standalone.tex").is_file()
    assert "| " in board.to_markdown()
    assert board.write(tmp_path / "all").parquet.is_file()


def test_what_a_suite_calls_itself_is_no_markup_in_a_notebook(store):
    named = eh.Suite(**SUITE | {"question": "<script>alert(1)</script>"})
    assert "<script>" not in eh.leaderboard(named, store)._repr_html_()


def test_a_plan_can_be_looked_at_and_then_run(suite, store):
    made = eh.plan(suite, store)
    assert (len(made.done), len(made.missing)) == (4, 2)
    events = []
    after = eh.run(made, store, inline=True, on_event=events.append)
    assert len(after.done) == 6
    assert [e.kind for e in events if e.kind != "progress"] == ["ready", *["started", "ended"] * 2]
    assert eh.run(suite, store, inline=True).done == after.done


def test_a_store_may_be_a_folder(suite, store):
    assert len(eh.plan(suite, store.location).done) >= 4


def test_a_part_registered_in_a_session_cannot_travel_to_workers(tmp_path, unregistered):
    @eh.method(cite="me2026", title="Mine")
    def mine() -> eh.Method:
        """Cross-entropy."""
        return eh.Method(eh.Stage(loss=eh.losses.ce()))

    mine.__module__ = "__main__"
    suite = eh.Suite(**SUITE | {"methods": ["mine"], "baseline": "mine", "seeds": 1})
    with pytest.raises(RunError) as error:
        eh.run(suite, tmp_path)
    assert all(fact in str(error.value) for fact in ("mine", "plugins=[FILE]", "inline=True"))
    assert len(eh.run(suite, tmp_path, inline=True).done) == 1


def test_a_store_that_cannot_be_written_is_told_before_anything_trains(suite, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError):
        eh.run(suite, tmp_path / "file", inline=True)


def test_scores_on_other_data_are_not_in_a_frame(suite, store, tmp_path):
    erm, la = (configuration.trials[0].key for configuration in suite.configurations[:2])
    other = eh.open_store(tmp_path)
    other.write(store.read(erm))
    record = store.read(la)
    data = record.data.model_copy(update={"fingerprint": "0" * 64})
    other.write(record.model_copy(update={"data": data}))

    frame = eh.to_frame(suite, other)

    found = frame[frame["key"].isin([erm, la])]
    assert set(found["status"]) == {"other data"}
    assert found["value"].isna().all()
    assert found["cause"].str.contains("2 records").all()


def test_a_frame_has_validation_scores_of_a_data_set_with_its_own_split(tmp_path):
    suite = eh.Suite(
        **SUITE
        | {
            "problems": ["digits_coloured"],
            "val": "none",
            "recipe": {"digits": {"epochs": 1, "schedule": "constant"}},
            "methods": ["erm"],
            "seeds": 1,
            "select": None,
        }
    )
    places = [("val", "last"), ("val", "best-val"), ("test", "last"), ("test", "best-val")]
    for frame in (eh.to_frame(suite, tmp_path), _after_a_run(suite, tmp_path)):
        assert set(places) < set(zip(frame["split"], frame["rule"], strict=True))


def _after_a_run(suite, folder):
    eh.run(suite, folder, inline=True)
    frame = eh.to_frame(suite, folder)
    assert frame["value"].notna().all()
    return frame


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        ({"pack": 0}, ["pack is 0", "at least 1"]),
        ({"cpus_per_trial": -1}, ["cpus_per_trial is -1"]),
        ({"time_limit": 0}, ["time_limit is 0"]),
        ({"pack": 1.5}, ["pack is 1.5", "whole number"]),
        ({"cpus_per_trial": None}, ["cpus_per_trial is None"]),
        ({"time_limit": "1h"}, ["time_limit is '1h'"]),
        ({"max_failures": -1}, ["max_failures is -1"]),
        ({"inline": True, "address": "auto"}, ["inline", "auto"]),
        ({"address": "ray://h1:10001"}, ["ray://h1:10001", "--address h1:6379", "--num-cpus=0"]),
        ({"address": "RAY://h1"}, ["RAY://h1", "--address h1:6379", "cannot use Ray Client"]),
        ({"address": "ray://[::1]:10001"}, ["--address [::1]:6379"]),
        ({"address": "ray://"}, ["--address HOST:6379"]),
        ({"inline": True, "accelerator": "H100"}, ["an inline run", "--accelerator is H100"]),
        ({"gpus_per_trial": 0, "accelerator": ["H100", "L4"]}, ["--gpus-per-trial 0", "H100,L4"]),
        ({"accelerator": "H100,"}, ["accelerator is 'H100,'", "empty name", "H100,A100"]),
    ],
)
def test_options_that_no_run_can_have_are_refused(suite, tmp_path, options, facts):
    with pytest.raises(RunError) as error:
        eh.run(suite, tmp_path, **options)
    assert all(fact in str(error.value) for fact in facts)


def test_a_plan_cannot_be_told_to_retry(suite, store):
    with pytest.raises(RunError, match="retry_failed"):
        eh.run(eh.plan(suite, store), store, inline=True, retry_failed=True)


def test_a_suite_may_be_named(tmp_path):
    assert len(eh.plan("quickstart", tmp_path).missing) == 30
    assert len(eh.open_suite("quickstart", only=None, plugins=None).trials) == 30


def test_a_record_keeps_the_command_that_trains_it_again(suite, store, tmp_path):
    [key, *_] = [t.key for t in suite.configurations[0].trials]
    call = f"evenhand.run(suite, {store.location!r}, inline=True)"
    assert store.read(key).provenance.command == call
    assert "built in Python" in provenance.rerun(store.read(key))
    named = eh.open_suite("quickstart", only="method=erm,seed=0")
    eh.run(named, tmp_path, inline=True, data=tmp_path / "my data")
    [record] = eh.open_store(tmp_path).records()
    folder = f"--data '{tmp_path / 'my data'}'"
    assert record.provenance.command == (
        f"evenhand run quickstart --only method=erm,seed=0 --results {tmp_path} {folder} --inline"
    )
    again = f"evenhand run quickstart --only key={record.key} {folder}"
    assert provenance.rerun(record).startswith(again)


def test_too_many_failures_end_a_run(tmp_path, unregistered):
    eh.load_plugins(ROOT / "tests" / "execution" / "parts.py")
    suite = eh.Suite(**SUITE | {"methods": ["erm", "raises"], "select": None, "seeds": 3})
    with pytest.raises(TooManyFailures, match="more than 1"):
        eh.run(suite, tmp_path, inline=True, max_failures=1)


def test_a_suite_of_a_plugin_that_was_edited_since_is_not_run(tmp_path, unregistered):
    path = tmp_path / "mine.py"
    text = "import evenhand as eh\n@eh.method()\ndef mine() -> eh.Method:\n"
    text += "    return eh.Method(eh.Stage(eh.losses.la(TAU)))\n"
    path.write_text(text.replace("TAU", "1.0"))
    eh.load_plugins(path)
    keys = SUITE | {"methods": ["mine"], "baseline": "mine", "select": None}
    earlier = eh.Suite(**keys)
    path.write_text(text.replace("TAU", "4.0"))
    eh.load_plugins(path)
    with pytest.raises(RunError, match="edited after the suite was opened"):
        eh.run(earlier, tmp_path / "results", inline=True)
    assert not eh.Suite(**keys).trials.keys() & earlier.trials.keys()


def test_a_plan_is_made_anew_before_it_is_run(suite, tmp_path):
    part = suite.replaced(configurations=suite.configurations[:1])
    made = eh.plan(part, tmp_path / "a")
    eh.run(part, tmp_path / "a", inline=True)
    events = []
    assert len(eh.run(made, tmp_path / "a", inline=True, on_event=events.append).done) == 2
    assert not events
    assert len(eh.run(made, tmp_path / "b", inline=True).done) == 2
    assert len(eh.open_store(tmp_path / "b").heads()) == 2


@pytest.mark.parametrize("wrong", [None, 3, {"suite": "mine"}])
def test_what_is_no_suite_and_no_store_is_refused(suite, tmp_path, wrong):
    with pytest.raises(SpecError, match=type(wrong).__name__):
        eh.plan(wrong, tmp_path)
    with pytest.raises(StoreError, match=type(wrong).__name__):
        eh.plan(suite, wrong)


def test_numbers_of_numpy_are_numbers(suite, store):
    options = {"pack": np.int64(1), "time_limit": np.float32(60), "max_failures": np.int64(3)}
    assert eh.run(suite, store, inline=True, **options).done
    assert eh.losses.la(tau=np.float32(1)) == eh.losses.la(tau=1)


def test_plans_and_stores_are_shown_in_a_line(suite, store):
    assert repr(eh.plan(suite, store)).startswith("<Plan of tiny: ")
    assert repr(store) == f"<Store {store.location}, edition main>"
