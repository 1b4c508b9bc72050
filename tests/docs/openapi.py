"""An OpenAPI document as a judge of real answers: undocumented members are errors here, though not for clients."""

import contextlib
import copy
import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).parents[2] / "docs" / "api"
_URI = "urn:document"
_METHODS = ("get", "put", "post", "delete", "patch")
_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Answer:
    status: int
    kind: str
    document: Any


class Document:
    """One of ``docs/api/*.openapi.yaml``."""

    def __init__(self, name: str) -> None:
        self.tree: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.openapi.yaml").read_text(encoding="utf-8"))
        closed = _closed(copy.deepcopy(self.tree))
        self._registry = Registry().with_resource(_URI, DRAFT202012.create_resource(closed))

    @property
    def operations(self) -> set[tuple[str, str]]:
        """Method and path of every operation."""
        return {(m.upper(), path) for path, item in self.tree["paths"].items() for m in item if m in _METHODS}

    @property
    def told(self) -> set[tuple[str, str, str]]:
        """Method, path and status of every answer that an operation tells of itself."""
        return {
            (method, path, status)
            for method, path in self.operations
            for status in self.tree["paths"][path][method.lower()]["responses"]
            if status != "default"
        }

    @property
    def enums(self) -> dict[str, list[str]]:
        """The closed vocabularies by name."""
        return {name: schema["enum"] for name, schema in self.tree["components"]["schemas"].items() if "enum" in schema}

    def check(self, method: str, path: str, answer: Answer) -> str:
        """Hold an answer against what its operation tells; return under which status it is told."""
        where = f"/paths/{_escaped(path)}/{method.lower()}/responses"
        responses = self.tree["paths"][path][method.lower()]["responses"]
        told = str(answer.status) if str(answer.status) in responses else "default"
        where = responses[told].get("$ref", f"#{where}/{told}").removeprefix("#")
        self.check_at(f"{where}/content/application~1json/schema", answer.document)
        assert answer.kind == "application/json"
        return told

    def check_at(self, pointer: str, instance: Any) -> None:
        """Hold a value against the schema at a JSON pointer."""
        validator = Draft202012Validator({"$ref": f"{_URI}#{pointer}"}, registry=self._registry)
        errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]
        assert not errors, "\n".join(errors)


def request(path: Path, method: str, target: str, body: bytes | None = None, **headers: str) -> Answer:
    """Ask over a UNIX socket."""
    connection = http.client.HTTPConnection("localhost", timeout=_TIMEOUT_S)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.settimeout(_TIMEOUT_S)
        connection.sock.connect(str(path))
        with contextlib.suppress(BrokenPipeError):  # it may answer the head, and close before it is sent the body
            connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, response.headers["Content-Type"], json.loads(response.read()))
    finally:
        connection.close()


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1")


def _closed(node: Any) -> Any:
    """Let no object have members that its schema does not name, unless it says so itself."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and "type" in node:
            node.setdefault("additionalProperties", False)
        for child in node.values():
            _closed(child)
    elif isinstance(node, list):
        for child in node:
            _closed(child)
    return node
