"""What somebody does who tries livewatch by hand: break the example gateway, and name a wrong socket."""

import signal

from livewatch.cli.exits import Exit
from livewatch.local_api.client import ask
from tests.live.test_gateway_process import Place, Start, fixture_place, fixture_start, gateway, run_to_end
from tests.waiting import until

__all__ = ["fixture_place", "fixture_start"]
LIMITS = ("--warn-after", "300ms", "--abort-after", "600ms", "--interval", "100ms", "--mode", "abort")


def test_a_wrong_control_socket_is_told_and_nothing_is_said_to_be_sent(place: Place, start: Start) -> None:
    gateway(place, start)
    wrong = place.folder / "wrong.sock"
    start("run", "--board", place.board, "--socket", wrong, "--agent-socket", place.agent, *LIMITS,
          "--state-dir", place.folder)  # fmt: skip
    place.until_state("responsive")
    inbound = place.board.with_name(f"{place.board.name}.inbound")
    broken = run_to_end("demo-break", "hung_model_call", "--session", "by-hand", "--inbound", inbound)

    def held() -> str:
        rows = [row for row in place.status()["attention"] if row["session"] == "by-hand"]
        return rows[0]["doing"] if rows else ""

    until(lambda: "blocked by capability" in held(), "that nothing can be sent")
    told = run_to_end("status", "--agent", place.agent)

    assert broken.returncode == Exit.OK
    assert f"no repair can be sent: there is no control socket at {wrong}" in told.stdout
    assert place.status()["last_actions"] == []


def test_breaking_needs_an_example_gateway_and_a_known_fault(place: Place) -> None:
    nobody = run_to_end("demo-break", "zombie_run", "--inbound", place.folder / "none")
    unknown = run_to_end("demo-break", "hang", "--inbound", place.folder / "none")

    assert (nobody.returncode, unknown.returncode) == (Exit.UNREACHABLE, Exit.USAGE)
    assert "start one with `livewatch demo-gateway`" in nobody.stderr
    assert "zombie_run" in unknown.stderr


def test_a_stopped_gateway_is_named_where_its_sessions_are_shown(place: Place, start: Start) -> None:
    patient = gateway(place, start)
    start("run", "--board", place.board, "--socket", place.socket, "--agent-socket", place.agent, *LIMITS,
          "--state-dir", place.folder)  # fmt: skip
    place.until_state("responsive")
    until(lambda: place.status()["sessions"].get("total", 0) > 0, "sessions")
    patient.send_signal(signal.SIGSTOP)
    place.until_state("frozen")
    listed = run_to_end("sessions", "list", "--agent", place.agent).stdout
    key = ask(place.agent, "GET", "/v1/sessions")["sessions"][0]["session"]

    assert "the gateway is frozen: this is its last word" in listed
    assert (
        "nothing can be judged while the gateway is frozen" in run_to_end("explain", key, "--agent", place.agent).stdout
    )
