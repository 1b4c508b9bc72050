"""A real wheel, built without network: what it says about what it runs with."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bill_of_materials import FILE_NAME, run_time_pins
from livewatch import __version__

ROOT = Path(__file__).parents[2]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def build(folder: Path, source: Path = ROOT) -> Path:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-build-isolation", "--no-deps"]
    command += ["--disable-pip-version-check", "--wheel-dir", str(folder), str(source)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert ended.returncode == 0, ended.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(name="wheel", scope="module")
def fixture_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


def bill(wheel: Path) -> tuple[str, dict[str, Any]]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if "/sboms/" in name]
        return name, json.loads(archive.read(name))


def test_the_bill_of_materials_lies_where_installers_keep_it_and_is_recorded(wheel: Path) -> None:
    name, _ = bill(wheel)
    with zipfile.ZipFile(wheel) as archive:
        record = archive.read(name.replace(f"sboms/{FILE_NAME}", "RECORD")).decode()

    assert name == f"livewatch-{__version__}.dist-info/sboms/{FILE_NAME}"
    assert f"{name},sha256=" in record


def test_it_names_every_package_that_livewatch_runs_with_at_its_pinned_version(wheel: Path) -> None:
    _, said = bill(wheel)
    components = said["components"]

    assert (said["bomFormat"], said["specVersion"], said["version"]) == ("CycloneDX", "1.6", 1)
    assert said["metadata"]["component"]["purl"] == f"pkg:pypi/livewatch@{__version__}"
    assert {c["purl"] for c in components} == {pin.purl for pin in run_time_pins(CONSTRAINTS)}
    assert len({c["bom-ref"] for c in components}) == len(components)


def test_its_graph_leads_from_livewatch_to_every_package(wheel: Path) -> None:
    _, said = bill(wheel)
    needs = {row["ref"]: set(row["dependsOn"]) for row in said["dependencies"]}
    reached, todo = set[str](), [said["metadata"]["component"]["bom-ref"]]
    while todo:
        ref = todo.pop()
        todo += needs[ref] - reached
        reached |= needs[ref] | {ref}

    assert reached == set(needs)


def test_a_wheel_made_from_the_source_distribution_has_the_same_bill_and_the_license(
    wheel: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (source,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        top = {name.partition("/")[2] for name in archive.getnames()}

    assert {"LICENSE", "SECURITY.md", "CONTRIBUTING.md"} <= top
    assert bill(build(tmp_path, source)) == bill(wheel)


def test_the_same_sources_give_the_same_bill(wheel: Path, tmp_path: Path) -> None:
    assert bill(build(tmp_path)) == bill(wheel)


def test_the_wheel_says_its_license_and_brings_it_along(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        said = archive.read(f"livewatch-{__version__}.dist-info/METADATA").decode()
        text = archive.read(f"livewatch-{__version__}.dist-info/licenses/LICENSE").decode()

    assert "\nLicense-Expression: MIT\n" in said
    assert text == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_bill_is_in_no_place_that_is_imported_from(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert [name for name in names if "bill_of_materials" in name or "constraints" in name] == []
