"""Secrets are planted everywhere a real agent can find them; then everything that it put out is searched for them."""

import asyncio
import base64
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from pathlib import Path

import pytest

from livewatch.demo.fault import Fault
from livewatch.demo.inbound_client import InboundClient
from livewatch.local_api.client import ask
from livewatch.recovery.journal.audit import read_audit
from livewatch.recovery.journal.reader import JournalUnreadableError
from livewatch_exporters.log import Log
from livewatch_exporters.telemetry_settings import LogFormat
from tests.live.test_gateway_process import Place, Start, fixture_place, fixture_start, gateway
from tests.security.sweep import Receiver, command_lines, files_under, leaks
from tests.security.talkative import Talkative
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]
PERSON = "anna.schmidt"
KEY = f"wa:+4915112345678:{PERSON}"
"""Short enough for the run ids that the example gateway makes of it to fit onto the board whole."""
PERSONAL = (KEY, "+4915112345678", PERSON)
HEADER, PASSWORD, ENVIRONMENT, QUERY, COMMAND, TOKEN, CONFIGURED = (
    f"Planted{name}Secret0123456789" for name in ("Header", "Pass", "Env", "Query", "Cmd", "Token", "Conf")
)
SECRETS = (HEADER, PASSWORD, ENVIRONMENT, QUERY, COMMAND, TOKEN, CONFIGURED)
_SETTINGS = f"""
[target]
health_url = "http://127.0.0.1:9/healthz?token={QUERY}"
[thresholds]
warn_after = "300ms"
abort_after = "600ms"
[recovery]
mode = "abort"
startup_grace = "0s"
resume_grace = "0s"
healthy_for = "0s"
restart_command = ["/bin/true", "--with", "{COMMAND}"]
[agent]
interval = "100ms"
"""
COMMANDS = (
    ("status",), ("status", "--json"), ("explain", KEY), ("explain", KEY, "--json"), ("events",), ("events", "--json"),
    ("audit",), ("audit", "--json"), ("incidents",), ("incidents", "--json"), ("doctor",), ("doctor", "--json"),
)  # fmt: skip
READING = ("/v1/status", "/v1/about", "/v1/sessions", "/v1/events")
SIGNALS = ("/v1/metrics", "/v1/traces", "/v1/logs")


@pytest.fixture(name="receiver")
def fixture_receiver() -> Generator[Receiver]:
    receiver = Receiver()
    receiver.expected = {
        "x-planted": HEADER,
        "Authorization": "Basic " + base64.b64encode(f"otlp:{PASSWORD}".encode()).decode(),
    }
    yield receiver
    receiver.close()


class Watched:
    """A real agent with secrets in every pocket, and what it put out."""

    def __init__(self, place: Place, receiver: Receiver) -> None:
        self.outputs: dict[str, bytes] = {}
        self._place = place
        self._receiver = receiver
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LIVEWATCH_"))}
        self._environ = kept | {
            "HOME": str(place.folder / "home"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://otlp:{PASSWORD}@127.0.0.1:{receiver.port}",
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-planted={HEADER}",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_METRIC_EXPORT_INTERVAL": "100",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_BLRP_SCHEDULE_DELAY": "100",
            "LIVEWATCH_LOG_FORMAT": "json",
            "LIVEWATCH_UNKNOWN_SETTING": ENVIRONMENT,
            "SOME_SERVICE_API_KEY": ENVIRONMENT,
        }
        self._log = place.folder / "stderr"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, settings: str, *arguments: object) -> None:
        config = self._place.folder / "livewatch.toml"
        config.write_text(settings, encoding="utf-8")
        config.chmod(0o600)
        paths = [
            "--config", config, "--agent-socket", self._place.agent, "--state-dir", self._place.folder / "state",
            "--record", self._place.folder / "recordings", "--metrics-listen", "127.0.0.1:0",
        ]  # fmt: skip
        command = [sys.executable, "-m", "livewatch", "run", *map(str, [*paths, *arguments])]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env=self._environ)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def collect(self) -> None:
        """Ask it everything there is to ask, stop it, and gather what it wrote and sent."""
        assert self._process is not None
        until(lambda: all(self._receiver.taken(path) for path in SIGNALS), "metrics, traces and logs")
        answers = {target: ask(self._place.agent, "GET", target) for target in READING}
        self._keep("local API", {name: json.dumps(said).encode() for name, said in answers.items()})
        scraped = urllib.request.urlopen(answers["/v1/about"]["prometheus_url"], timeout=20).read()
        self._keep("exported", {"metrics page": scraped, "command lines": command_lines(self._process.pid)})
        self._keep("command", {" ".join(words): self._said(*words) for words in COMMANDS})
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait() == 0
        self._keep("stderr", {"": self._log.read_bytes(), "as text": as_text(self._log)})
        self._keep("state", files_under(self._place.folder / "state"))
        self._keep("recordings", files_under(self._place.folder / "recordings"))
        self._keep("exported", {path: b"".join(bodies) for path, bodies in self._receiver.bodies.items()})

    def exported(self) -> dict[str, bytes]:
        """Return what leaves the host, or can be read by everybody on it."""
        return {name: data for name, data in self.outputs.items() if name.startswith("exported")}

    def _keep(self, kind: str, found: dict[str, bytes]) -> None:
        self.outputs |= {f"{kind} {name}".strip(): data for name, data in found.items()}

    def _said(self, *words: str) -> bytes:
        command = [sys.executable, "-m", "livewatch", *words, "--agent", str(self._place.agent)]
        if words[0] in ("audit", "incidents"):
            command = [*command[:-2], "--journal", str(self._place.folder / "state" / "gateway.journal.sqlite")]
        ended = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, env=self._environ)
        return ended.stdout + ended.stderr


def as_text(log: Path) -> bytes:
    """Return a log of JSON lines as the same records look to a person."""
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    assert records
    stream = io.StringIO()
    text = Log(stream, LogFormat.TEXT, {})
    for record in records:
        text.say(record.pop("level"), record.pop("event"), record)
    text.close(20.0)
    assert len(stream.getvalue().splitlines()) >= len(records)
    return stream.getvalue().encode()


def hang(place: Place) -> None:
    async def once() -> None:
        async with InboundClient(place.board.with_name(f"{place.board.name}.inbound")) as client:
            await client.inject(Fault.HUNG_MODEL_CALL, KEY)

    asyncio.run(once())


def aborted(place: Place) -> bool:
    with contextlib.suppress(JournalUnreadableError):  # it is only just being made
        entries = read_audit(place.folder / "state" / "gateway.journal.sqlite").entries
        return any(entry.what == "abort_run" and entry.outcome for entry in entries)
    return False


@pytest.fixture(name="talkative")
def fixture_talkative() -> Generator[Talkative]:
    talkative = Talkative(KEY)
    yield talkative
    talkative.close()


@pytest.fixture(name="watched")
def fixture_watched(place: Place, receiver: Receiver) -> Generator[Watched]:
    watched = Watched(place, receiver)
    yield watched
    watched.kill()


def test_no_secret_is_in_anything_that_a_probed_gateways_agent_puts_out(
    place: Place, start: Start, receiver: Receiver, watched: Watched
) -> None:
    gateway(place, start)
    watched.start(_SETTINGS, "--board", place.board, "--socket", place.socket)
    place.until_state("responsive", "degraded")
    hang(place)
    until(lambda: aborted(place), "an abort with its outcome")
    watched.collect()

    assert leaks(SECRETS, watched.outputs) == []
    assert leaks(PERSONAL, watched.exported()) == []
    assert all(b"livewatch.session.hash" in watched.outputs[f"exported {path}"] for path in SIGNALS[1:])
    assert receiver.authorised > 0, "the receiver never got the secrets that are meant for it"
    assert leaks([KEY], {"explain": watched.outputs[f"command explain {KEY}"]}), "the search finds what is there"
    assert leaks([KEY], {"journal": watched.outputs["state gateway.journal.sqlite"]})


def test_no_secret_is_in_anything_that_an_openclaw_gateways_agent_puts_out(
    place: Place, talkative: Talkative, receiver: Receiver, watched: Watched
) -> None:
    token = place.folder / "token"
    configured = place.folder / "home" / ".openclaw" / "openclaw.json"
    configured.parent.mkdir(parents=True)
    for path, text in ((token, TOKEN), (configured, json.dumps({"gateway": {"auth": {"token": CONFIGURED}}}))):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
    host = talkative.gateway.url.removeprefix("ws://")
    target = f'[target]\nsource = "openclaw"\nurl = "ws://livewatch:{PASSWORD}@{host}"\ntoken_file = "{token}"\n'
    watched.start(_SETTINGS.replace("[target]\n", target), "--wait")
    until(lambda: aborted(place), "an abort with its outcome")
    watched.collect()

    assert leaks(SECRETS, watched.outputs) == []
    assert leaks(PERSONAL, watched.exported()) == []
    assert set(talkative.tokens) == {TOKEN}
    assert receiver.authorised > 0
