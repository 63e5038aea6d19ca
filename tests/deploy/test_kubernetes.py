"""The manifests against the schemas of Kubernetes, and against what the images are."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from kantor.service.api.metrics import render_metrics
from kantor.service.queue import QueueStats
from kantor.service.secret_files import variable_of
from kantor.service.settings import Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OWN = ("ScaledObject", "PodMonitor")
VERSION = "1.33"
"""Of Kubernetes, oldest that is tested; every kind used here is stable in it."""


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(FOLDER.rglob("*.yaml")):
        if path.name in ("kustomization.yaml", "names.yaml"):
            continue
        for document in yaml.safe_load_all(path.read_text()):
            yield f"{document['kind']}-{document['metadata']['name']}", document


MANIFESTS = dict(documents())
PODS = {
    name: found["spec"]["template"]["spec"]
    for name, found in MANIFESTS.items()
    if found["kind"] in ("Deployment", "StatefulSet")
}
each_pod = pytest.mark.parametrize("pod", PODS.values(), ids=PODS)


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_fits_its_schema(manifest: dict[str, Any]) -> None:
    kind = manifest["kind"]
    if kind in OWN:
        schema = Path(__file__).with_name(f"{kind}.json").read_text()
        jsonschema.validate(manifest, json.loads(schema))
    else:
        kubernetes_validate.validate(manifest, VERSION, strict=True)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("kustomization.yaml")), ids=str)
def test_what_a_kustomization_names_is_there(path: Path) -> None:
    found = yaml.safe_load(path.read_text())
    for name in [*found["resources"], *found.get("configurations", [])]:
        assert (path.parent / name).exists()


@each_pod
def test_a_pod_has_no_more_rights_than_it_needs(pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    for container in pod["containers"]:
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"]
        assert not rights["allowPrivilegeEscalation"]
        assert rights["capabilities"] == {"drop": ["ALL"]}


@each_pod
def test_a_pod_is_probed_and_limited(pod: dict[str, Any]) -> None:
    for container in pod["containers"]:
        assert {"startupProbe", "readinessProbe"} <= set(container)
        assert "memory" in container["resources"]["limits"]


@each_pod
def test_every_variable_is_a_setting(pod: dict[str, Any]) -> None:
    known = {variable_of(name) for name in Settings.model_fields}
    known |= {f"{name}_FILE" for name in known}
    for container in pod["containers"]:
        assert {item["name"] for item in container.get("env", [])} <= known


def test_the_workers_scale_with_metrics_that_there_are() -> None:
    text = render_metrics(QueueStats(0, 0, 0.0, 0, {})).decode()
    query = MANIFESTS["ScaledObject-kantor-worker"]["spec"]["triggers"][0]["metadata"]
    names = set(re.findall(r"kantor_\w+", query["query"]))
    assert names == {"kantor_jobs_queued", "kantor_jobs_running"}
    assert all(f"\n{name} " in text for name in names)


def test_the_release_is_the_one_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    images = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["images"]
    assert {image["newTag"] for image in images} == {project["version"]}
