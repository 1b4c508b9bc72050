"""Writes into each wheel what it runs with: a CycloneDX document in ``.dist-info/sboms``, made from `constraints.txt`.

The upper part of that file is what livewatch runs with, each line with who needs it; the versions are those that the
tests ran with, an installation may have others within the bounds of `pyproject.toml`. The same sources give the same
bytes: no clock and no random number goes into it.
"""

import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILE_NAME = "livewatch.cdx.json"
RUN_TIME, DEVELOPMENT = "# What livewatch runs with.", "# What its development needs besides."
_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s#]+)(?:\s+# via (?P<via>.+))?")
_NAMESPACE = UUID("f4ad2e0c-52ff-4ce3-8a1c-7a8b1a4d1f3e")


@dataclass(frozen=True, slots=True)
class Pin:
    """One distribution that livewatch runs with."""

    name: str
    version: str
    via: tuple[str, ...]
    """Who needs it, by normalised names."""

    @property
    def purl(self) -> str:
        """Return its package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def normalised(name: str) -> str:
    """Return a distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def run_time_pins(constraints: str) -> list[Pin]:
    """Return the pins of the upper part of `constraints.txt`.

    Raises:
        ValueError: when a line there is not a pin that says who needs it.
    """
    upper = constraints.partition(RUN_TIME)[2].partition(DEVELOPMENT)[0]
    pins: list[Pin] = []
    for line in filter(None, map(str.strip, upper.splitlines())):
        found = _PIN.fullmatch(line)
        if found is None or not found["via"]:
            raise ValueError(f"constraints.txt: {line!r} is not NAME==VERSION  # via WHO")
        via = tuple(normalised(who) for who in found["via"].split(", "))
        pins.append(Pin(normalised(found["name"]), found["version"], via))
    if not pins:
        raise ValueError(f"constraints.txt: nothing stands below {RUN_TIME!r}")
    return pins


def document(name: str, version: str, pins: Iterable[Pin]) -> dict[str, Any]:
    """Return the CycloneDX 1.6 document of one release."""
    root = Pin(normalised(name), version, ())
    pins = sorted(pins, key=lambda pin: pin.name)
    known: Mapping[str, Pin] = {pin.name: pin for pin in (root, *pins)}
    needs: dict[str, list[str]] = {pin.purl: [] for pin in known.values()}
    for pin in pins:
        for who in pin.via:
            needs[known[who].purl].append(pin.purl)
    components = [_component(pin, "library") for pin in pins]
    dependencies = [{"ref": ref, "dependsOn": on} for ref, on in needs.items()]
    body = {
        "metadata": {"component": _component(root, "application")},
        "components": components,
        "dependencies": dependencies,
    }
    serial = uuid5(_NAMESPACE, json.dumps(body, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1}
    return head | body


def _component(pin: Pin, kind: str) -> dict[str, str]:
    return {"type": kind, "bom-ref": pin.purl, "name": pin.name, "version": pin.version, "purl": pin.purl}


class BillOfMaterialsHook(BuildHookInterface):  # type: ignore[type-arg]  # its parameter is the builder's own affair
    """Called by hatchling for each wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the document to a temporary folder and name it to the builder."""
        if version == "editable":
            return
        constraints = Path(self.root, "constraints.txt").read_text(encoding="utf-8")
        made = document(self.metadata.name, self.metadata.version, run_time_pins(constraints))
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name, FILE_NAME)
        path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        build_data["sbom_files"].append(str(path))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 -- hatchling's signature
        """Remove the temporary folder."""
        if version != "editable":
            self._folder.cleanup()
