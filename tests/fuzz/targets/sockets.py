"""Both sockets that listen: the probe's control socket and the agent's API, of real processes."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.mutator import Mutator
from tests.fuzz.talking import owes_an_answer, parsed, send
from tests.fuzz.target import Finding, Target
from tests.waiting import until

_ROOT = Path(__file__).parents[3]
_LOOK_EVERY = 100
_HEADERS = (
    b"Content-Length: 0\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: \xb2\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: keep-alive\r\n",
    b"X: " + b"a" * 70_000 + b"\r\n",
    b"X: y\r\n" * 200,
    b"\r\n\r\n",
    b"HTTP/1.1",
    b"HTTP/0.9",
    b"HTTP/9.9",
    b"%00",
    b"\\ud800",
    b"[" * 5000,
    b"?a=b&c=%ff",
    b"GET ",
    b"POST ",
    b"GET /v1/info HTTP/1.1\r\n\r\n",
)


class SocketTarget(Target):
    """Sends the input over a connection of its own, says that nothing more will come, and reads the answer."""

    tokens = _HEADERS
    brief = 300

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.place = Path(tempfile.mkdtemp(prefix="lw"))  # a path that a UNIX socket can have
        self.running: list[subprocess.Popen[bytes]] = []
        self.runs = 0
        self.errors = (self.place / "errors").open("wb")
        command = ["-m", "tests.fuzz.small_gateway", str(self.place / "board"), str(self.place / "control")]
        self.gateway = self.start(command)
        assert self.gateway.stdout is not None
        self.facts: dict[str, Any] = json.loads(self.gateway.stdout.readline())
        self.socket = self.place / "control"

    def start(self, arguments: list[str], **more: Any) -> "subprocess.Popen[bytes]":
        """Start one process of this target."""
        out = subprocess.PIPE if not self.running else subprocess.DEVNULL
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=_ROOT, stdin=subprocess.PIPE, stdout=out, stderr=self.errors, **more
        )
        self.running.append(process)
        return process

    def close(self) -> None:
        """End the processes."""
        for process in self.running:
            process.kill()
            process.communicate()
        self.errors.close()
        shutil.rmtree(self.place, ignore_errors=True)

    def mutated(self, random: Random, data: bytes, pool: Sequence[bytes]) -> bytes:
        """Change bytes, or a document whose length is then told as it is."""
        head, _, body = data.partition(b"\r\n\r\n")
        if random.random() < 0.5 or not body:
            return super().mutated(random, data, pool)
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return super().mutated(random, data, pool)
        target = head.split(b" ")[1].decode("latin-1") if head.count(b" ") > 1 else "/"
        if random.random() < 0.03:
            return raw_request(
                "POST", target, random.choice((b"[" * 30_000, b'{"a":' * 10_000, b"9" * 5000, b"\xff\xfe"))
            )
        return request("POST", target, Mutator(random).json_value(document))

    def run(self, data: bytes) -> str:
        """Talk once; look now and then whether all is well."""
        self.runs += 1
        answer = send(self.socket, data)
        if self.runs % _LOOK_EVERY == 0:
            self.well()
        if not answer:
            if owes_an_answer(data):
                self.well()
                raise Finding("a whole request and no answer")
            return "closed"
        status, document = parsed(answer)
        if document is not None:
            self.judge(data, status, document)
        return f"{status} {self.word(document)}"

    def well(self) -> None:
        """Check that every process lives, answers, and had nothing to complain of.

        Raises:
            Finding: when not.
        """
        for process in self.running:
            if process.poll() is not None:
                raise Finding(f"{process.args} has ended with {process.returncode}")
        self.errors.flush()
        said = (self.place / "errors").read_text(errors="replace")
        if "Traceback" in said or "xception" in said:
            (self.place / "errors").write_text("")
            raise Finding(f"it complains: {said[-1500:]}")

    def judge(self, data: bytes, status: int, document: dict[str, Any]) -> None:
        """Check what a document says."""

    @staticmethod
    def word(document: dict[str, Any] | None) -> str:
        """Return what tells one kind of answer from another."""
        told = "" if document is None else f"{document.get('status')} {document.get('detail') or document.get('error')}"
        return told.partition(":")[0][:20]


def _number(value: str | float) -> float:
    try:
        return float(value)
    except (ValueError, OverflowError):
        return -1.0


class ControlTarget(SocketTarget):
    """The probe's socket: a lever is pulled for a true judgement, and for nothing else."""

    name = "control"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._done: set[str] = set()

    def seeds(self) -> list[bytes]:
        """Return what an agent sends, and what it should not."""
        true = {
            "kind": "abort_run",
            "session": "k",
            "idempotency_key": "1",
            "cause": "c",
            "reason": "active",
            "run_id": "r1",
            "generation": self.facts["generation"],
            "handle": self.facts["handle"],
            "progress_ns": 2**62,
        }
        stale = {**true, "generation": 1, "idempotency_key": "2"}
        drain = {"kind": "drain", "idempotency_key": "3", "timeout_s": 5}
        return [
            request("GET", "/v1/info"),
            *(request("POST", "/v1/actions", body) for body in (true, stale, drain, {})),
            b"GET / HTTP/1.0\r\n\r\n",
            b"",
            b"GET /v1/info\r\n",
            request("POST", "/v1/actions", []),
        ]

    def well(self) -> None:
        """Check that the gateway tells about itself."""
        super().well()
        status, document = parsed(send(self.socket, request("GET", "/v1/info")))
        if status != 200 or document is None or document.get("pid") != self.gateway.pid:
            raise Finding(f"it does not tell about itself any more: {status} {document}")

    def judge(self, data: bytes, status: int, document: dict[str, Any]) -> None:  # noqa: ARG002 -- as the base class
        """Nothing is done that was not true."""
        if document.get("status") != "done":
            return
        try:
            body = json.loads(data.replace(b"\r\n", b"\n").partition(b"\n\n")[2].decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return  # more than one body in there: the head said which part counts
        key = str(body.get("idempotency_key"))
        true = body.get("session") == "k" and body.get("run_id") == "r1" and body.get("handle") == self.facts["handle"]
        true = true and body.get("generation") == self.facts["generation"]
        timeout_s = body.get("timeout_s") or 30
        drains = (
            body.get("kind") == "drain"
            and isinstance(timeout_s, str | int | float)
            and float("inf") > _number(timeout_s) > 0
        )
        if not (true or drains or key in self._done):
            raise Finding(f"done although it is not true: {body}")
        self._done.add(key)


class AgentApiTarget(SocketTarget):
    """The agent's socket: every complete request gets a document."""

    name = "agent-api"
    tokens = (
        *_HEADERS,
        b"/v1/status",
        b"/v1/explain?session=k",
        b"/v1/hold",
        b"/v1/resume",
        b"/v1/outcome?key=",
        b"/v1/events?after=",
        b"/v1/events?limit=-1&since=nan",
        b"session=%ed%a0%80&",
        b'"session":"\\ud800"',
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.socket = self.place / "agent"
        self.agent = self.start(
            [
                "-m",
                "livewatch",
                "run",
                "--board",
                str(self.place / "board"),
                "--socket",
                str(self.place / "control"),
                "--mode",
                "observe",
                "--agent-socket",
                str(self.socket),
                "--state-dir",
                str(self.place / "state"),
                "--interval",
                "100ms",
            ],
        )
        until(self.socket.exists, "the agent's socket")
        until((self.place / "state" / "gateway.journal.sqlite-wal").exists, "the agent's journal")

    def seeds(self) -> list[bytes]:
        """Return what the commands send."""
        asked = [
            "status",
            "sessions",
            "sessions?attention=stuck",
            "explain?session=k",
            "about",
            "events?since=0&limit=3",
            "outcome?key=x",
            "explain?session=%ED%A0%80",
            "nothing",
            "events?after=x:99999999999999999999",
        ]
        posted = [
            ("hold", {"session": "k", "for": "1ms"}),
            ("resume", {}),
            ("recover", {"session": "k", "dry_run": "True"}),
            ("recover", {"session": "\ud800"}),
            ("drain", {"timeout": "x"}),
            ("hold", {"session": "\ud800", "for": "1ms"}),
        ]
        return [
            *(request("GET", f"/v1/{what}") for what in asked),
            *(request("POST", f"/v1/{what}", body) for what, body in posted),
        ]

    def well(self) -> None:
        """Check that the agent still watches."""
        super().well()
        status, document = parsed(send(self.socket, request("GET", "/v1/status")))
        if status != 200 or document is None or "sessions" not in document:
            raise Finding(f"no status any more: {status} {document}")

    def judge(self, data: bytes, status: int, document: dict[str, Any]) -> None:  # noqa: ARG002 -- as the base class
        """Every refusal says of what kind it is."""
        if status != 200 and not (isinstance(document.get("error"), dict) and document["error"].get("type")):
            raise Finding(f"a refusal that does not say why: {document}")

    @staticmethod
    def word(document: dict[str, Any] | None) -> str:
        """Return the error's kind, or what the document tells."""
        if document is None:
            return ""
        error = document.get("error")
        return str(error.get("type")) if isinstance(error, dict) else ",".join(document)[:60]


def request(method: str, target: str, body: object = None) -> bytes:
    """Return a request as an agent or a command would send it."""
    return raw_request(method, target, b"" if body is None else json.dumps(body).encode())


def raw_request(method: str, target: str, text: bytes) -> bytes:
    """Return a request with this body."""
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text
