"""Every target."""

from tests.fuzz.target import Target
from tests.fuzz.targets.board import BoardTarget
from tests.fuzz.targets.board_live import BoardLiveTarget
from tests.fuzz.targets.config import ConfigTarget
from tests.fuzz.targets.journal import JournalTarget
from tests.fuzz.targets.openclaw import OpenClawTarget
from tests.fuzz.targets.openclaw_socket import OpenClawSocketTarget
from tests.fuzz.targets.otel_environment import OtelEnvironmentTarget
from tests.fuzz.targets.recording import RecordingTarget
from tests.fuzz.targets.scenario import ScenarioTarget
from tests.fuzz.targets.small_files import SmallFilesTarget
from tests.fuzz.targets.sockets import AgentApiTarget, ControlTarget

TARGETS: tuple[type[Target], ...] = (
    AgentApiTarget,
    BoardTarget,
    BoardLiveTarget,
    ConfigTarget,
    ControlTarget,
    JournalTarget,
    OpenClawTarget,
    OpenClawSocketTarget,
    OtelEnvironmentTarget,
    RecordingTarget,
    ScenarioTarget,
    SmallFilesTarget,
)
