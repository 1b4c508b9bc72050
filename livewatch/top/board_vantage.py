"""Looking at a gateway's board without an agent: the same judgement, and nothing to act with."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from livewatch.clock import Clock
from livewatch.judge import Judge
from livewatch.local_api.decoding import from_values
from livewatch.local_api.requests import SessionsRequest
from livewatch.local_api.session_list import SessionQuery, session_list
from livewatch.local_api.views import judged, vitals_of
from livewatch.sources.base import SourceError
from livewatch.sources.board import BoardSource
from livewatch.top.vantage import Look, LostError, RefusedError
from livewatch.top.view import View
from livewatch_classifiers.report import TickReport
from livewatch_classifiers.thresholds import Thresholds
from livewatch_classifiers.vitals import classify_vitals
from livewatch_classifiers.vocabulary import Attention

_READ_ONLY = "this is only a look at a board; a running agent decides what is done"


class BoardVantage:
    """A `Vantage` over a board; it judges each look by itself and knows nothing of recovery."""

    who = "the gateway"
    hands = None

    def __init__(self, board: Path, thresholds: Thresholds, clock: Clock) -> None:
        self._source = BoardSource(board, None, clock, name=f"{board.absolute().parent.name}/{board.name}")
        self._thresholds = thresholds
        self._clock = clock
        self._judge = Judge()
        self._report: TickReport | None = None

    async def look(self, view: View) -> Look:
        """Read the board once, and judge what it holds."""
        try:
            snapshot = await self._source.sample()
        except SourceError as error:
            raise LostError(str(error)) from error
        before = self._report.vitals if self._report is not None else None
        self._report = report = TickReport(
            target=self._source.name,
            now_s=snapshot.vitals.now_s,
            wall_s=self._clock.wall_s(),
            snapshot=snapshot,
            problem="",
            vitals=classify_vitals(snapshot.vitals, self._thresholds, before),
            vitals_before=None if before is None else before.state,
            verdicts=self._judge.judge(snapshot, self._thresholds).verdicts,
            thresholds=self._thresholds,
        )
        query = SessionQuery.of(from_values(SessionsRequest, view.query()))
        return Look(_status(report), session_list(report, query, doing={}))

    async def explain(self, key: str) -> Mapping[str, Any]:
        """Return what was seen of the session at the last look, and how it was judged."""
        document = None if self._report is None else judged(self._report, key)
        if document is None:
            raise RefusedError(f"no session {key!r}")
        following: dict[str, Any] = {"action": None, "why": _READ_ONLY, "gates": []}
        return document | {"next": following, "tried": [], "repairs": 0, "quarantined": False}

    async def close(self) -> None:
        """Let go of the board."""
        await self._source.close()


def _status(report: TickReport) -> dict[str, Any]:
    counts = Counter(verdict.attention for verdict in report.verdicts.values())
    return {
        "target": report.target,
        "mode": "board only",
        "time": report.wall_s,
        "problem": "",
        "vitals": vitals_of(report),
        "sessions": {"total": len(report.verdicts), **{a.value: counts[a] for a in Attention}},
    }
