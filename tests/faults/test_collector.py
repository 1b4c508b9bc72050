"""A collector that is dead, silent, slow or talks nonsense costs neither a tick nor a repair nor the end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.faults.ward import Ward, fixture_ward

__all__ = ["fixture_ward"]
_NONSENSE = b"\x16\x03\x01 no HTTP at all \xff\xfe\r\n\r\n" * 100
_REFUSED_FOR_EVER = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def collector(kind: str) -> Iterator[int]:
    """Listen, and answer in this manner; give the port."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = int(listening.getsockname()[1])
        if kind == "dead":
            listening.close()

        def talk(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.recv(1 << 16)
                if kind == "garbage":
                    connection.sendall(_NONSENSE)
                elif kind == "overloaded":
                    connection.sendall(_REFUSED_FOR_EVER)
                else:
                    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000:
                        if kind == "slow":
                            connection.send(bytes([byte]))
                        if stopping.wait(0.2):
                            return

        def accept() -> None:
            with suppress(OSError):
                while not stopping.is_set():
                    threading.Thread(target=talk, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield port
        finally:
            stopping.set()


@pytest.mark.parametrize(
    ("kind", "protocol"),
    [
        ("dead", "grpc"),
        ("silent", "http/protobuf"),
        ("slow", "http/protobuf"),
        ("garbage", "grpc"),
        ("overloaded", "http/protobuf"),
    ],
)
def test_repairs_go_on_and_the_agent_ends_in_time(ward: Ward, kind: str, protocol: str) -> None:
    gateway = ward.gateway()
    with collector(kind) as port:
        agent = ward.agent(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
            OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
            OTEL_EXPORTER_OTLP_TIMEOUT="120000",  # whoever waits for the collector comes too late
            OTEL_METRIC_EXPORT_INTERVAL="100",
            OTEL_BSP_SCHEDULE_DELAY="100",
            OTEL_BLRP_SCHEDULE_DELAY="100",
        )
        gateway.do("work", "healthy")
        ward.repaired(gateway, "k")
        ward.rounds(5)
        ward.ends_well(agent)
    assert gateway.pulled("healthy") == 0
    assert [intent.action.session for intent in ward.intents()] == ["k"]
