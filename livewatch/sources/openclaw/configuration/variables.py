"""``${NAME}`` in OpenClaw's configuration, and the variables that OpenClaw takes from files.

A variable of the process wins over ``.env``, that over ``gateway.env``, that over ``env`` in the configuration itself.
Taken from OpenClaw's `src/config/env-substitution.ts`, `src/config/config-env-vars.ts` and `src/infra/dotenv.ts`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

_REFERENCE = re.compile(r"\$(\$?)\{([A-Z_][A-Z0-9_]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST_BYTES = 1 << 20
_LINE = re.compile(
    r"""^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)"""
    r"""(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$""",
    re.MULTILINE | re.ASCII,
)
"""One setting of a file of variables, as the package `dotenv` has it."""
_QUOTED = re.compile(r"""^(['"`])([\s\S]*)\1$""")


def substituted(value: Any, environ: Mapping[str, str], missing: set[str]) -> Any:
    """Return the value with each reference replaced.

    One to a variable that is unset or empty stays as it is, and its name is added to ``missing``.
    """
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: _replacement(found, environ, missing), value) if "$" in value else value
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return [substituted(item, environ, missing) for item in items]
    if isinstance(value, dict):
        return {key: substituted(item, environ, missing) for key, item in cast("dict[str, Any]", value).items()}
    return value


def references(text: str) -> list[str]:
    """Return the names to which a text refers, without the escaped ones (``$${NAME}``)."""
    return [name for escaped, name in _REFERENCE.findall(text) if not escaped]


def configured(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that the configuration sets in ``env``, below ``vars`` or directly."""
    section = document.get("env")
    if not isinstance(section, dict):
        return {}
    direct = cast("dict[str, Any]", section)
    below = direct.get("vars")
    pairs = list(cast("dict[str, Any]", below).items()) if isinstance(below, dict) else []
    pairs += [(key, value) for key, value in direct.items() if key not in ("vars", "shellEnv")]
    return {
        key.strip(): value
        for key, value in pairs
        if isinstance(value, str) and value.strip() and _NAME.fullmatch(key.strip()) and not references(value)
    }


def read_variables(path: Path) -> dict[str, str]:
    """Return what a file of variables sets; nothing when it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except (OSError, ValueError):
        return {}
    if len(data) > _LARGEST_BYTES:
        return {}
    text = re.sub(r"\r\n?", "\n", data.decode("utf-8", "replace"))
    return {key: _unquoted(value) for key, value in _LINE.findall(text) if _NAME.fullmatch(key)}


def _unquoted(text: str) -> str:
    value = text.strip()
    plain = _QUOTED.sub(r"\2", value)
    return plain.replace("\\n", "\n").replace("\\r", "\r") if value.startswith('"') else plain


def _replacement(found: "re.Match[str]", environ: Mapping[str, str], missing: set[str]) -> str:
    escaped, name = found.groups()
    if escaped:
        return f"${{{name}}}"
    if not environ.get(name):
        missing.add(name)
        return found.group()
    return environ[name]
