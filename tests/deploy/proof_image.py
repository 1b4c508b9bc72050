"""The image of ``deploy/Containerfile`` is built by buildah, without a container daemon, and run.

The base that the file names is made with debootstrap from the mirror that apt uses: Debian 12 with its own Python 3.11
and the command `python`, which Debian lacks and the official image has. So the steps and what they leave are proved,
and not the official base itself.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from livewatch import __version__
from tests.deploy.manifests import DEPLOY

ROOT = DEPLOY.parent
FILE = DEPLOY / "Containerfile"
BASE = ROOT / ".cache" / "image-base"
SUITE = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""This machine's authorities: the build reaches the package index through whatever stands between, as pip does here."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def mirror() -> str:
    """Return the first mirror of the suite that apt uses on this machine."""
    lines = subprocess.check_output(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages"], text=True
    ).splitlines()
    found = [uri for name, uri in (line.split(maxsplit=1) for line in lines if " " in line) if name == SUITE]
    assert found, f"apt knows no mirror of {SUITE}: run apt-get update on a Debian 12"
    return found[0]


def base() -> Path:
    """Return the root of the base image, made once."""
    if not BASE.exists():
        unfinished = BASE.with_name("image-base-unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["--variant=minbase", f"--include={PACKAGES}"]
        subprocess.run(["debootstrap", *options, SUITE, unfinished, mirror()], check=True, stdout=subprocess.DEVNULL)
        (unfinished / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        unfinished.rename(BASE)
    return BASE


class Buildah:
    """buildah with a store of its own, which ends with the tests."""

    def __init__(self, folder: Path) -> None:
        self._store = ["--storage-driver=vfs", f"--root={folder / 'store'}", f"--runroot={folder / 'run'}"]

    def __call__(self, verb: str, *arguments: object) -> str:
        command = ["buildah", *self._store, verb, *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout.strip()

    def import_as(self, root: Path, name: str) -> None:
        """Make an image of a folder."""
        container = self("from", "--isolation=chroot", "scratch")
        self("add", "--quiet", container, root, "/")
        self("config", "--env", f"PATH={PATH}", container)
        self("commit", "--quiet", "--rm", container, name)


@pytest.fixture(name="buildah", scope="module")
def fixture_buildah(tmp_path_factory: pytest.TempPathFactory) -> Generator[Buildah]:
    folder = tmp_path_factory.mktemp("buildah")
    yield Buildah(folder)
    shutil.rmtree(folder)  # a store of the driver vfs has each layer whole


@pytest.fixture(name="image", scope="module")
def fixture_image(buildah: Buildah) -> str:
    (name,) = set(re.findall(r"^FROM (\S+)", FILE.read_text(encoding="utf-8"), re.MULTILINE))
    buildah.import_as(base(), f"docker.io/library/{name}")
    trusted = f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"
    local = ["--isolation=chroot", "--pull-never", "--network=host", trusted]
    buildah("bud", *local, "--tag=livewatch:proof", "--file=deploy/Containerfile", ".")
    return "livewatch:proof"


@pytest.fixture(name="container", scope="module")
def fixture_container(buildah: Buildah, image: str) -> str:
    return buildah("from", "--isolation=chroot", "--pull-never", image)


def inside(buildah: Buildah, container: str, *command: str) -> str:
    return buildah("run", "--isolation=chroot", container, "--", *command)


@pytest.mark.timeout(900)
def test_the_image_says_what_it_is_and_runs_livewatch_as_nobody_in_particular(buildah: Buildah, image: str) -> None:
    config: dict[str, Any] = json.loads(buildah("inspect", "--type=image", image))["OCIv1"]["config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["livewatch"]
    assert config["Labels"]["org.opencontainers.image.version"] == __version__


@pytest.mark.timeout(900)
def test_livewatch_runs_in_it_as_its_own_user(buildah: Buildah, container: str) -> None:
    assert inside(buildah, container, "id", "-u") == "65532"
    assert json.loads(inside(buildah, container, "livewatch", "version", "--json"))["version"] == __version__


@pytest.mark.timeout(900)
def test_nothing_of_livewatch_is_writable_in_it_and_no_installer_is_left(buildah: Buildah, container: str) -> None:
    assert inside(buildah, container, "find", "/opt/livewatch", "-not", "-type", "l", "-writable") == ""
    assert inside(buildah, container, "find", "/opt/livewatch", "-name", "pip", "-path", "*site-packages/pip") == ""
    compiled = inside(buildah, container, "find", "/opt/livewatch", "-name", "agent*.pyc", "-path", "*/livewatch/*")
    assert compiled, "nothing can be compiled where it runs"


@pytest.mark.timeout(900)
def test_a_scenario_is_simulated_in_it_with_what_the_image_has(buildah: Buildah, container: str) -> None:
    done = json.loads(inside(buildah, container, "livewatch", "simulate", "--random", "1", "--hours", "1", "--json"))
    assert done["ok"] is True
    assert done["virtual_hours"] == 1.0
