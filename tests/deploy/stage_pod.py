"""The pod of the complete example, run by hand as a kubelet runs it: same arguments, user, volumes, settings, probes.

Not the image: the tree's own livewatch stands in for it, with the variables that the image file sets.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from tests.deploy.manifests import DEPLOY, Document, one
from tests.deploy.world import LIVEWATCH, ROOT, World, child_of, world
from tests.waiting import until

_PORTS = ("9464", "9465")
_CLOSED = f"""
set -eu
mkdir -p /run/lw/tree && mount --bind {ROOT} /run/lw/tree
mount -t tmpfs -o mode=1777 tmpfs /tmp  # the volume of this name, and no other place to write to
case {ROOT} in /tmp/*) mkdir -p {ROOT} && mount --bind /run/lw/tree {ROOT};; esac
for path in / /etc /opt /var; do mount -o remount,bind,ro $path; done
"""


class Container:
    """One running container."""

    def __init__(self, pod: "Pod", spec: Document) -> None:
        identity = pod.spec["securityContext"]
        user, group = str(identity["runAsUser"]), str(identity["runAsGroup"])
        own = ["setpriv", f"--reuid={user}", f"--regid={group}", f"--groups={identity['fsGroup']}", "--no-new-privs"]
        own += ["--bounding-set=-all", "--inh-caps=-all", "env", "-i", *image_variables()]
        script = f"{_CLOSED}exec {shlex.join([*own, LIVEWATCH, *spec['args']])}"
        inside = ["nsenter", f"--target={pod.world.pid}", "--all", "--wd=/", "unshare", "--mount", "bash", "-c", script]
        self._outer = subprocess.Popen(inside, stdin=subprocess.DEVNULL, stdout=pod.log, stderr=pod.log)

    def send(self, received: signal.Signals) -> None:
        """Send a signal to what runs in it."""
        os.kill(child_of(self._outer), received)
        if received is signal.SIGCONT:  # nsenter stops together with its child, and only it can be continued from here
            os.kill(self._outer.pid, received)

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        self._outer.send_signal(signal.SIGCONT)
        return self._outer.wait(30)


class Pod:
    """The pod's world and what its manifest says; ports are chosen anew, because a pod has a network of its own."""

    def __init__(self, inside: World, log: Any) -> None:
        self.world, self.log = inside, log
        self._started: list[Container] = []
        self.spec: Document = one("Deployment")["spec"]["template"]["spec"]
        self.ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
        text: str = one("ConfigMap")["data"]["livewatch.toml"]
        for port, free in self.ports.items():
            text = text.replace(port, free)
        inside.write("/run/lw/livewatch.toml", text)
        inside.run("cp", "/run/lw/livewatch.toml", "/etc/livewatch/livewatch.toml")

    def start(self, kind: str) -> Container:
        """Start the only container of ``initContainers`` or ``containers``."""
        (spec,) = self.spec[kind]
        self._started.append(Container(self, spec))
        return self._started[-1]

    def wait(self) -> None:
        """Wait for every container, once the world has ended."""
        for container in self._started:
            container.wait()

    def probe(self, name: str) -> int:
        """Ask as the sidecar's probe of this name asks; 0 when nobody answers in time."""
        (spec,) = self.spec["initContainers"]
        page = spec[name]["httpGet"]
        (port,) = (str(p["containerPort"]) for p in spec["ports"] if p["name"] == page["port"])
        with closing(
            HTTPConnection("127.0.0.1", int(self.ports[port]), timeout=spec[name]["timeoutSeconds"])
        ) as client:
            try:
                client.request("GET", page["path"])
                return client.getresponse().status
            except (OSError, HTTPException):
                return 0


def image_variables() -> list[str]:
    """Return what the image file's ENV lines set, but for the path, which leads to the tree's own programs here."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return [word for word in shlex.split(line) if not word.startswith("PATH=")]


@contextmanager
def pod(log: Path) -> Generator[Pod]:
    """Make the pod's world with its volumes; nothing runs in it yet but what holds it together."""
    identity = one("Deployment")["spec"]["template"]["spec"]["securityContext"]
    volumes = "".join(
        f"mkdir -p {path} && mount -t tmpfs -o mode=2777,gid={identity['fsGroup']} tmpfs {path}\n"
        for path in ("/run/livewatch", "/var/lib/livewatch", "/etc/livewatch")
    )
    ready = "touch /run/lw/ready"
    with log.open("a") as output:
        with world(f"{volumes}{ready}\nexec sleep infinity", log) as inside:
            until(lambda: inside.run("ls", "/run/lw", check=False).count("ready"), "the pod's volumes")
            made = Pod(inside, output)
            yield made
        made.wait()


def _free_ports(count: int) -> list[str]:
    with ExitStack() as stack:
        taken = [stack.enter_context(closing(socket.create_server(("127.0.0.1", 0)))) for _ in range(count)]
        return [str(server.getsockname()[1]) for server in taken]
