"""What each kind of fault does to a world."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from tests.faults.nodes import ROOT, Program, tool
from tests.faults.schedules import KINDS, Fault
from tests.faults.world import Run, World

Strike = Callable[[World, Run, Fault], bool]
"""Hit a world; False where there is nothing to hit yet."""


def strike(world: World, run: Run, fault: Fault) -> bool:
    """Hit a world with a fault; False where there is nothing to hit yet."""
    return STRIKES[fault.kind](world, run, fault)


def _kill_one(found: list[Program]) -> bool:
    for program in found[:1]:
        program.kill()
    return bool(found)


def _worker_killed(world: World, _: Run, fault: Fault) -> bool:
    workers = world.workers()
    chosen = [w for w in workers if w.node == str(fault.node)] or workers
    return _kill_one(chosen)


def _mailbox_killed(world: World, _: Run, __: Fault) -> bool:
    return _kill_one([p for p in world.cluster.programs() if p.words.startswith("ray::Mailbox")])


def _node_killed(world: World, _: Run, fault: Fault) -> bool:
    world.cluster.kill(str(fault.node))
    return True


def _nodes_replaced(world: World, _: Run, __: Fault) -> bool:
    old = [node for node in world.cluster.parents if node != "1"]
    for node in old:
        world.cluster.kill(node)
    for _unused in old:
        world.cluster.start(_next_node(world))
    return True


def _head_killed(world: World, _: Run, __: Fault) -> bool:
    nodes = len(world.cluster.parents)
    for program in world.cluster.programs("1"):
        if "-m evenhand run" not in program.words:
            program.kill()

    def again() -> None:
        for node in list(world.cluster.parents):
            world.cluster.kill(node)
        world.begin(max(2, nodes))

    world.later(600, again)
    return True


def _driver_killed(_: World, run: Run, __: Fault) -> bool:
    os.kill(run.process.pid, signal.SIGKILL)
    return True


def _driver_stopped(_: World, run: Run, __: Fault) -> bool:
    os.kill(run.process.pid, signal.SIGTERM)
    return True


def _link(node: int, state: str) -> None:
    tool("ip", "link", "set", f"v{node}", state, check=False)


def _network_cut(world: World, _: Run, fault: Fault) -> bool:
    _link(fault.node, "down")
    world.later(fault.seconds, partial(_link, fault.node, "up"))
    return True


def _normal_link(device: str) -> None:
    tool("tc", "qdisc", "del", "dev", device, "root", check=False)


def _slow_link(world: World, _: Run, fault: Fault) -> bool:
    device = f"v{fault.node}"
    limits = ["rate", "400kbit", "burst", "16k", "latency", "300ms"]
    tool("tc", "qdisc", "replace", "dev", device, "root", "tbf", *limits)
    world.later(fault.seconds, partial(_normal_link, device))
    return True


def _disk_full(world: World, _: Run, fault: Fault) -> bool:
    filler = world.root.parent / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"0" * 65536)
            file.flush()
    world.later(fault.seconds, partial(filler.unlink, missing_ok=True))
    return True


def _root_read_only(world: World, _: Run, fault: Fault) -> bool:
    def mount(how: str) -> None:
        tool("mount", "-o", f"remount,{how}", str(world.root.parent))

    try:
        mount("ro")
    except OSError:
        # A file is open for writing at this moment.
        return False
    world.later(fault.seconds, partial(mount, "rw"))
    return True


def _root_vanished(world: World, _: Run, fault: Fault) -> bool:
    if not world.root.exists():
        return False
    away = world.root.with_name("away")
    world.root.rename(away)

    def back() -> None:
        if world.root.exists():
            world.root.rename(world.root.with_name("recreated"))
        away.rename(world.root)

    world.later(fault.seconds, back)
    return True


def _trap(how: str, world: World, _: Run, __: Fault) -> bool:
    (world.folder / "traps" / f"{how}.set").touch()
    return True


def _second_driver(inline: bool, world: World, _: Run, __: Fault) -> bool:
    world.start_run(inline=inline, is_second=True)
    return True


def _next_node(world: World) -> str:
    return str(max([4, *(int(node) + 1 for node in world.cluster.parents)]))


def _node_joins(world: World, _: Run, __: Fault) -> bool:
    world.cluster.start(_next_node(world))
    return True


def _other_code_joins(world: World, _: Run, __: Fault) -> bool:
    copy = world.folder / "other"
    tool("cp", "-r", str(ROOT / "harness"), str(copy))
    with (copy / "evenhand/__init__.py").open("a") as file:
        file.write("\n# Another version.\n")
    path = world.cluster.settings["PYTHONPATH"].replace(str(ROOT / "harness"), str(copy))
    world.cluster.start(_next_node(world), PYTHONPATH=path)
    return True


def _without_folder_joins(world: World, _: Run, __: Fault) -> bool:
    hide = f"mount -t tmpfs -o size=8m tmpfs {world.root.parent};"
    world.cluster.start(_next_node(world), before=hide)
    return True


def _with_clock_joins(world: World, _: Run, __: Fault) -> bool:
    world.cluster.start(_next_node(world), EVENHAND_CAMPAIGN_CLOCK="-3600")
    return True


def _objects_away(world: World, _: Run, fault: Fault) -> bool:
    assert world.objects is not None
    os.kill(world.objects.pid, signal.SIGSTOP)
    world.later(fault.seconds * 2, partial(os.kill, world.objects.pid, signal.SIGCONT))
    return True


STRIKES: dict[str, Strike] = {
    "worker killed": _worker_killed,
    "node killed": _node_killed,
    "nodes replaced": _nodes_replaced,
    "mailbox killed": _mailbox_killed,
    "driver killed": _driver_killed,
    "driver stopped by SIGTERM": _driver_stopped,
    "head killed": _head_killed,
    "network cut": _network_cut,
    "network cut for long": _network_cut,
    "slow link": _slow_link,
    "disk full": _disk_full,
    "root read-only": _root_read_only,
    "root vanished": _root_vanished,
    "trial hangs": partial(_trap, "hang"),
    "trial holds the GIL": partial(_trap, "lock"),
    "trial takes all memory": partial(_trap, "memory"),
    "second driver": partial(_second_driver, False),
    "second driver inline": partial(_second_driver, True),
    "node joins": _node_joins,
    "node with other code joins": _other_code_joins,
    "node without the folder joins": _without_folder_joins,
    "node with its clock set back joins": _with_clock_joins,
    "object storage away": _objects_away,
}
assert STRIKES.keys() == KINDS.keys()
