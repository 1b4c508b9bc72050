"""``docs/api/control.openapi.yaml`` against the control socket of a gateway with the real probe."""

import asyncio
import json
from typing import Any

from jsonschema import Draft202012Validator

from livewatch.probe.action_request import MEMBERS, REQUIRED
from livewatch.probe.control import OPERATIONS
from livewatch.probe.levers import ACTIONS, Check
from livewatch_classifiers.decision import RefusedCheck, ReplyStatus
from tests.docs.conftest import Stage
from tests.docs.openapi import Answer, Document, request

PAGE = Document("control")


def test_every_operation_that_is_served_is_told_and_none_besides() -> None:
    assert PAGE.operations == set(OPERATIONS)


def test_the_words_are_those_of_probe_and_agent() -> None:
    schemas = PAGE.tree["components"]["schemas"]

    assert tuple(schemas["ActionKind"]["enum"]) == ACTIONS
    assert schemas["Reply"]["properties"]["status"]["enum"] == [status.value for status in ReplyStatus]
    assert (
        schemas["RefusedCheck"]["enum"] == [check.value for check in RefusedCheck] == [check.value for check in Check]
    )


def test_an_action_is_written_as_the_probe_reads_it() -> None:
    """The bounds at their edges: what the document takes the probe takes, and one step further neither does."""
    action = PAGE.tree["components"]["schemas"]["Action"]
    assert list(action["properties"]) == list(MEMBERS)
    assert tuple(action["required"]) == REQUIRED
    for name, schema in action["properties"].items():
        low, high = schema.get("minimum", schema.get("minLength", 0)), schema.get("maximum", schema.get("maxLength"))
        edges: list[object] = [low, high, low - 1, high + 1]
        if schema["type"] == "string":
            edges = ["x" * length for length in (low, high, max(0, low - 1), high + 1)]
        for edge in edges:
            assert MEMBERS[name].fits(edge) is Draft202012Validator(schema).is_valid(edge), (name, edge)


class Caller:
    """Asks one gateway, checks each answer, and remembers what it has seen."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.seen: set[tuple[str, str, str]] = set()
        self.replies: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        answer = await asyncio.to_thread(request, self.stage.control, method, path, body, **headers)
        self.seen.add((method, path, PAGE.check(method, path, answer)))
        return answer

    async def act(self, key: str, **facts: Any) -> Answer:
        action = {"kind": "abort_run", "session": "tool", "idempotency_key": key, "cause": "by the test"} | facts
        PAGE.check_at("/components/schemas/Action", action)
        answer = await self.ask("POST", "/v1/actions", json.dumps(action).encode())
        self.replies[key] = answer.document["status"]
        return answer


async def test_every_answer_of_a_real_gateway_is_as_told(stage: Stage) -> None:
    run = await stage.hang("tool", tool="exec")  # declared: the agent beside it leaves it alone
    session, caller = run.session, Caller(stage)
    facts = {"generation": session.generation, "run_id": run.id, "handle": run.handle}
    facts["progress_ns"] = session.progress_ns

    info = await caller.ask("GET", "/v1/info")
    assert info.document["runs"] == 1
    assert (await caller.act("stale", **(facts | {"generation": 1}))).document["check"] == "generation"
    await caller.act("lacking", **facts, kind="wake")
    stage.levers.breaks.add("release_lane")
    await caller.act("broken", **facts, kind="release_lane")
    await caller.act("drain", kind="drain", session="*", timeout_s=30)
    assert (await caller.act("done", **facts)).document["released"] == 1
    for body in (b"[]", b"{", b"[" * 60000):
        await caller.ask("POST", "/v1/actions", body)
    await caller.ask("POST", "/v1/actions", b"{}", Content_Length="70000")
    await caller.ask("POST", "/v1/actions", b"", Content_Length="\u00b2")

    assert caller.replies == {
        "stale": "refused", "lacking": "unsupported", "broken": "failed", "drain": "done", "done": "done"
    }  # fmt: skip
    assert caller.seen == PAGE.told


async def test_what_is_not_served_is_refused_as_told(stage: Stage) -> None:
    async def ask(method: str, target: str) -> int:
        answer = await asyncio.to_thread(request, stage.control, method, target)
        PAGE.check_at("/components/responses/Error/content/application~1json/schema", answer.document)
        return answer.status

    assert [await ask(*what) for what in (("GET", "/nothing"), ("POST", "/v1/info"), ("PUT", "/v1/info"))] == [404] * 3
