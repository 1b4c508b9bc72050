"""The image file takes along everything that the package is built from, and no more may reach the build."""

import re
import tomllib
from typing import Any

from livewatch import __version__
from tests.deploy.manifests import DEPLOY, one

ROOT = DEPLOY.parent
FILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
ADMITTED = {
    line[1:]
    for line in (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    if line[:1] == "!"
}


def copied() -> set[str]:
    lines = re.findall(r"^COPY (?!--)(.*)$", FILE, re.MULTILINE)
    return {source for line in lines for source in line.split()[:-1]}


def built_from() -> set[str]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    hook = wheel["hooks"]["custom"]["path"]
    return {*wheel["packages"], *wheel["force-include"], hook, "constraints.txt", project["project"]["readme"]}


def test_what_is_copied_is_there_and_admitted() -> None:
    assert copied() == ADMITTED
    assert all((ROOT / source).exists() for source in copied())


def test_all_that_the_package_is_built_from_is_copied() -> None:
    missing = {path for path in built_from() if not any(path == c or path.startswith(f"{c}/") for c in copied())}
    assert missing == set()


def test_it_never_runs_as_root_and_takes_any_other_user() -> None:
    (user,) = re.findall(r"^USER (.*)$", FILE, re.MULTILINE)
    assert user == "65532:65532"
    assert int(user.partition(":")[0]) != one("Deployment")["spec"]["template"]["spec"]["securityContext"]["runAsUser"]


def test_its_labels_name_this_version_this_licence_and_the_base_that_it_is_built_from() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.([\w.]+)="([^"]*)"', FILE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert labels["version"] == __version__
    assert labels["licenses"] == project["license"]
    assert set(re.findall(r"^FROM (\S+)", FILE, re.MULTILINE)) == {
        labels["base.name"].removeprefix("docker.io/library/")
    }
