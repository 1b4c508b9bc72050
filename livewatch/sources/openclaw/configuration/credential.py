"""The gateway's shared secret: a token, or a password by ``auth.mode``; literal, by variable, by reference.

OpenClaw 2026.9.6 takes either in the field of the token (its `docs/gateway/protocol/auth.md`), so one secret is enough.
Taken from its `src/gateway/auth-resolve.ts`, `src/gateway/credential-planner.ts` and `src/secrets/resolve.ts`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livewatch.sources.openclaw.configuration.reader import Configuration
from livewatch.sources.openclaw.configuration.secret_reference import Unresolved, as_reference, resolve
from livewatch.sources.openclaw.configuration.variables import references
from livewatch.sources.openclaw.shapes import table

_FALLBACKS = {"token": "OPENCLAW_GATEWAY_TOKEN", "password": "OPENCLAW_GATEWAY_PASSWORD"}
_NAME = re.compile(r"\$([A-Z][A-Z0-9_]{0,127})")
_INSTEAD = "give --token-file"


@dataclass(frozen=True, slots=True)
class Credential:
    """What to send, or why there is nothing."""

    secret: str | None
    origin: str = ""
    """Where it is from, in words."""
    lacking: str = ""
    """Why there is none, and what to give instead; one line."""


def local_credential(configuration: Configuration, ours: Mapping[str, str]) -> Credential:
    """Return the secret of the gateway that is configured here; ``ours`` are the variables of this very process."""
    gateway = table(configuration.document.get("gateway"))
    auth = table(gateway.get("auth"))
    mode = auth.get("mode")
    if mode == "none":
        return Credential(None, lacking="gateway.auth.mode is none, which needs none")
    if mode in ("password", "trusted-proxy"):
        return _field("password", auth, "gateway.auth", configuration, ours)
    token = _field("token", auth, "gateway.auth", configuration, ours)
    if mode == "token":
        return token
    password = _field("password", auth, "gateway.auth", configuration, ours)
    return password if password.secret or (auth.get("password") and not auth.get("token")) else token


def remote_credential(configuration: Configuration) -> Credential:
    """Return the secret of the gateway elsewhere that ``gateway.remote`` names."""
    remote = table(table(configuration.document.get("gateway")).get("remote"))
    token = _value("token", remote.get("token"), "gateway.remote", configuration)
    password = _value("password", remote.get("password"), "gateway.remote", configuration)
    found = token or password
    return found or Credential(None, lacking=f"gateway.remote in {configuration.path} has none; {_INSTEAD}")


def _field(
    name: str, auth: Mapping[str, Any], section: str, configuration: Configuration, ours: Mapping[str, str]
) -> Credential:
    found = _value(name, auth.get(name), section, configuration)
    if found is not None:
        return found
    variable = _FALLBACKS[name]
    file = configuration.from_files.get(variable)
    if file is not None and configuration.environ[variable].strip():
        return Credential(configuration.environ[variable].strip(), f"{variable} in {file}")
    if ours.get(variable):
        why = f"{variable} is not read: every child inherits the environment; {_INSTEAD}"
        return Credential(None, lacking=why)
    why = configuration.problem or f"no {section}.{name} in {configuration.path}"
    return Credential(None, lacking=f"{why}; {_INSTEAD}")


def _value(name: str, value: Any, section: str, configuration: Configuration) -> Credential | None:
    """Return what one key gives; ``None`` when it is not set."""
    key = f"{section}.{name} in {configuration.path}"
    defaults = table(table(configuration.document.get("secrets")).get("defaults"))
    reference = as_reference(value, defaults)
    if reference is not None:
        try:
            return Credential(resolve(reference, configuration), f"the {reference} of {key}")
        except Unresolved as problem:
            return Credential(None, lacking=f"{key} is the {reference}: {problem}; {_INSTEAD}")
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    unset = [one for one in references(text) if one in configuration.missing]
    short = _NAME.fullmatch(text)
    if short is not None:
        text = configuration.environ.get(short.group(1), "").strip()
        unset = [] if text else [short.group(1)]
    if unset:
        why = f"{key} refers to {unset[0]}, which is not set for livewatch"
        return Credential(None, lacking=f"{why}; set it for livewatch, or {_INSTEAD}")
    return Credential(text, str(configuration.path))
