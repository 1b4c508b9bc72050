"""The Grafana dashboards, as Python; `build.py` writes them."""
