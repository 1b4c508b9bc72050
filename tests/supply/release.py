"""``make release-check``: what a release would publish is built, looked through and installed; nothing is published.

The source distribution is built from the tree, the wheel from the source distribution, and the wheel is installed with
the pinned dependencies into an empty environment. Nothing of the tree is in sight when it runs there.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from livewatch import __version__

ROOT = Path(__file__).parents[2]
IN_SOURCES = frozenset({"LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "PKG-INFO"})
"""Files that somebody looks for in a source distribution, at its top."""
IN_WHEEL = frozenset({
    "livewatch/__main__.py",
    "livewatch/py.typed",
    "livewatch/_shipped/dashboards/grafana/fleet.json",
    "livewatch/_shipped/dashboards/rules/livewatch.yml",
    "livewatch/_shipped/docs/runbooks/README.md",
    "livewatch_classifiers/py.typed",
    "livewatch_exporters/py.typed",
})  # fmt: skip
PACKAGES = frozenset(
    {"livewatch", "livewatch_classifiers", "livewatch_exporters", f"livewatch-{__version__}.dist-info"}
)
STRAY = ("__pycache__", ".pyc", ".cache/", ".venv/", "node_modules/", ".pytest_cache", ".hypothesis", ".git/", ".env")
"""Parts of the names of files that never belong into a release."""


def source_distribution(folder: Path) -> Path:
    """Build it from the tree."""
    _run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", folder, cwd=ROOT)
    (built,) = folder.glob("*.tar.gz")
    return built


def wheel(folder: Path, sources: Path) -> Path:
    """Build it from a source distribution, as somebody does who has no wheel for their system."""
    quiet = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    _run(sys.executable, "-m", "pip", "wheel", *quiet, "--wheel-dir", folder, sources, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def faults_of_names(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return what lacks in an archive and what has no place in it."""
    there = set(names)
    stray = [f"does not belong there: {name}" for name in sorted(there) if any(part in name for part in STRAY)]
    return [f"lacks: {name}" for name in sorted(set(wanted) - there)] + stray


def faults_of_metadata(said: Message, project: dict[str, Any]) -> list[str]:
    """Return what a package index would be told that is not what ``pyproject.toml`` says."""
    wanted = {
        "Name": project["name"],
        "Version": __version__,
        "Summary": project["description"],
        "License-Expression": project["license"],
        "License-File": "LICENSE",
        "Requires-Python": project["requires-python"],
        "Description-Content-Type": "text/markdown",
    }
    faults = [f"{name} is {said[name]!r}, not {value!r}" for name, value in wanted.items() if said[name] != value]
    if sorted(said.get_all("Classifier") or []) != sorted(project["classifiers"]):
        faults.append("the classifiers differ")
    return faults


def check(folder: Path) -> list[str]:
    """Return what is wrong with what a release would publish."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    sources = source_distribution(folder)
    with tarfile.open(sources) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    faults = [f"{sources.name} {fault}" for fault in faults_of_names(names, IN_SOURCES)]
    built = wheel(folder, sources)
    with zipfile.ZipFile(built) as packed:
        inside = packed.namelist()
        said = BytesParser().parsebytes(packed.read(f"livewatch-{__version__}.dist-info/METADATA"))
    faults += [f"{built.name} {fault}" for fault in faults_of_names(inside, IN_WHEEL)]
    others = {name.partition("/")[0] for name in inside} - PACKAGES
    faults += [f"{built.name} installs {other} too" for other in sorted(others)]
    faults += [f"{built.name}: {fault}" for fault in faults_of_metadata(said, project)]
    return faults + [f"installed: {fault}" for fault in _faults_when_installed(folder, built)]


def _faults_when_installed(folder: Path, built: Path) -> list[str]:
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    commands = environment / "bin"
    quiet = ["--quiet", "--disable-pip-version-check"]
    _run(commands / "pip", "install", *quiet, "-c", ROOT / "constraints.txt", built, cwd=folder)
    said = json.loads(_run(commands / "livewatch", "version", "--json", cwd=folder))
    exported = folder / "exported"
    _run(commands / "livewatch", "dashboards", "export", exported, cwd=folder)
    faults = [] if said["version"] == __version__ else [f"it calls itself {said['version']}"]
    return faults if any(exported.rglob("fleet.json")) else [*faults, "it exports no dashboards"]


def _run(*command: object, cwd: Path) -> str:
    environ = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> int:
    """Check, and say what was checked."""
    with tempfile.TemporaryDirectory(prefix="livewatch-release-") as name:
        folder = Path(name)
        faults = check(folder)
        for built in sorted([*folder.glob("*.tar.gz"), *folder.glob("*.whl")]):
            sys.stdout.write(f"built {built.name}, {built.stat().st_size:,} bytes\n")
    sys.stdout.writelines(f"WRONG  {fault}\n" for fault in faults)
    if not faults:
        sys.stdout.write("contents, metadata and an installation into an empty environment are right\n")
    sys.stdout.write("nothing was published; the image is built by make deploy-check\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
