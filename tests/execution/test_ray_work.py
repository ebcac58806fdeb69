"""The work of a round reaches each process, also where its keeper was killed."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import ray

from evenhand import api, pulse
from evenhand.data.files.copies import is_readable
from evenhand.data.files.data_root import use_data_root
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


def test_a_relative_data_root_is_read_by_processes_in_other_folders(tiny, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with use_data_root("driver"):
        files = load(SQUARE).files
    monkeypatch.chdir("/")
    assert files == tiny[1].files
    assert is_readable(files)


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

    monkeypatch.setattr(ray_work, "fetched", lambda _: given)
    # Two processes of a node.
    first, second = (sources_of((trial,), keeper, name)[key] for name in ("one", "two"))
    assert first is second
    np.testing.assert_array_equal(first.train.pixels, there.train.pixels)
    assert fake_ray.sources == [first]


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


def run_in_actor(work, keeper, events, monkeypatch):
    """Run the first pack of a work as an actor does."""
    for module in (ray_work, ray_tune):
        monkeypatch.setattr(module, "fetched", lambda _: work)
    mailbox = Actor(SimpleNamespace(post=events.append))
    ray_tune._run_in_actor(0, {"CPU": 1.0}, keeper=keeper, mailbox=mailbox)


def test_data_that_were_replaced_end_the_run_and_fail_no_trial(
    tiny, fake_ray, monkeypatch, tmp_path
):
    trial, there = tiny
    other = replace(there, files=there.files._replace(fingerprint="0" * 32))
    store = Store.open(tmp_path / "r")
    data = {source_key(trial.problem.dataset): other.files}
    work = Work(((trial.model_dump_json(),),), Execution(), store, (), data=data)
    events = []
    with pytest.raises(DataError, match="was replaced while the run goes on"):
        run_in_actor(work, None, events, monkeypatch)

    assert [event.kind for event in events] == ["fatal"]
    assert "rerun the same command" in events[0].cause
    assert not store.heads()


def failing(error):
    """A keeper from which no data set comes, as its caller sees the error."""

    def source(_):
        raise error

    return Actor(SimpleNamespace(source=source))


def far_work(trial, there, store=None):
    """The work of a trial whose data set travels."""
    files = there.files._replace(folder=there.files.folder / "elsewhere")
    data = {source_key(trial.problem.dataset): files}
    return Work(((trial.model_dump_json(),),), Execution(), store, (), data=data, is_shared=True)


def test_a_data_error_of_the_keeper_is_told_without_a_traceback(tiny, monkeypatch):
    trial, there = tiny
    monkeypatch.setattr(ray_work, "fetched", lambda _: far_work(trial, there))
    cause = DataError("tiny was replaced")
    seen = ray.exceptions.RayTaskError("source", "Traceback …", cause).as_instanceof_cause()
    assert str(seen) != str(cause)
    with pytest.raises(DataError) as raised:
        sources_of((trial,), failing(seen), None)
    assert str(raised.value) == "tiny was replaced"


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        MemoryError("no memory"),
        ray.exceptions.ObjectStoreFullError("the store is full"),
        ray.exceptions.RayTaskError("source", "Traceback …", OSError(28, "No space left")),
    ],
)
def test_data_that_cannot_be_loaded_end_the_run_with_what_to_do(tiny, error, monkeypatch, tmp_path):
    trial, there = tiny
    work, events = far_work(trial, there, Store.open(tmp_path / "r")), []
    with pytest.raises(DataError):
        run_in_actor(work, failing(error), events, monkeypatch)
    [event] = events
    assert event.kind == "fatal"
    assert " tiny cannot be loaded: O" in event.cause or "MemoryError: no memory" in event.cause
    assert "rerun the same command" in event.cause


def test_a_lost_keeper_is_no_error_of_the_data(tiny, monkeypatch):
    trial, there = tiny
    monkeypatch.setattr(ray_work, "fetched", lambda _: far_work(trial, there))
    with pytest.raises(ray.exceptions.RayActorError):
        sources_of((trial,), failing(ray.exceptions.RayActorError()), None)


def test_the_wait_for_data_is_watched_without_the_time_limit_of_the_trial(
    tiny, monkeypatch, tmp_path
):
    trial, there = tiny
    work, limits = far_work(trial, there, Store.open(tmp_path / "r")), []
    work = replace(work, execution=replace(work.execution, time_limit=60.0))

    def source(_):
        limits.extend(listener.__self__.time_limit for listener in pulse._listeners)
        raise DataError("enough")

    keeper = Actor(SimpleNamespace(source=source))
    with pytest.raises(DataError, match="enough"):
        run_in_actor(work, keeper, [], monkeypatch)
    assert limits == [math.inf]


def test_a_copy_that_could_not_be_used_is_told_once(tiny, fake_ray, monkeypatch, tmp_path):
    trial, there = tiny
    (tmp_path / "node/tiny").mkdir(parents=True)
    (tmp_path / "node/tiny/contents.json").write_text("{}")
    monkeypatch.setenv("EVENHAND_DATA", str(tmp_path / "node"))
    work = far_work(trial, there)
    work = replace(work, execution=replace(work.execution, data_roots=(tmp_path / "node",)))
    monkeypatch.setattr(ray_work, "fetched", lambda _: work)
    keeper, notes = Actor(SimpleNamespace(source=lambda _: [there])), []
    for _ in range(2):
        # The data set of another trial came between.
        ray_work._source.cache_clear()
        sources_of((trial,), keeper, Actor(SimpleNamespace(post=notes.append)))
    assert len(notes) == 1
