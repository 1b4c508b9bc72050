"""Injects faults and waits, from outside, until each is really over."""

import asyncio
import time
from collections.abc import Iterable

from livewatch.demo.fault import Fault
from livewatch.demo.fault_record import FaultRecord
from livewatch.demo.inbound_client import InboundClient
from livewatch.demo.ledger import AnswerStatus

_QUEUED_BEHIND = 2
_RECOVERY_BOUND_S = 30.0
_SLOW_BOUND_S = 60.0
_LOOK_S = 0.2


class Injector:
    """Knows the gateway only through its inbound socket: recovered means that people get answers again."""

    def __init__(self, client: InboundClient, records: Iterable[FaultRecord]) -> None:
        self._client = client
        self._records = {record.fault: record for record in records}

    async def repaired(self, fault: Fault) -> None:
        """Bring about a fault with two messages queued behind it; return when it is over or its time is."""
        record = self._records[fault]
        key = fault.value
        await self._client.answered(await self._client.send(key, "answer 2"))
        before = await self._client.session(key)
        record.injected_s = time.monotonic()
        carrier = await self._client.inject(fault, key)
        behind = [await self._client.send(key, "answer 3") for _ in range(_QUEUED_BEHIND)]
        try:
            async with asyncio.timeout(_RECOVERY_BOUND_S):
                for message_id in behind:
                    answer = await self._client.answered(message_id)
                    if answer.status is not AnswerStatus.OK:
                        record.problem = f"a message queued behind it failed: {answer.text}"
                assert carrier is not None
                await self._client.answered(carrier)
                await self._working_again(record, before or {})
        except TimeoutError:
            record.problem = record.problem or f"not recovered within {_RECOVERY_BOUND_S:g} s"
            return
        record.recovered_s = time.monotonic()

    async def left_alone(self, fault: Fault) -> None:
        """Begin work that looks sick and is not; return when it finished by itself."""
        record = self._records[fault]
        record.injected_s = time.monotonic()
        carrier = await self._client.inject(fault, fault.value)
        assert carrier is not None
        try:
            async with asyncio.timeout(_SLOW_BOUND_S):
                answer = await self._client.answered(carrier)
        except TimeoutError:
            record.problem = f"did not finish within {_SLOW_BOUND_S:g} s"
            return
        if answer.status is not AnswerStatus.OK:
            record.problem = f"did not finish well: {answer.text}"
        record.recovered_s = time.monotonic()

    async def block(self, seconds: float) -> None:
        """Block the gateway's loop; return when it answers again."""
        record = self._records[Fault.BLOCKED_LOOP]
        record.injected_s = time.monotonic()
        await self._client.inject(Fault.BLOCKED_LOOP, "", seconds=seconds)
        await asyncio.sleep(0.5)
        await self._client.stats()
        record.recovered_s = time.monotonic()

    async def _working_again(self, record: FaultRecord, before: dict[str, object]) -> None:
        """Wait until heartbeats flow again, and a ghost is gone and its successor is in the store."""
        while True:
            now = await self._client.session(record.fault.value)
            beats = now is not None and int(now["heartbeats"]) > int(str(before.get("heartbeats", 0)))
            fresh = now is not None and now["in_store"] and now["id"] != before.get("id")
            if beats and (fresh or record.fault is not Fault.GHOST_SESSION):
                return
            await asyncio.sleep(_LOOK_S)
