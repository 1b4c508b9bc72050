"""What `status` says of recording and shadow: nothing while all is well, one line when it is not."""

from typing import Any

import pytest

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
