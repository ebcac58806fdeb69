"""The Kubernetes manifest is valid, and fits the image and the package.

Pods are checked against the schema of Kubernetes. The operator's own fields are checked against the
models below, which list the fields that the manifest uses.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, Literal

import kubernetes_validate
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field
from typer.main import get_command

from evenhand.cli.app import app

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "docker/kuberay.yaml"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Template(Part):
    spec: dict[str, Any]


class Head(Part):
    rayStartParams: dict[str, str]  # noqa: N815
    template: Template


class Workers(Head):
    groupName: str = Field(pattern=r"^[a-z][-a-z0-9]*$")  # noqa: N815
    replicas: int = Field(ge=0)
    minReplicas: int = Field(ge=0)  # noqa: N815
    maxReplicas: int = Field(ge=1)  # noqa: N815


class Authentication(Part):
    mode: Literal["token"]


class Autoscaler(Part):
    version: Literal["v1", "v2"]
    upscalingMode: Literal["Default", "Aggressive", "Conservative"]  # noqa: N815
    idleTimeoutSeconds: int  # noqa: N815
    resources: dict[str, dict[str, str]]


class ClusterSpec(Part):
    rayVersion: str  # noqa: N815
    authOptions: Authentication  # noqa: N815
    enableInTreeAutoscaling: Literal[True]  # noqa: N815
    autoscalerOptions: Autoscaler  # noqa: N815
    headGroupSpec: Head  # noqa: N815
    workerGroupSpecs: list[Workers]  # noqa: N815


class JobSpec(Part):
    """A job on a cluster that exists, which the operator refuses with a `backoffLimit`."""

    clusterSelector: dict[Literal["ray.io/cluster"], str]  # noqa: N815
    entrypoint: str
    submissionMode: Literal["K8sJobMode", "HTTPMode"]  # noqa: N815
    submitterPodTemplate: Template  # noqa: N815


class Cluster(Part):
    apiVersion: Literal["ray.io/v1"]  # noqa: N815
    kind: Literal["RayCluster"]
    metadata: dict[Literal["name"], str]
    spec: ClusterSpec


class Job(Part):
    apiVersion: Literal["ray.io/v1"]  # noqa: N815
    kind: Literal["RayJob"]
    metadata: dict[Literal["name"], str]
    spec: JobSpec


@pytest.fixture
def manifest() -> tuple[Cluster, Job]:
    cluster, job = yaml.safe_load_all(MANIFEST.read_text())
    return Cluster.model_validate(cluster), Job.model_validate(job)


def templates(cluster: Cluster, job: Job) -> list[dict[str, Any]]:
    groups = [cluster.spec.headGroupSpec, *cluster.spec.workerGroupSpecs]
    return [group.template.spec for group in groups] + [job.spec.submitterPodTemplate.spec]


def test_every_pod_is_valid_and_runs_without_privileges(manifest):
    for spec in templates(*manifest):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": spec}
        kubernetes_validate.validate(pod, "1.34", strict=True)
        assert spec["securityContext"]["runAsNonRoot"]
        for container in spec["containers"]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_all_pods_have_one_image_and_its_version_of_ray(manifest):
    pods = templates(*manifest)
    assert len({container["image"] for spec in pods for container in spec["containers"]}) == 1
    [pinned] = re.findall(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert manifest[0].spec.rayVersion == pinned


def test_trials_run_on_gpu_workers_of_which_one_is_always_there(manifest):
    head, [workers] = manifest[0].spec.headGroupSpec, manifest[0].spec.workerGroupSpecs
    assert head.rayStartParams["num-cpus"] == "0"
    assert 1 <= workers.minReplicas <= workers.replicas <= workers.maxReplicas
    [container] = workers.template.spec["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_the_job_runs_a_command_of_evenhand_on_the_cluster(manifest):
    cluster, job = manifest
    assert job.spec.clusterSelector["ray.io/cluster"] == cluster.metadata["name"]
    program, name, *arguments = shlex.split(job.spec.entrypoint)
    assert program == "evenhand"
    command = get_command(app).commands[name]
    assert command.make_context(name, arguments).params["address"] == "auto"
