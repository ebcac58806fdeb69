"""Comparison of a node with the driver; it runs on the node, before any trial is placed there.

What a node reads from its own disk is checked: its code, its packages, its copies of prepared data
sets, and files of initial weights. Data sets of which it has no copy travel from the driver.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from evenhand.declared.base import Part
from evenhand.declared.plugin import Plugin
from evenhand.declared.plugin_modules import plugin_of
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial
from evenhand.errors import BackboneError, DataError, EvenhandError
from evenhand.execution.execute import Execution
from evenhand.execution.node_copies import ExpectedData
from evenhand.execution.preflight import NetworkInput, build_network, input_of, source_key
from evenhand.execution.provenance import Gpu, gpu
from evenhand.execution.trial_parts import parts_of
from evenhand.store import Store

COMPARED = ("torch", "torchvision", "timm", "numpy")
"""Packages whose versions must be those of the driver."""
LEAST_DISK_GB, LEAST_MEMORY_GB = 1.0, 1.0


@dataclass(frozen=True)
class Expected:
    """What a node must have in common with the driver."""

    digest: str
    """Digest of the code of this package."""
    versions: Mapping[str, str]
    """Versions of the compared packages."""
    store: Store
    gpus: float
    """GPUs of a trial."""
    offered: float = 0.0
    """GPUs that Ray offers on the node."""
    cuda: str | None = None
    """CUDA and cuDNN of the driver, or of the first node with a GPU where the driver has none."""
    plugins: tuple[Plugin, ...] = ()
    """Plugin files, which travel to the node."""
    codes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Digests of the parts of installed packages other than this one, by kind and name."""
    networks: tuple[tuple[Part, NetworkInput], ...] = ()
    """Networks whose initial weights are read from files of the node."""
    data: ExpectedData = field(default_factory=ExpectedData)
    """Data sets of the run."""

    @classmethod
    def of(
        cls,
        trials: Iterable[Trial],
        execution: Execution,
        store: Store,
        plugins: tuple[Plugin, ...] = (),
        *,
        gpus: float,
    ) -> Expected:
        """What trials need on a node, as this process has it."""
        trials = list(trials)
        return cls(
            digest=code_digest(),
            versions=package_versions(),
            store=store,
            gpus=gpus,
            cuda=cuda_version() if gpus else None,
            plugins=plugins,
            codes=_codes(trials),
            networks=_networks(trials, execution),
            data=ExpectedData.of(execution),
        )

    def for_node(self, offered: float, cuda: str | None) -> Expected:
        """What a node must have on which Ray offers a number of GPUs."""
        return replace(self, gpus=self.gpus if offered else 0.0, offered=offered, cuda=cuda)


class Findings(NamedTuple):
    """What a check found on a node."""

    problems: list[str]
    """What keeps the node from training, each with what to do; empty for a good node."""
    cuda: str | None = None
    """CUDA and cuDNN of the node; None where it needs none."""
    gpu: Gpu | None = None
    """Its GPUs; None where it has none or none is needed."""
    notes: tuple[str, ...] = ()
    """What is told of a node that may train."""


@cache
def code_digest() -> str:
    """Digest of the code of this package, as it is installed where this runs."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def package_versions() -> dict[str, str]:
    """Versions of the compared packages, without what follows a "+": the build of torch."""
    found = {}
    for package in COMPARED:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package).partition("+")[0]
    return found


def cuda_version() -> str | None:
    """CUDA and cuDNN with which torch computes here; None where no GPU works.

    Their versions change the rounding of a training. The version of the GPU's driver does not, so
    that it is not compared; records state it.
    """
    import torch

    if not torch.cuda.is_available():
        return None
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return f"CUDA {torch.version.cuda}, cuDNN {cudnn}"


def _codes(trials: Iterable[Trial]) -> dict[tuple[str, str], str]:
    return {
        (kind, part.name): part.code
        for trial in trials
        for kind, part in parts_of(trial)
        if part.code and plugin_of(REGISTRY.get(kind, part.name).make.__module__) is None
    }


def _networks(
    trials: Iterable[Trial], execution: Execution
) -> tuple[tuple[Part, NetworkInput], ...]:
    """The networks of trials whose weights are read from files, each once."""
    found: dict[str, tuple[Part, NetworkInput]] = {}
    for trial in trials:
        source = execution.sources.get(source_key(trial.problem.dataset))
        if source is None or trial.posthoc is not None:
            continue
        network = trial.recipe.backbone, input_of(source)
        if str(network) not in found and _reads_files(*network):
            found[str(network)] = network
    return tuple(found.values())


def _reads_files(backbone: Part, given: NetworkInput) -> bool:
    from evenhand.backbones.names import Backbone

    sizes = {"in_channels": given.channels, "image_size": given.side}
    if REGISTRY.get("backbone", backbone.name).facts.get("fits") == "any":
        return False
    made = REGISTRY.make("backbone", backbone, **sizes)
    return isinstance(made, Backbone) and bool(made.weights or made.options.get("pretrained"))


def check_node(expected: Expected, node: str) -> Findings:
    """Compare this node with the driver."""
    found = []
    if code_digest() != expected.digest:
        found.append(
            f"its code of Evenhand differs (digest {code_digest()}; the driver has "
            f"{expected.digest}); install the same commit there, or run with --ship-code"
        )
    here = package_versions()
    differing = [
        f"{name} {here.get(name, 'missing')} (the driver has {wanted})"
        for name, wanted in expected.versions.items()
        if here.get(name) != wanted
    ]
    if differing:
        found.append(f"versions differ: {', '.join(differing)}; install those of the driver")
    broken = _imports()
    found += broken or (_gpus(expected) + _parts(expected))
    found += _room()
    copies = expected.data.check()
    found += copies.damaged
    try:
        expected.store.probe(node)
    except EvenhandError as error:
        found.append(
            f"it does not share the results ({_first(error)}); mount the same folder there"
        )
    if not expected.gpus:
        return Findings(found, notes=tuple(copies.notes))
    return Findings(found, None if broken else cuda_version(), gpu(), tuple(copies.notes))


def _first(error: BaseException) -> str:
    """The first line of an error."""
    return str(error).partition("\n")[0]


def _imports() -> list[str]:
    """What is wrong with the packages that every trial imports."""
    try:
        import timm  # noqa: F401
        import torch  # noqa: F401
        import torchvision  # noqa: F401
    except Exception as error:
        reason = f"{type(error).__name__}: {_first(error)}"
        return [f"torch, torchvision and timm cannot be imported there ({reason})"]
    return []


def _gpus(expected: Expected) -> list[str]:
    """What is wrong with the GPUs, their driver or CUDA."""
    import torch

    if not expected.gpus:
        return []
    if not torch.cuda.is_available():
        return ["Ray offers GPUs there, and CUDA does not work; look at `nvidia-smi` there"]
    seen, here = torch.cuda.device_count(), cuda_version()
    if seen < expected.offered:
        return [
            f"Ray offers {expected.offered:g} GPUs there, and CUDA finds {seen}; look at "
            "`nvidia-smi` there, and start Ray with that number"
        ]
    return differing_cuda(here, expected.cuda)


def differing_cuda(here: str | None, expected: str | None) -> list[str]:
    """What is wrong where a node has another CUDA than the driver, or than other nodes."""
    if expected in (None, here):
        return []
    return [
        f"torch computes with {here} there, and with {expected} elsewhere; install the same build "
        "of torch there"
    ]


def _parts(expected: Expected) -> list[str]:
    """What is wrong with plugins, installed packages of parts, and files of weights."""
    try:
        for plugin in expected.plugins:
            plugin.load()
        here = {place: REGISTRY.get(*place).code for place in expected.codes}
    except EvenhandError as error:
        return [f"its plugins do not work there ({_first(error)}); install what they import there"]
    found = [
        f"the code of the {kind} {name!r} differs there; install its package in the same version"
        for (kind, name), code in expected.codes.items()
        if here[kind, name] != code
    ]
    # The check of the copies names a data root that is none.
    with contextlib.suppress(DataError), expected.data.on_node():
        for backbone, given in expected.networks:
            try:
                build_network(backbone, given)
            except (BackboneError, DataError) as error:
                found.append(f"the network {backbone} cannot be made there ({_first(error)})")
    return found


def _room() -> list[str]:
    """What is wrong with the disk or the memory of this node."""
    found = []
    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    if free < LEAST_DISK_GB:
        found.append(f"{free:.1f} GB of disk are free in {tempfile.gettempdir()}; free some")
    memory = _available_memory_gb()
    if memory is not None and memory < LEAST_MEMORY_GB:
        found.append(f"{memory:.1f} GB of memory are available there; end other programs")
    return found


def _available_memory_gb() -> float | None:
    """Available memory; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return float(found[0]) / 1e6 if found else None
