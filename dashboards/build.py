"""Writes the Grafana dashboards: ``python dashboards/build.py``. Needs the development tools (``make setup``)."""

import json
import sys
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from boards import agent, fleet, gateway, recovery

OUT = Path(__file__).parent / "grafana"
BOARDS = {"fleet": fleet, "gateway": gateway, "recovery": recovery, "agent": agent}


def texts() -> dict[str, str]:
    """Return the text of every dashboard's file, by the file's name."""
    return {f"{name}.json": _text(name) for name in BOARDS}


def _text(name: str) -> str:
    built: dict[str, Any] = json.loads(json.dumps(BOARDS[name].dashboard().build(), cls=JSONEncoder))
    for number, panel in enumerate(built["panels"], 1):
        panel["id"] = number  # without one, links to a panel change with every import
        if panel["type"] == "table":
            panel["options"].pop("footer", None)  # the foundation SDK still writes what Grafana 13 no longer has
    for variable in built["templating"]["list"]:
        for unused in ("auto", "auto_count", "auto_min"):  # an interval's, which the SDK writes for all
            variable.pop(unused, None)
    for shown in (*built["links"], *built["annotations"]["list"]):
        shown.pop("placement")  # in sight, not in a menu
    return json.dumps(built, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write every file."""
    for name, text in texts().items():
        (OUT / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{OUT.name}/{name}\n")


if __name__ == "__main__":
    main()
