"""What must hold after a schedule; each check gives sentences on what does not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evenhand.store import Store
from tests.faults.schedules import KINDS, Fault

FIELDS = {"evaluations", "curves", "data"}


def record_problems(keys: Sequence[str], store: Store, reference: Mapping[str, str]) -> list[str]:
    """Every trial has one whole record, whose results are those of the undisturbed run."""
    found = {record.key: record for record in store.records()}
    problems = [f"unreadable: {fault}" for fault in store.faults]
    problems += [f"{key} has no record" for key in keys if key not in found]
    problems += [f"{key} is a record of no trial" for key in found if key not in keys]
    for key in keys:
        if key in found and found[key].exit.status != "done":
            problems.append(f"{key} is {found[key].exit.status}: {found[key].exit.cause}")
        elif key in found and found[key].model_dump_json(include=FIELDS) != reference[key]:
            problems.append(f"{key} differs from the undisturbed run")
    leases = store.leases.all()
    return problems + [f"{key} has a lease left, of {leases[key].holder}" for key in leases]


def journal_problems(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Nothing is trained again beyond its last saved state, and nothing by two processes at once.

    lines: the journal, whose lines are in the order in which they were written.
    """
    problems = []
    done = Counter(line["key"] for line in lines if line.get("status") == "done")
    problems += [f"{key} has {n} finished records" for key, n in done.items() if n > 1]
    for key in {line["key"] for line in lines}:
        problems += _of_trial(key, [line for line in lines if line["key"] == key])
    return problems


def _of_trial(key: str, lines: Sequence[Mapping[str, Any]]) -> list[str]:
    saved, holder, is_done, problems = None, None, False, []
    for line in lines:
        if line["what"] == "start":
            if is_done:
                problems.append(f"{key} was started again after its record")
            elif saved is not None and line["state"] != saved:
                problems.append(f"{key} did not resume from its last state")
            holder = line["process"]
        elif line["what"] == "save":
            saved = line["state"]
            if holder != line["process"]:
                problems.append(f"{key} was trained by {line['process']} and {holder} at once")
        else:
            is_done |= line["status"] == "done"
    return problems


def run_problems(
    code: int, text: str, faults: Sequence[Fault], causes: Sequence[str] = ()
) -> list[str]:
    """The exit code of a run is right, and its message names the cause.

    faults: what was hit while it ran, and traps that were set before. causes: causes of the failed
    records after it.
    """
    kinds = [KINDS[fault.kind] for fault in faults]
    name = ", ".join(fault.kind for fault in faults) or "nothing"
    problems = []
    if "Traceback" in text or "(raylet)" in text:
        problems.append(f"a traceback or a line of Ray was printed after {name}")
    if code == 0:
        return problems
    fitting = [kind for kind in kinds if code in kind.codes]
    if not fitting:
        problems.append(f"exit code {code} after {name}: {last_line(text)}")
    told = [kind.told for kind in fitting]
    if told and not any(re.search(pattern, text) for pattern in told):
        problems.append(f"the message does not name {name}: {last_line(text)}")
    fails = [kind.fails for kind in kinds if kind.fails]
    problems += [
        f"a trial failed for another reason: {cause}"
        for cause in causes
        if not any(re.search(pattern, cause) for pattern in fails)
    ]
    return problems


def last_line(text: str) -> str:
    """The last line that a run printed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing was printed"
