"""`livewatch incidents`: the table, the timeline, the document and the page."""

import asyncio
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from livewatch.cli.incidents import command
from livewatch.recovery.journal.paths import journal_path
from tests.recovery.journal.story import KEY, STACK, tell


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("state") / "journal.sqlite"
    asyncio.run(tell(path))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def ids(journal: Path) -> tuple[str, str]:
    document = json.loads(run("list", "--json", "--journal", str(journal)).stdout)
    gateway, session = document["incidents"]
    assert (session["session"], gateway["session"]) == (KEY, None)
    return session["id"], gateway["id"]


def page(journal: Path, incident: str, tmp_path: Path) -> str:
    target = tmp_path / "page.html"
    result = run("show", incident, "--html", str(target), "--journal", str(journal))
    assert (result.exit_code, result.stdout) == (0, "")
    return target.read_text("utf-8")


class Page(HTMLParser):
    """Collects what a test asks about, and fails on tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def spans(self) -> list[tuple[str | None, str | None]]:
        return [(a["class"], a["title"]) for _, a in self.tags if (a.get("class") or "").startswith("span ")]


def test_the_list_is_a_table_with_the_newest_first(journal: Path) -> None:
    result = run("list", "--journal", str(journal))
    head, gateway, session = result.stdout.splitlines()
    assert result.exit_code == 0
    assert head.split()[:2] == ["ID", "BEGAN"]
    assert "unresponsive" in gateway
    assert "abort_run: ineffective; force_clear: recovered" in session


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["--kind", "gateway"], ["gateway"]),
        (["--kind", "session"], ["session"]),
        (["--session", "agent:*"], ["session"]),
        (["--session", "nobody*"], []),
        (["--label", "stalled"], ["session"]),
        (["--label", "unresponsive"], ["gateway"]),
        (["--since", "1h"], []),
        (["--since", "100000d"], ["gateway", "session"]),
    ],
)
def test_incidents_are_found_by_time_session_label_and_kind(
    journal: Path, asked: list[str], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livewatch.cli.journal_file.time.time", lambda: 4e9)  # long after what the journal tells
    document = json.loads(run("list", "--json", "--journal", str(journal), *asked).stdout)

    assert ["gateway" if i["session"] is None else "session" for i in document["incidents"]] == found


def test_no_incident_of_that_kind_is_not_an_empty_journal(journal: Path) -> None:
    told = run("list", "--journal", str(journal), "--session", "nobody*").stdout

    assert told == "no incident in the journal is like that\n"


def test_every_document_names_its_schema_version(journal: Path) -> None:
    session, _ = ids(journal)
    document = json.loads(run("show", session, "--json", "--journal", str(journal)).stdout)
    assert document["schema_version"] == 1
    assert [m["offset_s"] for m in document["timeline"]] == sorted(m["offset_s"] for m in document["timeline"])
    first = document["timeline"][0]
    assert first["data"]["after"]["evidence"] == {"silence_s": 380.0, "limit_s": 300.0}
    assert json.loads(run("list", "--json", "--journal", str(journal)).stdout)["schema_version"] == 1


def test_show_tells_holds_actions_and_outcomes_in_order(journal: Path) -> None:
    text = run("show", ids(journal)[0], "--journal", str(journal)).stdout
    wanted = [
        "rule 9",
        "blocked by gate confirmed",
        "blocked at",
        "abort_run decided",
        "abort_run ineffective",
        "force_clear rec",
    ]
    assert [w for w in wanted if w in text] == wanted
    assert [text.index(w) for w in wanted] == sorted(text.index(w) for w in wanted)


def test_limit_says_how_many_are_not_shown(journal: Path) -> None:
    assert "1 older ones are not shown" in run("list", "--limit", "1", "--journal", str(journal)).stdout


@pytest.mark.parametrize("arguments", [("show", "999"), ("show", "x")])
def test_an_incident_that_does_not_exist_is_exit_code_1_and_an_envelope(
    journal: Path, arguments: tuple[str, ...]
) -> None:
    result = run(*arguments, "--json", "--journal", str(journal))
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["type"] == "no_such_incident"
    assert "no incident" in result.stderr


def test_no_journal_is_exit_code_3_and_says_where_it_looked(tmp_path: Path) -> None:
    result = run("list", "--json", "--journal", str(tmp_path / "none"))
    assert result.exit_code == 3
    assert json.loads(result.stdout)["ok"] is False
    assert str(tmp_path / "none") in result.stderr


def test_reading_leaves_the_journal_as_it_was(journal: Path) -> None:
    before = journal.read_bytes()
    run("list", "--journal", str(journal))
    assert journal.read_bytes() == before


def test_the_page_needs_nothing_from_outside_and_runs_nothing(journal: Path, tmp_path: Path) -> None:
    text = page(journal, ids(journal)[0], tmp_path)
    parsed = Page(text)
    assert {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object", "base"} == set()
    assert not [a for _, a in parsed.tags if a.keys() & {"src", "href"} or any(k.startswith("on") for k in a)]
    assert not re.search(r"url\(|@import|https?://", text)


def test_names_from_the_gateway_are_text_on_the_page_and_never_markup(journal: Path, tmp_path: Path) -> None:
    parsed = Page(page(journal, ids(journal)[0], tmp_path))
    assert KEY in parsed.text
    assert "&lt;b&gt;group" in page(journal, ids(journal)[0], tmp_path)


def test_the_page_draws_states_holds_and_actions_on_one_axis(journal: Path, tmp_path: Path) -> None:
    spans = Page(page(journal, ids(journal)[0], tmp_path)).spans()
    assert ("span stalled", "stalled: blocked_tool_call, 45s") in spans
    assert ("span stuck", "unresponsive, 10s") in spans
    assert ("span hold", "abort_run held, 19s") in spans
    assert ("span failed", "abort_run: ineffective, 16s") in spans
    assert ("span worked", "force_clear: recovered, 4s") in spans


def test_the_page_shows_the_loop_delay_and_the_stack_that_blocked(journal: Path, tmp_path: Path) -> None:
    text = page(journal, ids(journal)[1], tmp_path)
    assert "<polyline" in text
    assert STACK in text
    assert 'content="light dark"' in text
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_a_page_that_cannot_be_written_is_exit_code_1(journal: Path, tmp_path: Path) -> None:
    target = tmp_path / "no" / "page.html"
    result = run("show", ids(journal)[0], "--html", str(target), "--journal", str(journal))
    assert result.exit_code == 1
    assert "cannot write" in result.stderr


def test_the_journal_of_a_gateway_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert journal_path("gw") == tmp_path / "livewatch" / "gw.journal.sqlite"
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/livewatch:/var/lib/other")
    assert journal_path("gw") == Path("/var/lib/livewatch/gw.journal.sqlite")
    assert journal_path("gw", tmp_path) == tmp_path / "gw.journal.sqlite"
