"""One schedule of faults from start to end.

    python -m tests.faults.campaign --folder FOLDER SEED

The process moves into network, mount and process namespaces of its own where it may. It prints the
outcome as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from evenhand.store import Store
from tests.faults import checks
from tests.faults.nodes import GROUPS, tool
from tests.faults.schedules import FIXED, KINDS, MOST_SEEDS, Fault, Schedule, draw
from tests.faults.strikes import strike
from tests.faults.world import PLUGIN, Run, World, write_suite

MOST_SECONDS = 900.0
"""Time after which a schedule is given up."""
MOST_RUNS = 8
IN_VAIN = 25.0
"""Time for which a fault waits for something to hit."""
NAMESPACED = "EVENHAND_CAMPAIGN_NAMESPACED"


@dataclass
class Outcome:
    """What came of a schedule."""

    seed: int
    trials: int
    faults: list[str]
    codes: list[int] = field(default_factory=list)
    """Exit codes of the runs, in the order in which they were started."""
    said: list[str] = field(default_factory=list)
    """The last line of each run."""
    resumed: int = 0
    """Trials that went on from a saved state."""
    problems: list[str] = field(default_factory=list)
    not_hit: list[str] = field(default_factory=list)
    """Faults whose moment did not come."""
    seconds: float = 0.0


@dataclass
class Campaign:
    """The course of one schedule in its world."""

    world: World
    outcome: Outcome
    pending: list[Fault]
    struck: list[Fault] = field(default_factory=list)
    until: float = field(default_factory=lambda: time.monotonic() + MOST_SECONDS)

    def play(self) -> None:
        """Start runs, as a user would, until every trial is done."""
        again: list[str] = []
        for _ in range(MOST_RUNS):
            before = len(self.world.journal())
            run = self.world.start_run(*again)
            # A trap may wait for a trial of a later run.
            run.faults += [fault for fault in self.struck if KINDS[fault.kind].fails]
            self._accompany(run, before)
            if run.code == 1:
                run.causes = self._causes()
            self.world.heal(all_=True)
            if time.monotonic() > self.until:
                self.outcome.problems.append(f"not over after {MOST_SECONDS:g} s")
                return
            again = ["--retry-failed"] if run.code == 1 else []
            if run.code == 0:
                break
        self._wait_for_seconds()

    def _accompany(self, run: Run, before: int) -> None:
        """Hit the world while a run goes on."""
        began = time.monotonic()
        while run.code is None:
            if time.monotonic() > self.until:
                return
            self.world.heal()
            if self.pending and self._is_due(self.pending[0], began, before):
                fault = self.pending.pop(0)
                self._strike(fault, run)
            time.sleep(0.2)

    def _is_due(self, fault: Fault, began: float, before: int) -> bool:
        if fault.share < 0:
            return time.monotonic() - began >= fault.delay
        trains = len(self.world.journal()) > before
        return trains and self.world.done() >= fault.share * self.world.n_trials

    def _causes(self) -> list[str]:
        """Causes of the records that failed."""
        ends = [record.exit for record in self.world.open_store().records()]
        return [end.cause for end in ends if end.status in ("failed", "diverged")]

    def _strike(self, fault: Fault, run: Run) -> None:
        time.sleep(max(0.0, fault.delay) if fault.share >= 0 else 0.0)
        until = time.monotonic() + IN_VAIN
        while run.code is None and time.monotonic() < until:
            if strike(self.world, run, fault):
                self.struck.append(fault)
                for each in self.world.runs:
                    if each.code is None or each is run:
                        each.faults.append(fault)
                return
            time.sleep(0.2)
        self.outcome.not_hit.append(fault.kind)

    def _wait_for_seconds(self) -> None:
        """Wait for second drivers, which wait for records of others themselves."""
        for run in self.world.runs:
            while run.code is None and time.monotonic() < self.until:
                time.sleep(0.2)
            if run.code is None:
                self.outcome.problems.append("a second run did not end")

    def check(self, keys: Sequence[str], reference: dict[str, str]) -> None:
        """Note everything that does not hold."""
        world, outcome = self.world, self.outcome
        outcome.not_hit += [fault.kind for fault in self.pending]
        outcome.not_hit += [f"trial for {trap.stem}" for trap in world.trapped()]
        self._check_leftovers()
        lines = world.journal()
        outcome.resumed = len({x["key"] for x in lines if x.get("state") and x["what"] == "start"})
        outcome.problems += checks.record_problems(keys, world.open_store(), reference)
        outcome.problems += checks.journal_problems(lines)
        for run in world.runs:
            code = run.code if run.code is not None else -9
            outcome.codes.append(code)
            outcome.said.append(checks.last_line(run.text))
            outcome.problems += checks.run_problems(code, run.text, run.faults, run.causes)

    def _check_leftovers(self) -> None:
        """No process of a run is left, beside those that every node of Ray has."""
        until = time.monotonic() + 20
        while (left := self.world.of_runs()) and time.monotonic() < until:
            time.sleep(0.5)
        self.outcome.problems += [f"{p.words} is left on node {p.node}" for p in left]


def keys_and_reference(schedule: Schedule, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Keys of the trials of a schedule, and results of an undisturbed run by key.

    The undisturbed run trains the trials of all schedules once, inline, and without the campaign's
    environment, so that its steps are quick.
    """
    # An edited plugin makes other trials.
    place = folder / f"undisturbed-{zlib.crc32(PLUGIN.read_bytes())}"
    place.mkdir(exist_ok=True)
    suite = place / "campaign.yaml"
    write_suite(suite, MOST_SEEDS)
    words = [sys.executable, "-P", "-m", "evenhand", "run", str(suite), "--plugin", str(PLUGIN)]
    words += ["--results", str(place / "results"), "--inline"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"the undisturbed run failed: {done.stdout}{done.stderr}")
    records = Store.open(place / "results").records()
    results = {record.key: record.model_dump_json(include=checks.FIELDS) for record in records}
    return [r.key for r in records if r.trial.seed < schedule.n_seeds], results


def play(schedule: Schedule, folder: Path, *, keep: bool = False) -> Outcome:
    """Play a schedule; `folder` has the undisturbed run, and gets what a failed one left."""
    began = time.monotonic()
    keys, reference = keys_and_reference(schedule, folder)
    place = Path(tempfile.mkdtemp(prefix="s", dir=folder))
    limited = any("memory" in KINDS[fault.kind].needs for fault in schedule.faults)
    world = World(schedule, place, isolated=NAMESPACED in os.environ, limited=limited)
    outcome = Outcome(schedule.seed, world.n_trials, [str(fault) for fault in schedule.faults])
    campaign = Campaign(world, outcome, list(schedule.faults))
    try:
        world.begin()
        campaign.play()
        campaign.check(keys, reference)
    except OSError as error:
        outcome.problems.append(f"the campaign failed: {error}")
    finally:
        if outcome.problems and world.root.exists():
            shutil.copytree(world.root, place / "copy", dirs_exist_ok=True)
        left = world.close()
        outcome.problems += [f"{program.words} cannot be ended" for program in left]
        outcome.seconds = round(time.monotonic() - began, 1)
        if not outcome.problems and not keep:
            shutil.rmtree(place, ignore_errors=True)
    return outcome


def isolation() -> list[str]:
    """Words that start a program in namespaces of its own; empty where that is not allowed."""
    words = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    words += ["--map-root-user"] if os.geteuid() else []
    trial = "mount -t tmpfs tmpfs /run && ip link add bridge type bridge && ip netns add n1"
    try:
        done = subprocess.run([*words, "sh", "-c", trial], capture_output=True, check=False)
    except OSError:
        return []
    return [] if done.returncode else words


def place() -> frozenset[str]:
    """What this machine has for faults."""
    found = {"namespaces"} if isolation() else set()
    if found and os.access(GROUPS / "memory.limit_in_bytes", os.W_OK):
        found.add("memory")
    return frozenset(found)


def main() -> None:
    """Play the schedule of a seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("seed", type=int)
    given = parser.parse_args()
    if NAMESPACED not in os.environ and (words := isolation()):
        os.environ[NAMESPACED] = ",".join(sorted(place()))
        again = [*words, sys.executable, "-P", "-m", "tests.faults.campaign", *sys.argv[1:]]
        os.execvp(again[0], again)
    has = frozenset(os.environ.get(NAMESPACED, "").split(",")) - {""}
    if has:
        tool("mount", "-t", "tmpfs", "tmpfs", "/run")
    given.folder.mkdir(parents=True, exist_ok=True)
    fixed = {schedule.seed: schedule for schedule in FIXED}
    schedule = fixed.get(given.seed) or draw(given.seed, place=has)
    outcome = play(schedule, given.folder.absolute(), keep=given.keep)
    print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    main()
