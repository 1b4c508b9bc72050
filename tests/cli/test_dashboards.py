"""``livewatch dashboards export``, as people run it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.dashboards.contract import DASHBOARDS

ROOT = Path(__file__).parents[2]


def export(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "livewatch", "dashboards", "export", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "monitoring"
    ended = export(
        folder,
        *("--prometheus-url", "http://prometheus:9090"),
        *("--scrape", "gateway-1:9464", "--scrape", "gateway-2:9464", "--runbooks", "https://books.test/livewatch/"),
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return folder


def test_the_dashboards_are_the_shipped_ones(exported: Path) -> None:
    found = {path.stem: json.loads(path.read_text()) for path in (exported / "grafana").glob("dashboards/*/*.json")}
    assert set(found) == set(DASHBOARDS)
    for name, document in found.items():
        assert document["panels"] == DASHBOARDS[name]["panels"]
        assert [link["url"] for link in document["links"] if link["type"] == "link"] == [
            "https://books.test/livewatch/README.md"
        ]


def test_grafana_is_told_where_to_look(exported: Path) -> None:
    provisioning = exported / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "livewatch.yaml").read_text())["datasources"][0]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    provider = yaml.safe_load((provisioning / "dashboards" / "livewatch.yaml").read_text())["providers"][0]
    assert provider["allowUiUpdates"] is False
    assert provider["options"]["foldersFromFilesStructure"] is True


def test_prometheus_is_told_what_to_scrape_and_which_rules_hold(exported: Path) -> None:
    config = yaml.safe_load((exported / "prometheus" / "prometheus.yml").read_text())
    assert config["scrape_configs"][0]["static_configs"][0]["targets"] == ["gateway-1:9464", "gateway-2:9464"]
    rules = yaml.safe_load((exported / "prometheus" / "rules" / "livewatch.yml").read_text())["groups"][0]["rules"]
    for rule in rules:
        assert rule["annotations"]["runbook_url"] == f"https://books.test/livewatch/{rule['alert']}.md"
        assert (exported / "runbooks" / f"{rule['alert']}.md").is_file()


def test_a_cluster_gets_a_pod_monitor_a_rule_and_a_config_map_for_each_dashboard(tmp_path: Path) -> None:
    books = "https://books.test/livewatch"
    ended = export(tmp_path, "--format", "kubernetes", "--runbooks", books)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"kubectl apply -k {tmp_path}" in ended.stdout
    found = [yaml.safe_load(path.read_text()) for path in sorted(tmp_path.glob("*.yaml"))]
    kinds = {document["kind"]: document for document in found}

    monitor, rule = kinds["PodMonitor"]["spec"], kinds["PrometheusRule"]["spec"]
    (sidecar,) = yaml.safe_load_all((ROOT / "deploy/kubernetes/component/sidecar.yaml").read_text())
    pod = sidecar["spec"]["template"]
    assert monitor["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert monitor["podMetricsEndpoints"][0]["port"] in [p["name"] for p in pod["spec"]["initContainers"][0]["ports"]]
    shipped = yaml.safe_load((ROOT / "dashboards/rules/livewatch.yml").read_text())["groups"][0]["rules"]
    assert [r["expr"] for r in rule["groups"][0]["rules"]] == [r["expr"] for r in shipped]
    assert rule["groups"][0]["rules"][0]["annotations"]["runbook_url"] == f"{books}/LivewatchAbsent.md"
    maps = [document for document in found if document["kind"] == "ConfigMap"]
    assert all(document["metadata"]["labels"]["grafana_dashboard"] == "1" for document in maps)
    boards = {name: json.loads(text) for document in maps for name, text in document["data"].items()}
    assert {name: board["panels"] for name, board in boards.items()} == {
        f"livewatch-{name}.json": board["panels"] for name, board in DASHBOARDS.items()
    }
    assert set(kinds["Kustomization"]["resources"]) == {
        path.name for path in tmp_path.glob("*.yaml") if path.name != "kustomization.yaml"
    }


def test_without_an_address_nothing_links_to_a_runbook(tmp_path: Path) -> None:
    ended = export(tmp_path)
    assert "--runbooks URL" in ended.stderr
    text = (tmp_path / "prometheus" / "rules" / "livewatch.yml").read_text()
    assert "runbook_url" not in text
    for path in (tmp_path / "grafana").glob("dashboards/*/*.json"):
        assert [link["type"] for link in json.loads(path.read_text())["links"]] == ["dashboards"]


def test_exporting_again_changes_nothing_and_a_changed_file_is_kept(tmp_path: Path) -> None:
    assert export(tmp_path).returncode == 0
    assert export(tmp_path).returncode == 0
    own = tmp_path / "prometheus" / "prometheus.yml"
    own.write_text("# mine\n")
    refused = export(tmp_path)
    assert refused.returncode == 1
    assert str(own) in refused.stderr
    assert own.read_text() == "# mine\n"
    assert export(tmp_path, "--force").returncode == 0
    assert own.read_text() != "# mine\n"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "grafana").write_text("a file")
    ended = export(tmp_path)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_what_is_exported_goes_into_the_wheel() -> None:
    import tomllib  # noqa: PLC0415 -- only this test reads it

    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, target in wheel["force-include"].items():
        assert (ROOT / source).exists()
        assert target == f"livewatch/_shipped/{source}"
