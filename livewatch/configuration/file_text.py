"""`livewatch.toml` written from settings: those in force with their origins, and a first file to begin with."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

from livewatch.configuration.schema import Key, about, schema
from livewatch.configuration.sections import SECTIONS
from livewatch.configuration.settings import Settings
from livewatch.configuration.values import plain, toml
from livewatch_exporters.redaction import HIDDEN, redact

_WIDTH = 100
_COMMAND = "recovery.restart_command"


def in_force(settings: Settings) -> dict[str, object]:
    """Return ``section.key`` to plain value without secrets, for each key that is set or has a default."""
    found = {key.path: value for key in schema() if (value := value_of(settings, key)) is not None}
    command = found.get(_COMMAND)
    if isinstance(command, list) and len(command) > 1:  # pyright: ignore[reportUnknownArgumentType]
        found[_COMMAND] = [command[0], HIDDEN]  # whoever may read is not whoever may know its arguments
    return dict(redact(found))


def value_of(settings: Settings, key: Key) -> object:
    """Return the plain value of a key."""
    section = getattr(settings, key.section)
    name = f"{key.name}_s" if hasattr(section, f"{key.name}_s") else key.name
    return plain(getattr(section, name), duration=name.endswith("_s"))


def shown(settings: Settings, *, origins: bool) -> list[str]:
    """Return the settings in force as the lines of a file that sets them all, with where each came from if asked."""
    lines: list[str] = []
    for section in SECTIONS:
        values = [(key, value_of(settings, key)) for key in schema() if key.section == section]
        pairs = [
            (f"{key.name} = {toml(value)}", settings.origins.get(key.path, "default"))
            for key, value in values
            if value is not None
        ]
        lines += ["", f"[{section}]", *_aligned(pairs, origins=origins)]
    return lines[1:]


def shown_in_force(settings: Mapping[str, Mapping[str, object]], *, origins: bool) -> list[str]:
    """Return the same of what a running agent said is in force, by ``section.key``."""
    lines: list[str] = []
    for section in SECTIONS:
        pairs = [
            (f"{key.removeprefix(f'{section}.')} = {toml(entry['value'])}", str(entry["origin"]))
            for key, entry in settings.items()
            if key.startswith(f"{section}.")
        ]
        lines += ["", f"[{section}]", *_aligned(pairs, origins=origins)]
    return lines[1:]


def _aligned(pairs: Sequence[tuple[str, str]], *, origins: bool) -> list[str]:
    width = max((len(text) for text, _ in pairs if len(text) <= _WIDTH // 2), default=0)
    return [f"{text:<{width}}  # {origin}" if origins else text for text, origin in pairs]


def first_file(values: Mapping[str, object] | None = None, notes: Sequence[str] = ()) -> str:
    """Return a file in which every key stands commented out with its default, but those of ``values`` are set."""
    values = values or {}
    lines = [
        "# livewatch.toml: what is commented out is the default. Look at it with `livewatch config check` and",
        "# `livewatch config show --origin`. [thresholds] and [recovery] change while the agent runs.",
        *(f"# {note}" for note in notes),
    ]
    for section in SECTIONS:
        lines += ["", f"[{section}]  # {about(section)}"]
        for key in schema():
            if key.section == section:
                lines += _commented(key, values.get(key.path))
    return "\n".join([*lines, ""])


def _commented(key: Key, value: object) -> list[str]:
    words = [f"# {line}" for line in wrap(key.about.replace("\n", " "), _WIDTH)]
    if value is not None:
        return [*words, f"{key.name} = {toml(value)}"]
    if key.default is None:
        return [*words, f"# {key.name} ="]
    return [*words, f"# {key.name} = {toml(key.default)}"]
