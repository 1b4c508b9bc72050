"""The desk inside the gateway's own process, for visitors of a gateway that runs on its own."""

import asyncio

from livewatch.demo.gateway import Gateway
from livewatch.demo.ledger import Answer

_POLL_S = 0.1


class LocalDesk:
    """Hands messages to a gateway and answers back."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answers: dict[str, asyncio.Future[Answer]] = {}

    async def send(self, session: str, text: str) -> str:
        """Leave one message and return its id."""
        message_id = self._gateway.send(session, text)
        self._answers[message_id] = asyncio.get_running_loop().create_future()
        return message_id

    async def answered(self, message_id: str) -> Answer:
        """Wait for the answer."""
        answer = await self._answers[message_id]
        del self._answers[message_id]
        return answer

    async def run(self) -> None:
        """Hand out answers for ever."""
        following = 0
        while True:
            await asyncio.sleep(_POLL_S)
            following, answers = self._gateway.ledger.answers(following)
            for answer in answers:
                future = self._answers.get(answer.id)
                if future is not None and not future.done():
                    future.set_result(answer)
