"""``docs/api/agent.openapi.yaml`` against a real agent that watches, aborts and is asked by hand."""

import ast
import asyncio
import json
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec import UNSET, structs
from msgspec.json import schema as json_schema

import livewatch
from livewatch.configuration.load import load_settings
from livewatch.configuration.settings import SourceKind
from livewatch.local_api import replies, views
from livewatch.local_api.session_order import SessionOrder
from livewatch.service import attached
from livewatch.supervision.pulse import Phase
from livewatch_classifiers import decision, lane, lock, vocabulary
from livewatch_classifiers.lane import LaneCondition, LaneVerdict
from livewatch_classifiers.model import Vitals
from livewatch_classifiers.vitals import _evidence
from tests.docs.agent_page import PAGE as PAGE_FILE
from tests.docs.agent_page import written
from tests.docs.conftest import Stage
from tests.docs.openapi import Answer, Document, request

PAGE = Document("agent")
WORDS = {name: kind for module in (vocabulary, decision) for name, kind in vars(module).items()} | {
    "LaneCondition": lane.LaneCondition,
    "LockCondition": lock.LockCondition,
    "SessionOrder": SessionOrder,
    "SourceKind": SourceKind,
}


class Caller:
    """Asks one agent, checks each answer, and remembers what it has seen."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.seen: set[tuple[str, str, str]] = set()

    async def get(self, path: str, **parameters: str) -> Answer:
        return await self._ask("GET", path, f"{path}?{urlencode(parameters)}", None)

    async def post(self, path: str, **parameters: object) -> Answer:
        return await self._ask("POST", path, path, json.dumps(parameters).encode())

    async def _ask(self, method: str, path: str, target: str, body: bytes | None) -> Answer:
        answer = await asyncio.to_thread(request, self.stage.agent, method, target, body)
        self.seen.add((method, path, PAGE.check(method, path, answer)))
        return answer


async def test_every_operation_that_is_served_is_told_and_none_besides(stage: Stage) -> None:
    assert PAGE.operations == stage.service.operations


def test_the_requests_are_written_from_the_types_that_decode_them(stage: Stage) -> None:
    page = PAGE_FILE.read_text(encoding="utf-8")

    assert written(page, stage.service.requests) == page, "write them anew with `make api-docs`"


@pytest.mark.parametrize(
    ("reply", "pointer"),
    [
        (replies.HoldReply, "/paths/~1v1~1hold/post/responses/200/content/application~1json/schema"),
        (replies.ResumeReply, "/paths/~1v1~1resume/post/responses/200/content/application~1json/schema"),
        (replies.DrainReply, "/paths/~1v1~1drain/post/responses/200/content/application~1json/schema"),
        (replies.OutcomeReply, "/paths/~1v1~1outcome/get/responses/200/content/application~1json/schema"),
        (replies.RecoverReply, "/components/schemas/ByHand"),
        (replies.GateReply, "/components/schemas/ByHand/properties/gates/items"),
        (replies.ErrorReply, "/components/schemas/Error"),
        (replies.Problem, "/components/schemas/Error/properties/error"),
    ],
)
def test_a_reply_has_the_members_that_its_document_has(reply: type[Any], pointer: str) -> None:
    schema: Any = PAGE.tree
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/")
        schema = schema[int(name) if name == "200" and 200 in schema else name]
    members = {field.encode_name: field for field in structs.fields(reply)}
    assert set(schema["properties"]) == set(members)
    assert set(schema["required"]) == {name for name, field in members.items() if field.default is not UNSET}
    for name, told in schema["properties"].items():
        bare = {"type", "message", "schema_version", "ok", "error"} | (
            {"action"} if reply is replies.OutcomeReply else set()
        )
        found = json_schema(members[name].type)
        assert name in bare or "$ref" in told or told.get("type") in (found.get("type"), found_types(found)), name


def found_types(schema: dict[str, Any]) -> list[str]:
    return [one["type"] for one in schema.get("anyOf", [])]


async def test_every_answer_of_a_real_agent_is_as_told(stage: Stage) -> None:
    caller = Caller(stage)
    await look_while_it_repairs(stage, caller)
    await look_at_a_held_session(stage, caller)
    await repair_by_hand(stage, caller)
    await follow_the_journal(stage, caller)
    await drain(stage, caller)

    assert caller.seen == PAGE.told


async def look_while_it_repairs(stage: Stage, caller: Caller) -> None:
    stage.population()
    await stage.hang("hung")
    await stage.hang("deaf", deaf=True)

    async def cleared() -> bool:
        for key in ("hung", "deaf", "idle", "asked"):  # each in every state that it passes through
            await caller.get("/v1/explain", session=key)
        status = (await caller.get("/v1/status")).document
        return any(a["session"] == "deaf" and a["action"] == "force_clear" for a in status["last_actions"])

    await caller.get("/v1/explain", session="nobody")
    await caller.get("/v1/session", session="nobody")
    for key in ("hung", "idle", "asked"):
        await caller.get("/v1/session", session=key)
    await stage.until(cleared, "a run that ignored its abort is cleared")
    await caller.get("/v1/sessions")
    await caller.get("/v1/sessions", attention="stuck,stalled", sort="age", limit="2", match="*e*")
    await caller.get("/v1/sessions", sort="weight")
    await caller.get("/v1/session", session="deaf")
    for path in ("/v1/about", "/livez", "/readyz"):
        await caller.get(path)


async def look_at_a_held_session(stage: Stage, caller: Caller) -> None:
    await caller.post("/v1/hold", session="held", **{"for": "1h"})
    await caller.post("/v1/hold", session="held", **{"for": "soon"})
    await stage.hang("held")
    await stage.until(lambda: known(caller, "held"), "the session is seen")

    async def overdue() -> bool:
        told = (await caller.get("/v1/explain", session="held")).document["next"]
        status = (await caller.get("/v1/status")).document
        return any(gate["holds"] for gate in told["gates"]) and bool(status["held"])

    await stage.until(overdue, "the hold is past its bound")
    await caller.post("/v1/recover", session="held")
    await caller.post("/v1/recover", session="held", dry_run=True)
    await caller.post("/v1/resume")


async def repair_by_hand(stage: Stage, caller: Caller) -> None:
    await stage.hang("tool", tool="exec")
    await stage.until(lambda: known(caller, "tool"), "the session is seen")
    await caller.post("/v1/recover", session="tool", action="kill")
    await caller.post("/v1/recover", session="nobody")
    asked = (await caller.post("/v1/recover", session="tool", action="abort_run")).document
    await caller.get("/v1/outcome", key="unknown")

    async def settled() -> bool:
        return bool((await caller.get("/v1/outcome", key=asked["key"])).document["settled"])

    await stage.until(settled, "the effect is seen")


async def known(caller: Caller, key: str) -> bool:
    rows = (await caller.get("/v1/sessions")).document["sessions"]
    return any(row["session"] == key for row in rows)


async def follow_the_journal(stage: Stage, caller: Caller) -> None:
    page = (await caller.get("/v1/events", limit="3")).document
    assert len(page["events"]) == 3
    rest = (await caller.get("/v1/events", after=page["cursor"])).document
    await caller.get("/v1/events", after=rest["cursor"], wait="true")
    await caller.get("/v1/events", since="yesterday")
    (stage.folder / "state" / "api.journal.sqlite").unlink()
    await caller.get("/v1/events")


async def drain(stage: Stage, caller: Caller) -> None:
    stage.levers.refuses.add("drain")
    await caller.post("/v1/drain")
    stage.levers.refuses.clear()
    await caller.post("/v1/drain", timeout="soon")
    await caller.post("/v1/drain", timeout="5s")


async def test_an_agent_that_has_seen_nothing_yet_answers_as_told() -> None:
    with tempfile.TemporaryDirectory(prefix="lw") as name:
        socket = Path(name) / "agent"
        flags = {"board": Path(name) / "none", "agent_socket": socket, "state_dir": name}
        async with attached(load_settings(environ={}, flags=flags), wait=True) as service:
            for path in ("/v1/status", "/v1/sessions", "/v1/about"):
                PAGE.check("GET", path, await asyncio.to_thread(request, socket, "GET", path))
            await service.agent.tick()
            answer = await asyncio.to_thread(request, socket, "GET", "/v1/status")

    PAGE.check("GET", "/v1/status", answer)
    assert answer.document["problem"]


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("PUT", "/v1/status", None, 404),
        ("POST", "/v1/hold", b"[]", 400),
        ("POST", "/v1/hold", b"x" * 70000, 413),
    ],
)
async def test_what_is_not_served_is_refused_as_told(
    stage: Stage, method: str, target: str, body: bytes | None, status: int
) -> None:
    answer = await asyncio.to_thread(request, stage.agent, method, target, body)

    PAGE.check_at("/components/responses/Error/content/application~1json/schema", answer.document)
    assert answer.status == status


@pytest.mark.parametrize("name", sorted(PAGE.enums))
def test_a_closed_vocabulary_is_told_whole(name: str) -> None:
    assert PAGE.enums[name] == [member.value for member in WORDS[name]]


def test_every_number_of_the_vitals_is_told() -> None:
    known = {f.name: 1.0 for f in fields(Vitals) if str(f.type) in ("float | None", "int | None") or f.name == "now_s"}
    told = set(PAGE.tree["components"]["schemas"]["Vitals"]["properties"])

    assert {name for name, _ in _evidence(Vitals(**known))} <= told  # type: ignore[arg-type]  # numbers only


def test_a_lane_is_told_as_explain_shows_it() -> None:
    verdict = LaneVerdict("main", LaneCondition.BOTTLENECK, "a", ("b",), ("a", "b"), (("queued", 1),))

    PAGE.check_at("/components/schemas/Explanation/properties/lanes", [views._lane(verdict)])


def raised() -> set[str]:
    """Return the kind of every ``ApiError(..., kind, ...)`` and ``_error(kind, ...)`` in the source."""
    found: set[str] = set()
    for path in Path(livewatch.__file__).parent.rglob("*.py"):
        if path.name == "health_server.py":  # a server of its own
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if name in ("ApiError", "_error") and isinstance(node, ast.Call):
                kind = node.args[1 if name == "ApiError" else 0]
                found |= {kind.value} if isinstance(kind, ast.Constant) else set()
    return found


def test_every_kind_of_error_is_told_and_none_besides() -> None:
    error = PAGE.tree["components"]["schemas"]["Error"]["properties"]["error"]

    unwell = {"not_ticking", Phase.OPENING.value, Phase.STOPPING.value}
    assert set(error["properties"]["type"]["enum"]) == raised() | unwell
