"""What `status` says of recording and shadow: nothing while all is well, one line when it is not."""

from typing import Any

import pytest

from livewatch.cli import explain
from livewatch.cli.status import lines
from livewatch.local_api import views
from livewatch.local_api.history import History
from tests.test_agent import Stage

SHADOW = {
    "policy": "c.toml",
    "on": True,
    "problem": "",
    "disagreements": {"label": 2, "state": 0, "shadow_acts": 1, "shadow_waits": 0},
}
RECORDING = {"folder": "rec", "written": 5, "dropped": 0, "problem": ""}


@pytest.mark.parametrize(
    ("aside", "said"),
    [
        ({"shadow": SHADOW}, "  shadow c.toml: disagreed 2 label, 1 shadow_acts"),
        ({"shadow": SHADOW | {"disagreements": {"label": 0}}}, "  shadow c.toml: disagreed never"),
        ({"shadow": SHADOW | {"on": False, "problem": "why"}}, "  shadow c.toml: switched off: why"),
        ({"recording": RECORDING | {"dropped": 3}}, "  recording rec: 3 rounds left out"),
        ({"recording": RECORDING | {"dropped": 3, "problem": "full"}}, "  recording rec: 3 rounds left out: full"),
        ({"recording": RECORDING, "shadow": None}, None),
    ],
)
async def test_what_runs_aside_is_told_in_one_line(aside: dict[str, Any], said: str | None) -> None:
    stage = Stage()
    await stage.tick()
    plain = views.status(stage.agent, History()) | {"holds": [], "locks": []}
    told = [line for line in lines(plain | aside) if line not in lines(plain)]
    assert told == ([] if said is None else [said])


def test_explain_says_what_stopped_the_loop_and_where() -> None:
    stack = {"age_s": 2.0, "count": 3, "text": "\n".join(f"app.py:{n} f{n}" for n in range(9))}
    vitals = {"state": "unresponsive", "reasons": ["event_loop_delay"], "cause": "own_code", "blocked_stack": stack}
    verdict = dict.fromkeys(("attention", "reason", "rule", "evidence_class", "rule_words"), "") | {"evidence": {}}
    following = {"action": None, "why": "it is well", "gates": []}
    said = explain.lines(
        {"session": "s", "verdict": verdict, "next": following, "seen": [], "lanes": [], "vitals": vitals, "tried": [],
         "repairs": 0, "quarantined": False}
    )  # fmt: skip
    at = said.index("  gateway: unresponsive (event_loop_delay, cause: own_code)")
    assert said[at + 1] == "    its loop was blocked 2s ago, seen 3 times at the same place:"
    assert said[at + 2 : at + 8] == [f"      app.py:{n} f{n}" for n in range(3, 9)]
