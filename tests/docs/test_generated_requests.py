"""Requests made from the OpenAPI documents, valid ones and others: whatever is asked, the answer is as told."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.core import NotSet

from tests.docs.conftest import Stage
from tests.docs.openapi import Answer, Document, request

EACH = 25
"""Requests of each of the two kinds for each operation."""
_BODY_BYTES_MAX = 60_000
_TARGET_BYTES_MAX = 15_000


def ask(socket: Path, case: Any) -> Answer | None:
    """Send one generated request; ``None`` for one that is more than a socket takes."""
    query = {name: _text(value) for name, value in (case.query or {}).items() if name != "wait"}  # 2 s each
    target = case.path + ("?" + urlencode(query, errors="replace") if query else "")
    given = isinstance(case.body, bytes)
    data = None if isinstance(case.body, NotSet) else case.body if given else json.dumps(case.body).encode()
    if len(target) > _TARGET_BYTES_MAX or len(data or b"") > _BODY_BYTES_MAX:
        return None
    return request(socket, case.method.upper(), target, data)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value)


def attack(document: Document, socket: Path, seed: int) -> set[tuple[str, str, int]]:
    """Ask everything that the document knows; return method, path and status of what was answered."""
    seen: set[tuple[str, str, int]] = set()
    for found in schemathesis.openapi.from_dict(document.tree).get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @hypothesis.seed(seed)
            @hypothesis.settings(
                max_examples=EACH,
                deadline=None,
                database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            @hypothesis.given(operation.as_strategy(generation_mode=mode))
            def each(case: Any) -> None:
                answer = ask(socket, case)
                if answer is not None:
                    method = case.method.upper()
                    document.check(method, case.path, answer)
                    seen.add((method, case.path, answer.status))

            try:
                each()
            except hypothesis.errors.Unsatisfiable:
                continue  # without parameters there is nothing to get wrong
    return seen


@pytest.mark.parametrize("which", ["agent", "control"])
async def test_whatever_is_asked_the_answer_is_one_that_is_told(stage: Stage, which: str) -> None:
    stage.levers.refuses |= {"drain", "abort_run"}  # the gateway and its runs outlive whatever is asked
    stage.population()
    document = Document(which)
    socket = stage.agent if which == "agent" else stage.control

    seen = await asyncio.to_thread(attack, document, socket, 7)

    assert {(method, path) for method, path, _ in seen} == document.operations
    assert any(status == 400 for _, _, status in seen)
    assert [key for key in seen if key[2] >= 500 and key[1] != "/readyz"] == []
