"""Dashboards, alert rules and runbooks as they were shipped, and the tree that Grafana and Prometheus can mount."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SHIPPED_RUNBOOK = "runbook: docs/runbooks/"
"""How the shipped rules name a page: a path, not a link; only a URL becomes ``runbook_url``."""
_INSTALLED = Path(__file__).with_name("_shipped")
_CHECKOUT = Path(__file__).parents[1]
_FOLDER = "livewatch"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are for whoever mounts the tree."""

    prometheus_url: str = "http://localhost:9090"
    scrape: tuple[str, ...] = ("localhost:9464",)
    """Addresses of livewatch's metrics pages."""
    runbooks: str = ""
    """URL of the folder of runbooks; without one nothing links to them, for a relative link opens nowhere."""


def tree(places: Places) -> Mapping[str, str]:
    """Return the text of every file of the tree, by its path."""
    return dict(_tree(places))


def _tree(places: Places) -> Iterator[tuple[str, str]]:
    for path in sorted(_shipped("dashboards/grafana").glob("*.json")):
        yield f"grafana/dashboards/{_FOLDER}/{path.name}", _dashboard(path, places)
    yield "grafana/provisioning/datasources/livewatch.yaml", _DATASOURCE.format(url=json.dumps(places.prometheus_url))
    yield "grafana/provisioning/dashboards/livewatch.yaml", _PROVIDER
    for path in sorted(_shipped("dashboards/rules").glob("*.yml")):
        yield f"prometheus/rules/{path.name}", _rules(path, places)
    yield "prometheus/prometheus.yml", _PROMETHEUS.format(targets=json.dumps(list(places.scrape)))
    for path in sorted(_shipped("docs/runbooks").glob("*.md")):
        yield f"runbooks/{path.name}", path.read_text(encoding="utf-8")
    yield "README.md", _README


def manifests(places: Places) -> Mapping[str, str]:
    """Return the same for a cluster with the Prometheus Operator and Grafana's dashboard sidecar, by path.

    One ``PodMonitor`` for every pod that the sidecar component was added to, one ``PrometheusRule``, and one
    ``ConfigMap`` a dashboard with the label ``grafana_dashboard``.
    """
    (rules,) = sorted(_shipped("dashboards/rules").glob("*.yml"))
    files = {"podmonitor.yaml": _POD_MONITOR, "prometheusrule.yaml": _RULE + _indented(_rules(rules, places), 2)}
    for path in sorted(_shipped("dashboards/grafana").glob("*.json")):
        text = _indented(_dashboard(path, places), 4)
        files[f"dashboard-{path.stem}.yaml"] = _CONFIG_MAP.format(name=path.stem) + text
    files["kustomization.yaml"] = _KUSTOMIZATION + "".join(f"  - {name}\n" for name in sorted(files))
    return files


def _indented(text: str, columns: int) -> str:
    return "".join(f"{' ' * columns}{line}" if line.strip() else line for line in text.splitlines(keepends=True))


def _shipped(folder: str) -> Path:
    """Return a folder of shipped files: inside the installed package, else in the checkout."""
    installed = _INSTALLED / folder
    return installed if installed.is_dir() else _CHECKOUT / folder


def _rules(path: Path, places: Places) -> str:
    """Return the alert rules, with a link to each runbook where the reader has them."""
    text = path.read_text(encoding="utf-8")
    return text.replace(_SHIPPED_RUNBOOK, f"runbook_url: {places.runbooks.rstrip('/')}/") if places.runbooks else text


def _dashboard(path: Path, places: Places) -> str:
    """Return a dashboard, with a link to the runbooks where the reader has them."""
    text = path.read_text(encoding="utf-8")
    if not places.runbooks:
        return text
    board: dict[str, Any] = json.loads(text)
    board["links"].append({**_LINK, "url": f"{places.runbooks.rstrip('/')}/README.md"})
    return json.dumps(board, indent=2, ensure_ascii=False) + "\n"


_LINK: dict[str, Any] = {
    "title": "Runbooks",
    "type": "link",
    "icon": "doc",
    "tooltip": "What each alert means, what livewatch already did, what to check and what to do",
    "tags": [],
    "asDropdown": False,
    "targetBlank": True,
    "includeVars": False,
    "keepTime": False,
}
_DATASOURCE = """apiVersion: 1
datasources:
  - name: Prometheus
    type: prometheus
    uid: livewatch-prometheus
    access: proxy
    url: {url}
    isDefault: true
    jsonData:
      # As long as Prometheus' scrape interval: every rate on the dashboards is made from it.
      timeInterval: 15s
      httpMethod: POST
"""
_PROVIDER = """apiVersion: 1
providers:
  - name: livewatch
    type: file
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: /var/lib/grafana/dashboards
      foldersFromFilesStructure: true
"""
_PROMETHEUS = """global:
  scrape_interval: 15s
  evaluation_interval: 15s
rule_files:
  - rules/*.yml
scrape_configs:
  - job_name: livewatch
    static_configs:
      - targets: {targets}
"""
_POD_MONITOR = """apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: livewatch
  labels:
    app.kubernetes.io/name: livewatch
spec:
  # What the sidecar component puts on the pods that it is added to; in every namespace.
  selector:
    matchLabels:
      livewatch: sidecar
  namespaceSelector:
    any: true
  podMetricsEndpoints:
    - port: lw-metrics
      interval: 15s
"""
_RULE = """apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: livewatch
  labels:
    app.kubernetes.io/name: livewatch
spec:
"""
_CONFIG_MAP = """apiVersion: v1
kind: ConfigMap
metadata:
  name: livewatch-dashboard-{name}
  labels:
    app.kubernetes.io/name: livewatch
    grafana_dashboard: "1"
  annotations:
    grafana_folder: livewatch
data:
  livewatch-{name}.json: |
"""
_KUSTOMIZATION = """# kubectl apply -k . -n monitoring
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
"""
_README = """# livewatch: dashboards and alerts, ready to mount

| here | there |
|---|---|
| `grafana/provisioning/` | `/etc/grafana/provisioning/` |
| `grafana/dashboards/` | `/var/lib/grafana/dashboards/` |
| `prometheus/prometheus.yml`, `prometheus/rules/` | `/etc/prometheus/` |
| `runbooks/` | wherever the people on call read |

Or import a single file: *Dashboards, New, Import* in Grafana takes any file of `grafana/dashboards/livewatch/` and asks
for nothing but a Prometheus. Begin with `fleet.json`; it leads to the others. `prometheus/rules/` without your own
`prometheus.yml`: add `rules/livewatch.yml` to its `rule_files`.
"""
