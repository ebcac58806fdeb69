"""A Ray cluster of real raylets on one machine, which faults can hit.

Where the process has network namespaces of its own (`python -m tests.faults.isolated`), each node
lies in one, with an address, a host name and a link that can be cut. Elsewhere all nodes are
raylets of this machine.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

PREFIX = "EVENHAND_CAMPAIGN_"
"""Beginning of the names of the plugin's settings."""
ROOT = Path(__file__).parents[2]
MARK = f"{PREFIX}MARK"
NODE = f"{PREFIX}NODE"
NETWORK = "10.77.0"
GROUPS = Path("/sys/fs/cgroup/memory")
MEMORY = 3_500_000_000
"""Bytes of a node whose memory is limited."""


def tool(*words: str, check: bool = True) -> str:
    """Run a program of the system; what it prints."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


@dataclass(frozen=True)
class Program:
    """A process of the campaign."""

    pid: int
    node: str
    """Number of its node; empty where it runs beside the cluster."""
    words: str
    """Its command line; Ray's workers show what they run."""

    def kill(self) -> None:
        """Kill it, if it has not ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


@dataclass
class Cluster:
    """Nodes by number, the head being 1, and the programs of the campaign."""

    folder: Path
    isolated: bool
    limited: bool
    """Whether each node has a memory limit of its own."""
    settings: dict[str, str] = field(default_factory=dict)
    """Environment of all nodes."""
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    port: int = 0
    sessions: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ray-")))
    """Folder of Ray's sockets, whose name must be short."""
    parents: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    """Process that started each node."""
    again: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What starts a node again."""

    def __post_init__(self) -> None:
        token = self.folder / "token"
        token.write_text(uuid.uuid4().hex)
        token.chmod(0o600)
        self.settings |= {
            MARK: self.mark,
            "PYTHONPATH": os.pathsep.join(str(ROOT / n) for n in ("harness", "reports", "")),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_memory_monitor_refresh_ms": "250",
            "PYTHONUNBUFFERED": "1",
        }
        if self.isolated:
            tool("ip", "link", "set", "lo", "up")
            tool("ip", "link", "add", "bridge", "type", "bridge")
            tool("ip", "addr", "add", f"{NETWORK}.254/24", "dev", "bridge")
            tool("ip", "link", "set", "bridge", "up")
        self.port = 6399 if self.isolated else _free_port()

    @property
    def address(self) -> str:
        """Address of the head."""
        return f"{self.ip('1')}:{self.port}"

    def ip(self, node: str) -> str:
        """Address of a node."""
        return f"{NETWORK}.{node}" if self.isolated else "127.0.0.1"

    def environment(self, node: str, **more: str) -> dict[str, str]:
        """Environment of a process on a node."""
        return os.environ | self.settings | {NODE: f"{self.mark}-{node}"} | more

    def on_node(self, node: str, words: Sequence[str]) -> list[str]:
        """A command line that runs on a node."""
        if not self.isolated:
            return list(words)
        enter = ["nsenter", f"--net=/run/netns/n{node}", "unshare", "--uts", "--mount"]
        return [
            *enter,
            "sh",
            "-c",
            f'hostname n{node}; {self._limit(node)} exec "$@"',
            "sh",
            *words,
        ]

    def _limit(self, node: str) -> str:
        """Shell commands that put a node into a memory group of its own, which it sees as all."""
        if not self.limited:
            return ""
        group = GROUPS / f"{self.mark[:8]}-{node}"
        group.mkdir(exist_ok=True)
        (group / "memory.limit_in_bytes").write_text(str(MEMORY))
        return f"echo $$ > {group}/cgroup.procs; mount --bind {group} {GROUPS};"

    def start(self, node: str, *, cpus: int = 1, before: str = "", **more: str) -> None:
        """Start a node; `before` is a shell command that runs first, in its mount namespace."""
        self.again[node] = partial(self.start, node, cpus=cpus, before=before, **more)
        if self.isolated and not Path(f"/run/netns/n{node}").exists():
            self._connect(node)
        where = [f"--address={self.address}"]
        if node == "1":
            where = ["--head", f"--port={self.port}", f"--temp-dir={self.sessions}"]
            where += ["--include-dashboard=false"]
        words = [sys.executable, "-m", "ray.scripts.scripts", "start", *where, "--block"]
        words += [f"--num-cpus={cpus}", "--num-gpus=0", "--object-store-memory=80000000"]
        words += [f"--node-ip-address={self.ip(node)}", "--disable-usage-stats"]
        if self.isolated and node != "1":
            # Each machine has a folder of its own for Ray.
            own = self.folder / f"ray-{node}"
            own.mkdir(exist_ok=True)
            before = f"mount --bind {own} {self.sessions}; {before}"
            # It does not see the processes of the driver's machine either.
            words = ["unshare", "--pid", "--fork", "--mount-proc", *words]
        if before:
            words = ["sh", "-c", f'{before} exec "$@"', "sh", *words]
        with self._log(node).open("w") as log:
            process = subprocess.Popen(
                self.on_node(node, words),
                env=self.environment(node, **more),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
            )
        self.parents[node] = process

    def _connect(self, node: str) -> None:
        """Make the network namespace of a node."""
        tool("ip", "netns", "add", f"n{node}")
        tool(*f"ip link add v{node} type veth peer name eth0 netns n{node}".split())
        tool(*f"ip link set v{node} master bridge up".split())
        for words in (
            "link set lo up",
            f"addr add {self.ip(node)}/24 dev eth0",
            "link set eth0 up",
            # Ray finds the address of a machine by its route to the rest of the world.
            f"route add default via {NETWORK}.254",
        ):
            tool("ip", "-n", f"n{node}", *words.split())

    def _log(self, node: str) -> Path:
        return self.folder / f"node-{node}.log"

    def wait_for(self, n_nodes: int, seconds: float = 150.0) -> None:
        """Wait until so many nodes have started; one that was too slow for Ray starts again."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            texts = {node: self._log(node).read_text() for node in self.parents}
            if sum("Ray runtime started" in text for text in texts.values()) >= n_nodes:
                return
            for node in [n for n, parent in self.parents.items() if parent.poll() is not None]:
                again = self.again[node]
                self.kill(node)
                again()
            time.sleep(0.3)
        raise OSError(f"{n_nodes} nodes did not start within {seconds:g} s")

    def programs(self, node: str | None = None) -> list[Program]:
        """Programs of the campaign, or of one node."""
        found = list(self._programs())
        return [each for each in found if node in (None, each.node)]

    def _programs(self) -> Iterator[Program]:
        nets = self._namespaces()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with suppress(OSError):
                content = (entry / "environ").read_bytes().decode(errors="replace")
                net = nets.get(str((entry / "ns/net").readlink()), "")
                marked = re.search(rf"{NODE}={self.mark}-(\w*)", content)
                if not net and not marked:
                    continue
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
                if words:
                    node = net or (marked[1] if marked else "")
                    yield Program(int(entry.name), node, words.replace("\0", " ").strip())

    def _namespaces(self) -> dict[str, str]:
        """Node by the identity of its network namespace."""
        if not self.isolated:
            return {}
        found = {}
        for file in Path("/run/netns").iterdir():
            found[f"net:[{file.stat().st_ino}]"] = file.name.removeprefix("n")
        return found

    def kill(self, node: str) -> None:
        """Kill all processes of a node but the drivers."""
        for _ in range(3):
            for program in self.programs(node):
                if "evenhand" not in program.words.split(" run ")[0]:
                    program.kill()
            time.sleep(0.1)
        if node in self.parents:
            self.parents.pop(node).wait()
        with suppress(FileNotFoundError):
            self._log(node).rename(self.folder / f"node-{node}-ended-{time.monotonic():.0f}.log")

    def close(self) -> list[Program]:
        """Kill all programs; those that are left."""
        for node in list(self.parents):
            self.kill(node)
        for _ in range(20):
            left = self.programs()
            for program in left:
                program.kill()
            if not left:
                break
            time.sleep(0.2)
        shutil.rmtree(self.sessions, ignore_errors=True)
        if self.limited:
            for group in GROUPS.glob(f"{self.mark[:8]}-*"):
                with suppress(OSError):
                    group.rmdir()
        return left


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
