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
