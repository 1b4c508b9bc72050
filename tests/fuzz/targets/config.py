"""Configuration files, the environment, and a second policy: only `ConfigError` may come out, in one line."""

from pathlib import Path
from unittest import mock

from livewatch.configuration.candidate import read_candidate
from livewatch.configuration.load import ConfigError, load_settings
from livewatch.configuration.sections import SECTIONS, keys
from livewatch.configuration.settings import Settings
from livewatch_classifiers.model import Activity, Session, Vitals
from livewatch_classifiers.session import classify_session
from livewatch_classifiers.vocabulary import ActivityKind, Presence, SessionState
from tests.fuzz.target import Finding, Target

ENVIRONMENT = b"\n#environment\n"
"""What follows it are variables, one ``NAME=value`` a line."""
_BUSY = Session(
    "agent:main:k",
    state=SessionState.PROCESSING,
    progress_s=1.0,
    queued=1,
    owner=Presence.PRESENT,
    activity=Activity(ActivityKind.TOOL_CALL, Presence.PRESENT, "r", 1.0, "exec"),
)
_EVERYTHING = b"""
[target]
name = "gw"
board = "/tmp/board"
[thresholds]
warn_after = "2m"
abort_after = "10m"
repeats_min = 3
abort_waits = ["approval"]
[thresholds.allowances]
compaction = "5m"
[[thresholds.overrides]]
activity = "tool_call"
name = "exec*"
lane = "main"
session = "agent:*"
warn_after = "1m"
abort_after = "20m"
[recovery]
mode = "abort"
budget_actions = 3
backoff_jitter = 0.5
restart_command = ["true", "x"]
[recovery.hold_bounds]
budget = "15m"
[telemetry]
metrics_listen = "127.0.0.1:0"
compat.openclaw = "replace"
[agent]
interval = "1s"
state_dir = "~/x"
record_mib = 3
"""
_VARIABLES = (
    b'LIVEWATCH_WARN_AFTER=30s\nLIVEWATCH_MODE=abort\nLIVEWATCH_RESTART_COMMAND=["true"]\nLIVEWATCH_STATE_DIR=~/x'
)


class ConfigTarget(Target):
    """The file, then the variables."""

    name = "config"
    tokens = tuple(f"{key} = ".encode() for section in SECTIONS for key in (f"[{section}]", *keys(section))) + tuple(
        f"LIVEWATCH_{key.upper()}=".encode() for section in SECTIONS for key in keys(section)
    )
    brief = 400

    def seeds(self) -> list[bytes]:
        """Return a file with everything in it, and none."""
        return [_EVERYTHING + ENVIRONMENT + _VARIABLES, _EVERYTHING, ENVIRONMENT + _VARIABLES, b""]

    def run(self, data: bytes) -> str:
        """Load it, and judge a session by what came out."""
        text, _, variables = data.partition(ENVIRONMENT)
        path = self.folder / "livewatch.toml"
        path.write_bytes(text)
        environ = {
            name: value
            for line in variables.decode(errors="surrogateescape").replace("\0", "").split("\n")
            for name, sign, value in [line.partition("=")]
            if sign and name
        }
        environ.pop("LIVEWATCH_CONFIG", None)
        outcome = self._load(path, environ)
        try:
            read_candidate(path)
        except ConfigError as error:
            one_line(error)
        return outcome

    def _load(self, path: Path, environ: dict[str, str]) -> str:
        try:
            settings = load_settings(path, environ=environ)
        except ConfigError as error:
            return one_line(error)
        self._use(settings)
        if environ:
            with mock.patch.dict("os.environ"):
                load_settings(path, environ=environ)
        return f"loaded {len(settings.origins)} {len(settings.warnings)}"

    @staticmethod
    def _use(settings: Settings) -> None:
        for at_s in (2.0, 500.0, 1e6):
            classify_session(_BUSY, Vitals(at_s), settings.thresholds)


def one_line(error: Exception) -> str:
    """Return the text of an error that people are told, which must be one printable line."""
    text = str(error)
    if "\n" in text or not text.strip():
        raise Finding(f"not one line: {text!r}")
    text.encode()
    return text
