"""What settings lack before `livewatch run` can use them, beyond what each key says for itself."""

from livewatch.configuration.load import ConfigError
from livewatch.configuration.settings import Settings, SourceKind
from livewatch.guard.access import Access, AccessError
from livewatch.guard.owner import GatewayOwner


def check_people(settings: Settings) -> None:
    """Look whether readers, operators and owner are users of this host.

    Raises:
        ConfigError: with one line that says what to write instead.
    """
    try:
        Access.of(settings.agent.readers, settings.agent.operators)
        GatewayOwner.named(settings.target.owner)
    except AccessError as error:
        raise ConfigError(str(error)) from error


def unnamed_target(settings: Settings) -> str | None:
    """Return what to give so that the gateway is named, or ``None`` when it is."""
    target = settings.target
    if target.source is SourceKind.PROCESS and target.pid is None and target.port is None:
        return "no process given; name it with --pid N, or with --port N on which it listens"
    if target.source is SourceKind.BOARD and target.board is None:
        return "no gateway given; name its board with --board PATH, or use --source openclaw or process"
    return None
