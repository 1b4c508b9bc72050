"""The Kubernetes example against the published schemas, and against what livewatch itself makes of it."""

import copy
from pathlib import Path
from typing import Any

import kubernetes_validate.utils
import pytest

from livewatch.configuration.load import load_settings
from livewatch.configuration.settings import Settings
from livewatch.supervision.health import PAGES
from tests.deploy.manifests import Document, documents, one, understood

COMPLETE = documents("kubernetes/complete.yaml")
VERSIONS = [
    v for v in sorted(set(kubernetes_validate.utils.all_versions())) if tuple(map(int, v.split("."))) >= (1, 29)
]
"""Native sidecars are on by default from 1.29 on."""
OPENCLAW_UID = 1000


def pod() -> Document:
    spec: Document = one("Deployment")["spec"]["template"]["spec"]
    return spec


def sidecar() -> Document:
    (container,) = pod()["initContainers"]
    return dict(container)


def gateway() -> Document:
    (container,) = pod()["containers"]
    return dict(container)


def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "livewatch.toml"
    path.write_text(one("ConfigMap")["data"]["livewatch.toml"], encoding="utf-8")
    return load_settings(path, environ={})


def flag(container: Document, name: str) -> Path:
    return Path(understood(container["args"]).params[name])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", COMPLETE, ids=[document["kind"] for document in COMPLETE])
def test_every_document_is_one_that_kubernetes_knows(document: Document, version: str) -> None:
    assert kubernetes_validate.validate(document, version, strict=True) == kubernetes_validate.utils.major_minor(
        version
    )


@pytest.mark.parametrize("wrong", [{"restartPolicy": 1}, {"livenessProb": {}}, {"ports": [{"containerPort": "x"}]}])
def test_a_wrong_sidecar_would_be_noticed(wrong: Document) -> None:
    document = copy.deepcopy(one("Deployment"))
    document["spec"]["template"]["spec"]["initContainers"][0] |= wrong
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)


def test_the_complete_example_is_what_component_and_example_say() -> None:
    component = documents("kubernetes/component/sidecar.yaml")[0]["spec"]["template"]["spec"]
    (own,) = (d for d in documents("kubernetes/example/gateway.yaml") if d["kind"] == "Deployment")
    assert [sidecar()] == component["initContainers"]
    assert [gateway()] == own["spec"]["template"]["spec"]["containers"]
    assert pod()["securityContext"] == own["spec"]["template"]["spec"]["securityContext"]
    assert "securityContext" not in component, "the pod's user is the gateway's, and the component does not change it"
    assert pod()["shareProcessNamespace"] is component["shareProcessNamespace"] is True
    text = (Path(__file__).resolve().parents[2] / "deploy/kubernetes/example/livewatch.toml").read_text("utf-8")
    assert one("ConfigMap")["data"]["livewatch.toml"] == text


def test_it_is_a_native_sidecar_whose_readiness_is_not_the_gateways() -> None:
    assert sidecar()["restartPolicy"] == "Always"
    assert "readinessProbe" not in sidecar()
    assert understood(sidecar()["args"]).params["wait"] is True


def test_probes_ask_for_pages_that_are_served_where_they_ask(tmp_path: Path) -> None:
    telemetry = settings(tmp_path).telemetry
    ports = {port["name"]: port["containerPort"] for port in sidecar()["ports"]}
    for probe in (sidecar()["startupProbe"], sidecar()["livenessProbe"]):
        assert probe["httpGet"]["path"] in PAGES
        assert telemetry.health_listen == f"0.0.0.0:{ports[probe['httpGet']['port']]}"
    assert telemetry.metrics_listen == f"0.0.0.0:{ports['lw-metrics']}"
    annotations = one("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(ports["lw-metrics"])


def test_the_agent_looks_where_the_gateway_writes_and_both_have_it_in_memory(tmp_path: Path) -> None:
    target = settings(tmp_path).target
    assert (target.board, target.socket) == (flag(gateway(), "board"), flag(gateway(), "socket"))
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}
    for container in (sidecar(), gateway()):
        (mount,) = (m for m in container["volumeMounts"] if m["name"] == "livewatch-run")
        assert target.board is not None
        assert target.board.is_relative_to(mount["mountPath"])
    assert volumes["livewatch-run"]["emptyDir"]["medium"] == "Memory"


def test_both_run_as_one_user_who_may_do_nothing_else() -> None:
    identity = pod()["securityContext"]
    assert identity["runAsUser"] == identity["runAsGroup"] == identity["fsGroup"] == OPENCLAW_UID
    assert sidecar()["securityContext"]["runAsNonRoot"] is True
    for container in (sidecar(), gateway()):
        assert not {"runAsUser", "runAsGroup"} & container["securityContext"].keys()
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_every_mount_has_its_volume_and_every_volume_its_bound() -> None:
    volumes: dict[str, Any] = {volume["name"]: volume for volume in pod()["volumes"]}
    mounted = {mount["name"] for container in (sidecar(), gateway()) for mount in container["volumeMounts"]}
    assert mounted == volumes.keys()
    assert volumes["livewatch-config"]["configMap"]["name"] == one("ConfigMap")["metadata"]["name"]
    assert "sizeLimit" in volumes["livewatch-run"]["emptyDir"]
