"""The incident's page in a real headless Chromium: ``python -m pytest tests/live/incident_page_in_a_browser.py``.

Set ``LIVEWATCH_SCREENSHOTS`` to a folder to keep the pictures.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from livewatch.cli.incident_page import render
from livewatch.recovery.incident import build_incidents
from livewatch.recovery.journal.reader import read_journal
from tests.recovery.journal.story import tell

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
PROBE = """
<script>
addEventListener("load", () => {
  const box = (e) => e.getBoundingClientRect();
  const chart = box(document.querySelector(".chart"));
  document.body.dataset.seen = JSON.stringify({
    overflow: document.documentElement.scrollWidth - innerWidth,
    background: getComputedStyle(document.body).backgroundColor,
    outside: [...document.querySelectorAll(".span")].filter((s) => {
      const strip = box(s.parentElement), own = box(s);
      return own.left < strip.left - 1 || own.right > strip.right + 4;
    }).length,
    spans: document.querySelectorAll(".span").length,
    chartHeight: chart.height,
    stripsAligned: [...document.querySelectorAll(".strip")].every((s) => Math.abs(box(s).left - chart.left) < 1),
    smallest: Math.min(
      ...[...document.querySelectorAll("main *")].map((e) => parseFloat(getComputedStyle(e).fontSize)),
    ),
  });
});
</script>
"""


def browse(page: Path, profile: Path, *flags: str) -> str:
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=True).stdout


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("state") / "journal.sqlite"
    asyncio.run(tell(path))
    history = read_journal(path, frames_between=(0.0, 4e9))
    return render(build_incidents(history)[0], history.frames)


@pytest.mark.parametrize(("scheme", "dark"), [("1", False), ("0", True)])
@pytest.mark.parametrize("width", [500, 1000])
def test_the_page_reads_well_wide_and_narrow_light_and_dark(
    text: str,
    tmp_path: Path,
    width: int,
    scheme: str,
    dark: bool,  # noqa: FBT001 -- a parameter of the test
) -> None:
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    assert policy.search(text)
    page = tmp_path / "probe.html"
    page.write_text(policy.sub("", text).replace("</body>", PROBE + "</body>"), "utf-8")
    look = (f"--window-size={width},1200", f"--blink-settings=preferredColorScheme={scheme}")
    found = re.search(r'data-seen="([^"]+)"', browse(page, tmp_path / "profile", "--dump-dom", *look))
    assert found
    seen = json.loads(found[1].replace("&quot;", '"'))
    assert seen["overflow"] <= 0
    assert seen["outside"] == 0
    assert seen["spans"] >= 8
    assert seen["chartHeight"] > 60
    assert seen["stripsAligned"]
    assert seen["smallest"] >= 12
    shade = sum(int(part) for part in re.findall(r"\d+", seen["background"])[:3]) / 3
    assert (shade < 60) is dark
    folder = os.environ.get("LIVEWATCH_SCREENSHOTS")
    if folder:
        page.write_text(text, "utf-8")
        picture = Path(folder) / f"incident-{width}-{'dark' if dark else 'light'}.png"
        browse(page, tmp_path / "profile", f"--screenshot={picture}", *look)
        assert picture.stat().st_size > 10_000
