"""Writes the requests of ``docs/api/agent.openapi.yaml`` from the types that decode them: ``make api-docs``."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from livewatch.configuration.load import load_settings
from livewatch.local_api.openapi import body, parameters
from livewatch.local_api.requests import Request
from livewatch.service import attached
from tests.docs.openapi import FOLDER

PAGE = FOLDER / "agent.openapi.yaml"
_PATH, _METHOD, _MEMBER = " " * 2, " " * 4, " " * 6


async def requests_of_an_agent() -> Mapping[tuple[str, str], type[Request]]:
    """Return the type of every request that a real agent serves."""
    with tempfile.TemporaryDirectory(prefix="lw") as name:
        flags = {"board": Path(name) / "none", "agent_socket": Path(name) / "agent", "state_dir": name}
        async with attached(load_settings(environ={}, flags=flags), wait=True) as service:
            return service.requests


def written(page: str, requests: Mapping[tuple[str, str], type[Request]]) -> str:
    """Return the page with the requests as their types have them; everything else stays as it is."""
    lines: list[str] = []
    path, method, skipping = "", "", False
    for line in page.splitlines():
        indent = len(line) - len(line.lstrip())
        if indent <= len(_MEMBER) and line.strip():
            skipping = line.startswith((f"{_MEMBER}parameters:", f"{_MEMBER}requestBody:"))
        if line.startswith(f"{_PATH}/"):
            path = line.strip().removesuffix(":")
        elif indent == len(_METHOD) and path:
            method = line.strip().removesuffix(":").upper()
        if line.startswith(f"{_MEMBER}responses:") and (kind := requests.get((method, path))) is not None:
            lines += _request(method, kind)
        if line == "components:":
            path = ""
        if not skipping:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _request(method: str, kind: type[Request]) -> list[str]:
    if method == "GET":
        told = parameters(kind)
        return [f"{_MEMBER}parameters:", *(f"{_MEMBER}  - {_flow(one)}" for one in told)] if told else []
    told_body = body(kind)
    schema = told_body["content"]["application/json"]["schema"]
    head = {name: value for name, value in schema.items() if name != "properties"}
    at = f"{_MEMBER}      "
    return [
        f"{_MEMBER}requestBody:",
        f"{_MEMBER}  required: {str(told_body['required']).lower()}",
        f"{_MEMBER}  content:",
        f"{_MEMBER}    application/json:",
        f"{at}schema:",
        *(f"{at}  {name}: {_flow(value)}" for name, value in head.items()),
        f"{at}  properties:",
        *(f"{at}    {name}: {_flow(value)}" for name, value in schema["properties"].items()),
    ]


def _flow(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), asyncio.run(requests_of_an_agent())), encoding="utf-8")
