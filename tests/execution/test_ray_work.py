"""The work of a round reaches each process, also where its keeper was killed."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import ray

from evenhand import api
from evenhand.data.files.prepared import load
from evenhand.data.files.preparing import prepare_once
from evenhand.data.images import Source
from evenhand.declared.base import Part
from evenhand.declared.decorators import dataset
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.errors import DataError
from evenhand.execution import ray_tune, ray_work
from evenhand.execution.execute import Execution
from evenhand.execution.preflight import source_key
from evenhand.execution.ray_work import Work, arrived, sources_of
from evenhand.store import Store
from tests.data.originals import SQUARE, source, write_folder
from tests.execution.test_plan import finished
from tests.train.trials import make


class Context:
    """Stand-in for Ray's context of a worker."""

    def get_node_id(self):
        return "0f"

    def get_actor_id(self):
        return "0a"


def test_workers_leave_the_index_to_the_driver(tmp_path):
    driver, store = Store.open(tmp_path / "r"), Store.open(tmp_path / "r")
    driver.write(finished(make(seed=0), 1.0))
    driver.heads()
    before = (tmp_path / "r/main/index.json").read_bytes()

    work = arrived(Work((), Execution(), store, ()), Context())
    driver.write(finished(make(seed=1), 1.0))

    assert len(work.store.heads()) == 2
    assert (tmp_path / "r/main/index.json").read_bytes() == before
    assert (work.execution.claimant.node, work.execution.claimant.actor) == ("0f", "0a")


@pytest.mark.filterwarnings("ignore")
def test_trials_are_trained_after_the_keeper_of_their_work_was_killed(suite_of, tmp_path):
    suite, killed = suite_of("exits", "erm", seeds=1), []

    def sink(event):
        if event.kind == "started" and not killed:
            ours = psutil.Process().children(recursive=True)
            killed.extend(p for p in ours if p.name().startswith("ray::Keeper"))
            for keeper in killed:
                keeper.kill()

    store = Store.open(tmp_path / "r")
    # A process that has ended is replaced by one that does not have the work yet.
    api.run(suite, store, on_event=sink, time_limit=90)

    assert len(killed) == 1
    ends = sorted((r.trial.method.name, r.exit.status) for r in store.records())
    assert ends == [("erm", "done"), ("exits", "failed")]


class FakeRay:
    """Stand-in for the calls of actors and for Ray's object store, which counts what is put there.

    An actor is the object itself, whose methods run at once.
    """

    def __init__(self, monkeypatch):
        self.put = []
        monkeypatch.setattr(ray, "put", lambda found: self.put.append(found) or found)
        monkeypatch.setattr(ray, "get", lambda found: found)
        monkeypatch.setattr(ray_work, "start_beside", lambda kind, *given: Actor(kind(*given)))

    @property
    def sources(self):
        return [found for found in self.put if isinstance(found, Source)]


class Actor:
    def __init__(self, kept):
        self.kept = kept

    def __getattr__(self, name):
        return SimpleNamespace(remote=getattr(self.kept, name))


@pytest.fixture
def fake_ray(monkeypatch):
    return FakeRay(monkeypatch)


@pytest.fixture
def tiny(monkeypatch, unregistered, tmp_path):
    """A trial on a prepared data set of the package, and the data set as the driver has it."""
    monkeypatch.setattr(Registered, "is_shipped", True)

    @dataset(title="Tiny", **SQUARE.facts)
    def tiny():
        return load(SQUARE)

    images = write_folder(SQUARE, source(SQUARE), tmp_path / "images")
    found = prepare_once(SQUARE, tmp_path / "driver", place=images).source
    trial = make()
    problem = trial.problem.model_copy(update={"dataset": REGISTRY.part("dataset", "tiny")})
    return trial.model_copy(update={"problem": problem}), found


def loaded(trial, sources, monkeypatch, **work):
    """What a worker gets of a driver's data sets, and the notes that it sends."""
    data = {key: found.files for key, found in sources.items()}
    given = Work((), Execution(), None, (), data=data, **work)
    keeper, notes = ray_work.kept(given, sources), []
    monkeypatch.setattr(ray_work, "fetched", lambda _: given)
    mailbox = Actor(SimpleNamespace(post=notes.append))
    found = sources_of((trial,), keeper, mailbox)
    return found, [event.cause for event in notes]


def test_on_one_machine_prepared_data_are_mapped_and_not_copied(tiny, fake_ray, monkeypatch):
    trial, there = tiny
    key = source_key(trial.problem.dataset)
    found, _ = loaded(trial, {key: there}, monkeypatch)
    assert isinstance(found[key].train.pixels.base, np.memmap)
    assert not fake_ray.sources


def test_data_that_are_not_prepared_travel_one_by_one(fake_ray, monkeypatch):
    trial, images = make(), source(SQUARE)
    key = source_key(trial.problem.dataset)
    found, _ = loaded(trial, {key: images, "another": images}, monkeypatch)
    assert found == {key: images}
    assert len(fake_ray.sources) == 2
    # The work itself has none.
    assert not fake_ray.put[0].execution.sources
    applied = trial.model_copy(update={"posthoc": Part(name="la_posthoc")})
    assert sources_of((applied,), None, None) == {}


def test_a_node_without_a_copy_gets_the_data_set_of_the_driver_when_it_asks(
    tiny, fake_ray, monkeypatch, tmp_path
):
    trial, there = tiny
    key = source_key(trial.problem.dataset)
    monkeypatch.setenv("EVENHAND_DATA", str(tmp_path / "node"))
    given = Work((), Execution(), None, (), data={key: there.files}, is_shared=True)
    keeper = ray_work.kept(given, {key: there})
    assert not fake_ray.sources

    [first], [second] = (keeper.source.remote(trial.problem.dataset.model_dump_json()),) * 2
    assert first is second
    np.testing.assert_array_equal(first.train.pixels, there.train.pixels)
    assert len(fake_ray.sources) == 1


def test_a_keeper_that_cannot_read_the_files_of_the_driver_is_sent_them(
    tiny, fake_ray, monkeypatch, tmp_path
):
    trial, there = tiny
    key = source_key(trial.problem.dataset)
    hidden = replace(there, files=there.files._replace(folder=tmp_path / "of another user"))
    found, notes = loaded(trial, {key: hidden}, monkeypatch, is_shared=True)
    assert found == {key: hidden}
    assert fake_ray.sources == [hidden]
    assert not notes


def test_a_node_that_cannot_use_its_copy_tells_so_and_gets_that_of_the_driver(
    tiny, fake_ray, monkeypatch, tmp_path
):
    trial, there = tiny
    key = source_key(trial.problem.dataset)
    (tmp_path / "node/tiny").mkdir(parents=True)
    (tmp_path / "node/tiny/contents.json").write_text("{}")
    monkeypatch.setenv("EVENHAND_DATA", str(tmp_path / "node"))
    found, [note] = loaded(trial, {key: there}, monkeypatch, is_shared=True)
    np.testing.assert_array_equal(found[key].train.pixels, there.train.pixels)
    assert "the prepared tiny is not whole" in note
    assert note.endswith("tiny travels from the driver")


def test_data_that_were_replaced_end_the_run_and_fail_no_trial(
    tiny, fake_ray, monkeypatch, tmp_path
):
    trial, there = tiny
    other = replace(there, files=there.files._replace(fingerprint="0" * 32))
    store = Store.open(tmp_path / "r")
    data = {source_key(trial.problem.dataset): other.files}
    work = Work(((trial.model_dump_json(),),), Execution(), store, (), data=data)
    for module in (ray_work, ray_tune):
        monkeypatch.setattr(module, "fetched", lambda _: work)
    events = []
    mailbox = Actor(SimpleNamespace(post=events.append))

    with pytest.raises(DataError, match="was replaced while the run goes on"):
        ray_tune._run_in_actor(0, {"CPU": 1.0}, keeper=None, mailbox=mailbox)

    assert [event.kind for event in events] == ["fatal"]
    assert "rerun the same command" in events[0].cause
    assert not store.heads()
