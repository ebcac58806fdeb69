"""Ray for real: each test starts a Ray of its own on this machine, so there are few."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest
import ray

from evenhand.errors import ClusterLost, RunError
from evenhand.execution.execute import Execution
from evenhand.execution.inline import run_inline
from evenhand.execution.node_places import Node
from evenhand.execution.packs import make_packs
from evenhand.execution.placing import Placing
from evenhand.execution.plan import make_plan
from evenhand.execution.preflight import load_data
from evenhand.execution.ray_early_end import TRAINABLE, early_end
from evenhand.execution.ray_placement import Placement
from evenhand.execution.ray_tune import RayRunner, _fit, on_ray, trainable, with_granted
from evenhand.execution.ray_work import Work, fetched
from evenhand.execution.resources import Resources, allocate
from evenhand.execution.retries import LOST, MAX_STARTS, RunTracker, run_plan
from evenhand.execution.rounds import OutOfMemory
from evenhand.execution.watchdog import StallLimits
from evenhand.store import Store

pytestmark = pytest.mark.filterwarnings("ignore")
LOCAL = {"address": None, "resources": Resources()}


def test_ray_leaves_the_records_of_an_inline_run_whatever_goes_wrong_beside_them(
    suite_of, parts, tmp_path
):
    suite = suite_of("erm", "pollutes", "la", "raises", "diverges", "ldam_drw")
    inline, there = Store.open(tmp_path / "inline"), Store.open(tmp_path / "ray")
    problems = [cell.problem for cell in suite.configurations]
    execution = Execution(sources=load_data(problems, [0]).sources)
    events = []
    tracker = RunTracker(events.append)
    run_plan(make_plan(suite, inline), execution, inline, RunTracker(print), run_inline)
    plan = make_plan(suite, there)
    with on_ray(plan.missing, execution, there, tracker, plugins=(parts,), **LOCAL) as runner:
        run_plan(plan, execution, there, tracker, runner)

    fields = {"evaluations", "curves", "data", "exit"}
    lines = {"traceback"}
    left = [
        {r.key: r.model_dump_json(include=fields, exclude={"exit": lines}) for r in store.records()}
        for store in (inline, there)
    ]
    assert len(left[0]) == 12
    assert left[0] == left[1]
    kinds = [event.kind for event in events]
    assert kinds.count("started") == kinds.count("ended") == 12


def test_a_trial_that_takes_its_process_down_ends_alone(suite_of, parts, tmp_path):
    suite = suite_of("erm", "exits", "hangs", "holds_the_lock", seeds=1)
    store = Store.open(tmp_path / "ray")
    execution = Execution(stalls=StallLimits(first=10.0, least=10.0, grace=2.0))
    events = []
    tracker = RunTracker(events.append)
    plan = make_plan(suite, store)
    with on_ray(plan.missing, execution, store, tracker, plugins=(parts,), **LOCAL) as runner:
        after = run_plan(plan, execution, store, tracker, runner)

    causes = {r.trial.method.name: r.exit.cause for r in store.records()}
    assert causes["erm"] == ""
    assert causes["exits"] == LOST
    assert causes["hangs"].startswith("hung: it made no progress for")
    assert causes["holds_the_lock"].startswith("hung: it held the interpreter's lock (GIL)")
    assert (len(after.done), len(after.failed)) == (1, 3)
    starts = Counter(e.trial.partition(" ")[0] for e in events if e.kind == "started")
    # An event that was sent just before the process ended may be lost.
    assert 1 <= starts.pop("exits") <= MAX_STARTS
    assert starts == {"erm": 1, "hangs": 1, "holds_the_lock": 1}
    assert not [*(tmp_path / "ray/main/.leases").iterdir()]


def test_a_worker_finds_whether_the_node_of_an_earlier_start_was_lost(tmp_path, monkeypatch):
    work = Work((), Execution(), Store.open(tmp_path / "r"), ())
    here = SimpleNamespace(get_node_id=lambda: "aa", get_actor_id=lambda: "a1")
    keeper = SimpleNamespace(reference=SimpleNamespace(remote=lambda: "asked"))
    monkeypatch.setattr(ray, "get", {"asked": ["work"], "work": work}.__getitem__)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: here)
    there = [{"NodeID": "aa", "Alive": True}, {"NodeID": "bb", "Alive": False}]
    monkeypatch.setattr(ray, "nodes", lambda: there)

    claimant = fetched.__wrapped__(keeper).execution.claimant

    assert (claimant.node, claimant.actor) == ("aa", "a1")
    lost = {node: claimant.is_lost(node) for node in ("aa", "bb", "cc", "")}
    assert lost == {"aa": False, "bb": True, "cc": True, "": False}


MEMORY_MESSAGE = """Caught unexpected exception: 1 worker(s) were killed due to the node running \
low on memory. Memory on the node (IP: 192.0.2.7, ID: 51ab) was 61.20GB used / 64.00GB limit (0.95)
Considered workers: [
Selected to kill: (Actor(aa01): job ID=01, task name=Mailbox.__init__, actual memory used=0.06GB)
Selected to kill: (Actor(bb02): job ID=01, task name=PackTrainable.__init__, required \
resources={}, pid=9, actual memory used=2.12GB, worker ID=1d)
(Actor(cc03): job ID=01, task name=PackTrainable.__init__, pid=8, actual memory used=55.26GB)
]"""


def test_the_name_of_the_actors_that_run_packs_is_that_of_their_class():
    assert trainable(None, None).__name__ == TRAINABLE


def test_a_kill_of_the_memory_monitor_names_the_trial_that_used_most_memory():
    error = RuntimeError(MEMORY_MESSAGE)
    error.__cause__ = ray.exceptions.OutOfMemoryError(MEMORY_MESSAGE)

    early = early_end(error)
    assert isinstance(early, OutOfMemory)
    assert (early.actor, early.memory) == ("cc03", "61.20 GB of 64.00 GB in use")
    assert "\n" not in str(early)
    other = early_end(RuntimeError("no room\nTraceback"))
    assert not isinstance(other, OutOfMemory)
    assert str(other) == "Ray Tune ended early: no room"


SMALL = {"CPU": 8.0, "GPU": 1.0}


@pytest.mark.parametrize(
    ("resources", "nodes", "said"),
    [
        (Resources(gpus=1.5), [{"CPU": 8.0, "GPU": 4.0}], r"1\.5\n.*--gpus-per-trial 1 or 2"),
        (Resources(gpus=2), [SMALL, SMALL], "8 CPUs, 1 GPUs; 8 CPUs, 1 GPUs"),
        (Resources(cpus=16), [SMALL], "lower --cpus-per-trial"),
        (Resources(), [], "nodes: none"),
    ],
)
def test_a_request_that_no_node_meets_is_refused_before_it_waits_for_ever(resources, nodes, said):
    with pytest.raises(RunError, match=said):
        allocate(resources, nodes)


def test_a_trial_to_which_ray_grants_a_gpu_needs_one():
    for gpus in (0.0, 0.25, 1.0, 2.0):
        made = with_granted(Execution(), gpus, 1.0)
        assert made.needs_gpu == made.use_gpu == (gpus > 0)
        assert made.gpu_fraction == (0.25 if gpus == 0.25 else 1.0)


def test_a_trial_without_a_gpu_never_takes_the_last_cpu_of_a_gpu_of_a_cluster():
    nodes = [{"CPU": 4.0, "GPU": 4.0, "accelerator_type:L4": 1.0}]
    assert allocate(Resources(gpus=0), nodes) == Resources(1, 0)
    said = r"4 CPUs, 4 GPUs \(L4\)\n  a trial without a GPU leaves one CPU for each GPU of a node"
    with pytest.raises(RunError, match=said):
        allocate(Resources(gpus=0), nodes, leaves_cpus=True)
    assert allocate(Resources(gpus=0), [*nodes, {"CPU": 1.0}], leaves_cpus=True)


def test_a_quarter_of_a_gpu_is_taken_where_there_is_one():
    assert allocate(Resources(), [{"CPU": 8.0}, SMALL]) == Resources(1, 0.25)
    assert allocate(Resources(), [{"CPU": 8.0}]) == Resources(1, 0)


def test_a_trial_that_runs_alone_takes_all_cores_of_the_largest_node_and_a_whole_gpu():
    nodes = [{"CPU": 64.0}, SMALL, {"CPU": 4.0, "GPU": 1.0}]
    assert allocate(Resources(), nodes, whole_node=True) == Resources(8, 1)
    assert allocate(Resources(gpus=0), nodes, whole_node=True) == Resources(64, 0)


def test_a_round_of_one_greedy_trial_gets_a_whole_node():
    placing = Placing(Resources(), Resources(1, 0.25))
    placement = Placement(placing, None, (Node("a", cpus=8.0, gpus=1.0),))
    runner = RayRunner(None, Resources(1, 0.25), placement, (), None)
    assert runner._taken(Execution()) == Resources(1, 0.25)
    lost = replace(placement, here=(Node("b", cpus=64.0),))
    with pytest.raises(RunError, match="64 CPUs, 0 GPUs"):
        # It would leave another record on a CPU.
        replace(runner, placement=lost)._taken(Execution(whole_node=True))
    assert runner._taken(Execution(whole_node=True)) == Resources(8, 1)


def test_a_pack_takes_the_cores_of_all_its_trials_and_one_gpu_at_most():
    assert allocate(Resources(), [SMALL], pack=3) == Resources(3, 0.75)
    assert allocate(Resources(), [SMALL], pack=8) == Resources(8, 1)
    with pytest.raises(RunError, match=r"^2 trials .* 16 CPUs and 0\.5 GPUs\n(.|\n)*--pack"):
        allocate(Resources(cpus=8), [SMALL], pack=2)


def test_a_cluster_that_is_not_there_is_named(tmp_path):
    place = {"address": "127.0.0.1:1", "resources": Resources()}
    with (
        pytest.raises(RunError, match=r"127\.0\.0\.1:1"),
        on_ray([], Execution(), Store.open(tmp_path / "r"), print, **place),
    ):
        pass


def kill_raylet():
    (raylet,) = (p for p in psutil.Process().children() if p.name() == "raylet")
    raylet.kill()
    time.sleep(60)


def test_a_ray_that_is_lost_between_two_rounds_ends_the_run_with_a_message(tmp_path):
    with (
        pytest.raises(ClusterLost, match="Ray was lost: a process that it needs on this machine"),
        on_ray([], Execution(), Store.open(tmp_path / "r"), print, **LOCAL),
    ):
        kill_raylet()


def test_tune_runs_at_most_as_many_packs_at_a_time_as_hold_the_trials_allowed(
    suite_of, tmp_path, monkeypatch
):
    found = []

    class Tuner:
        def __init__(self, trainable, *, tune_config, **_):
            found.append(tune_config.max_concurrent_trials)

        def fit(self):
            pass

    module = "evenhand.execution.ray_tune"
    monkeypatch.setattr("ray.tune.Tuner", Tuner)
    monkeypatch.setattr(f"{module}.connect", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(f"{module}.node_resources", lambda _: [{"CPU": 8.0}, {"CPU": 5.0}])
    monkeypatch.setattr(f"{module}.node_here", tuple)
    monkeypatch.setattr(f"{module}.start_mailbox", lambda: None)
    monkeypatch.setattr(f"{module}.kept", lambda *_: None)
    trials, store = list(suite_of("erm").trials.values()), Store.open(tmp_path / "ray")
    for most in (5, None):
        execution = Execution(pack=2)
        with on_ray(trials, execution, store, print, max_concurrent=most, **LOCAL) as runner:
            work = runner._work(make_packs(trials, 2), execution, store)
            _fit(work, {}, runner.mailbox, str(tmp_path), runner.together)
            assert runner.slots == 2 * (4 + 2)

    assert found == [2, None]
