"""Every documented parameter of both sockets with values of other types: refused by name, and nothing done."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from livewatch.local_api.decoding import struct_of
from livewatch.local_api.requests import (
    DrainRequest,
    EventsRequest,
    HoldRequest,
    OutcomeRequest,
    RecoverRequest,
    Request,
    ResumeRequest,
    SessionRequest,
    SessionsRequest,
)
from livewatch.local_api.server import Handler, LocalApi
from livewatch.probe import Levers, Probe
from livewatch.probe.action_request import MEMBERS
from livewatch_classifiers.decision import Person
from tests.docs.openapi import Answer, Document, request
from tests.local_api.test_operator import Desk

HALF_A_CHARACTER = "\ud800"
QUERIES: dict[str, type[Request]] = {
    "/v1/sessions": SessionsRequest,
    "/v1/session": SessionRequest,
    "/v1/explain": SessionRequest,
    "/v1/events": EventsRequest,
    "/v1/outcome": OutcomeRequest,
}
BODIES: dict[str, type[Request]] = {
    "/v1/hold": HoldRequest,
    "/v1/resume": ResumeRequest,
    "/v1/recover": RecoverRequest,
    "/v1/drain": DrainRequest,
}
VALID: dict[str, Any] = {
    "session": "s",
    "for": "30m",
    "timeout": "5s",
    "dry_run": True,
    "action": "abort_run",
    "reason": "maintenance",
}
WRONG: tuple[Any, ...] = ("", None, [], ["true"], {}, 1, 0, -1, 1.5, 10**30, True, False, HALF_A_CHARACTER, "x" * 5000)
WRONG_FLAGS: tuple[Any, ...] = (*(w for w in WRONG if not isinstance(w, bool)), "true", "True", "yes", "1", "false")
WRONG_TEXTS: tuple[Any, ...] = WRONG
WRONG_REASONS: tuple[Any, ...] = (*(w for w in WRONG if w != ""), "x" * 201)  # no reason is one
WRONG_WORDS: tuple[Any, ...] = (*WRONG, "yes", "Abort_run", "abort_run ")
WRONG_DURATIONS: tuple[Any, ...] = (*WRONG, "yes", "30", "-5s", "0s", "nan", "inf", "9" * 300 + "h")
WRONG_QUERIES = {
    "limit": (
        "",
        "yes",
        "true",
        "1.0",
        "1e3",
        "-1",
        "NaN",
        "null",
        "[]",
        "9" * 30,
        "9" * 5000,
        " 1",
        "+1",
        "0x1",
        "\u0661",
    ),
    "since": ("", "yes", "true", "NaN", "nan", "inf", "-Infinity", "1e999", "1_000", "null", "9" * 30, " 1"),
    "reverse": ("", "1", "0", "yes", "True", "TRUE", "on", "null", "true,true", "[]"),
    "wait": ("", "1", "0", "yes", "True", "2s", "null"),
    "attention": ("", "yes", "Stuck", "stuck,", ",", "stuck stalled", "null", "1"),
    "sort": ("", "colour", "AGE", "age,queue", "1", "null"),
    "match": ("", "x" * 5000, HALF_A_CHARACTER),
    "after": ("", "x" * 5000),
    "session": ("", "x" * 5000),
    "key": ("", "x" * 5000),
}


def wrong_queries() -> Iterator[tuple[str, str, str]]:
    """Yield path, parameter and a query in which that parameter is wrong."""
    for path, kind in QUERIES.items():
        for field in struct_of(kind).fields:
            name = field.encode_name
            for text in WRONG_QUERIES[name]:
                yield path, name, f"{name}={quote(text, errors='surrogatepass')}"
            yield path, name, f"{name}"
            yield path, name, f"{name}=a&{name}=a"
        yield path, "dry_run", "dry_run=true"


def wrong_bodies() -> Iterator[tuple[str, str, bytes]]:
    """Yield path, parameter and a body in which that parameter is wrong."""
    wrong = {
        "dry_run": WRONG_FLAGS,
        "for": WRONG_DURATIONS,
        "timeout": WRONG_DURATIONS,
        "action": WRONG_WORDS,
        "reason": WRONG_REASONS,
    }
    for path, kind in BODIES.items():
        fields = struct_of(kind).fields
        valid = {field.encode_name: VALID[field.encode_name] for field in fields}
        for name, right in valid.items():
            for value in wrong.get(name, WRONG_TEXTS):
                yield path, name, json.dumps(valid | {name: value}).encode()
            for constant in (b"NaN", b"Infinity", b"1e999"):
                yield path, name, b'{"session": "s", "%s": %s}' % (name.encode(), constant)
            twice = json.dumps(valid).removesuffix("}") + f', "{name}": {json.dumps(right)}}}'
            yield path, name, twice.encode()
        yield path, "dry-run", json.dumps(valid | {"dry-run": True}).encode()
        yield path, "uid", json.dumps(valid | {"uid": 0}).encode()


def wrong_actions() -> Iterator[tuple[str, bytes]]:
    """Yield member and body of an action in which that member is wrong."""
    valid: dict[str, Any] = {"kind": "drain", "idempotency_key": "k"}
    numbers = {"generation", "progress_ns", "repeats", "discards", "timeout_s"}
    for name in MEMBERS:
        values: tuple[Any, ...] = (None, [], {}, True, False, "x" * 5000, HALF_A_CHARACTER)
        values += ("", "1", "yes", -1, 10**30) if name in numbers else (1, 0, 1.5)
        values += (1.5,) if name in numbers - {"timeout_s"} else ()
        values += (0,) if name in ("timeout_s", "discards", "repeats") else ()
        values += ("",) if name in valid else ()
        for value in values:
            yield name, json.dumps(valid | {name: value}).encode()
        yield name, json.dumps(valid).encode()[:-1] + b', "%s": NaN}' % name.encode()
        yield name, json.dumps(valid | {name: "k"}).encode()[:-1] + b', "%s": "k"}' % name.encode()
    for name in valid:
        yield name, json.dumps({key: value for key, value in valid.items() if key != name}).encode()
    for name in ("dry_run", "generaton", "Kind"):
        yield name, json.dumps(valid | {name: True}).encode()


def refused(answer: Answer, name: str) -> str:
    """Return the line that an answer refuses with, having looked that it is one line and names the parameter."""
    told = answer.document["error"]
    line: str = told if isinstance(told, str) else told["message"]
    assert answer.status == 400, line
    assert "\n" not in line
    assert len(line) < 500
    assert name in line or "not a JSON object" in line, line
    return line


@pytest.fixture(name="desk")
async def _desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    desk.stage.source.sessions = {"s": desk.stage.source.sessions["s"]}
    await desk.api.start()
    await desk.stage.tick()
    desk.stage.source.acted.clear()
    yield desk
    await desk.api.close()


async def recorded(tmp_path: Path, asked: list[object]) -> LocalApi:
    """Return a server with every operation of the agent, behind which a recorder stands instead of the agent."""

    async def record(request: Request, _caller: Person) -> dict[str, Any]:
        asked.append(request)
        return {}

    gets = {("GET", path): Handler(kind, record) for path, kind in QUERIES.items()}
    api = LocalApi(tmp_path / "r", gets | {("POST", path): Handler(kind, record) for path, kind in BODIES.items()})
    await api.start()
    return api


def test_the_sweep_knows_every_parameter_that_is_documented() -> None:
    agent, control = Document("agent").tree, Document("control").tree
    for path, kind in QUERIES.items():
        named = {parameter["name"] for parameter in agent["paths"][path]["get"]["parameters"]}
        assert named == {field.encode_name for field in struct_of(kind).fields}
    for path, kind in BODIES.items():
        schema = agent["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert set(schema["properties"]) == {field.encode_name for field in struct_of(kind).fields}
    swept = {("GET", path) for path in QUERIES} | {("POST", path) for path in BODIES}
    bare = {("GET", path) for path in ("/v1/status", "/v1/about", "/livez", "/readyz")}
    assert Document("agent").operations == swept | bare
    assert set(control["components"]["schemas"]["Action"]["properties"]) == set(MEMBERS)


async def test_whatever_is_not_of_its_type_reaches_nobody_behind_the_agents_socket(tmp_path: Path) -> None:
    asked: list[object] = []
    api = await recorded(tmp_path, asked)
    try:
        for path, name, query in wrong_queries():
            answer = await asyncio.to_thread(request, api.path, "GET", f"{path}?{query}")
            refused(answer, name) if "%ED" not in query else None
            assert answer.status == 400
        for path, name, body in wrong_bodies():
            refused(await asyncio.to_thread(request, api.path, "POST", path, body), name)
            refused(await asyncio.to_thread(request, api.path, "POST", f"{path}?{name}=true", b"{}"), "in the body")
        assert asked == []
        for path, kind in BODIES.items():
            valid = {field.encode_name: VALID[field.encode_name] for field in struct_of(kind).fields}
            await asyncio.to_thread(request, api.path, "POST", path, json.dumps(valid).encode())
        assert [type(one) for one in asked] == list(BODIES.values())
    finally:
        await api.close()


async def test_a_real_agent_repairs_holds_and_drains_nothing_on_what_is_not_of_its_type(desk: Desk) -> None:
    for path, name, body in wrong_bodies():
        refused(await asyncio.to_thread(request, desk.path, "POST", path, body), name)
    for target in ("/v1/recover?dry_run=true&session=s", "/v1/recover?dry_run=false"):
        refused(await asyncio.to_thread(request, desk.path, "POST", target, b'{"session": "s"}'), "in the body")
    await desk.stage.tick(after_s=0)

    assert desk.stage.source.acted == []
    assert desk.noted == []
    assert desk.stage.agent.controls.holds.current(desk.stage.clock.now_s) == []


@pytest.mark.parametrize("value", ['"true"', '"True"', "1", '"yes"', "null", "[true]", '""'])
async def test_what_is_nearly_a_dry_run_is_not_a_repair(desk: Desk, value: str) -> None:
    body = b'{"session": "s", "dry_run": %s}' % value.encode()
    line = refused(await asyncio.to_thread(request, desk.path, "POST", "/v1/recover", body), "dry_run")

    assert line.startswith("dry_run: expected true or false; got ")
    assert desk.stage.source.acted == []


async def test_a_refusal_names_its_gate_for_programs(desk: Desk) -> None:
    await asyncio.to_thread(request, desk.path, "POST", "/v1/hold", b'{"session": "s"}')
    refusal = await asyncio.to_thread(request, desk.path, "POST", "/v1/recover", b'{"session": "s"}')
    assert (refusal.status, refusal.document["error"]["gate"]) == (409, "operator_hold")


async def test_a_dry_run_is_none_of_the_repairs_and_a_repair_is_one(desk: Desk) -> None:
    dry = await asyncio.to_thread(request, desk.path, "POST", "/v1/recover", b'{"session": "s", "dry_run": true}')
    assert (dry.status, dry.document["sent"], desk.stage.source.acted) == (200, False, [])


class CountingLevers(Levers):
    """Can drain, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.drained: list[float] = []

    def drain(self, timeout_s: float) -> None:
        """Count."""
        self.drained.append(timeout_s)


async def test_a_real_gateway_does_nothing_on_what_is_not_of_its_type(tmp_path: Path) -> None:
    levers, control = CountingLevers(), tmp_path / "control"
    async with Probe.open(tmp_path / "board", control, levers=levers, capacity=2):
        for name, body in wrong_actions():
            refused(await asyncio.to_thread(request, control, "POST", "/v1/actions", body), name)
        with_query = await asyncio.to_thread(request, control, "POST", "/v1/actions?kind=drain", b"{}")
        assert (with_query.status, levers.drained) == (404, [])
        valid = b'{"kind": "drain", "idempotency_key": "k", "timeout_s": 2.5}'
        done = await asyncio.to_thread(request, control, "POST", "/v1/actions", valid)

    assert (done.document["status"], levers.drained) == ("done", [2.5])
