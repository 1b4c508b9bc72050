"""Who acts on the gateway: exactly one livewatch should, and nobody else."""

from livewatch.configuration.settings import SourceKind
from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, failure, ok, skipped, warning
from livewatch.gateway_lease import gateway_lease
from livewatch.recovery.lease import Holder, holder_of


def agent(case: Case) -> Finding:
    """Look whether an agent answers; nothing else here needs one."""
    if case.agent is None and not case.agent_socket.is_socket():
        return skipped(f"no agent answers at {case.agent_socket}")
    if case.agent is None:
        return judge_silence(case.agent_problem, _holder(case))
    about = case.agent.about
    return ok(f"livewatch {about['version']}, pid {about['pid']}, answers at {case.agent_socket}")


def judge_silence(problem: str, holder: Holder | None) -> Finding:
    """Judge an agent's socket at which nobody answers."""
    if holder is not None and holder.alive:
        return warning(f"{problem}; {holder}", f"is it stopped or starved? `kill -CONT {holder.pid}`, or end it")
    return warning(problem, "the last agent was killed; start it again, its socket is replaced")


def same_gateway(case: Case) -> Finding:
    """Compare the board that the agent watches with the configured one."""
    if case.agent is None:
        return skipped("no agent runs")
    watched, configured = case.agent.about["board"], case.configured_board
    if configured is not None and watched != str(configured.absolute()):
        return warning(
            f"the running agent watches {watched}, the settings name {configured.absolute()}",
            "restart livewatch, or give its own name to each gateway (--name)",
        )
    spoken = case.agent.about.get("source") == SourceKind.OPENCLAW.value
    return ok(f"it watches {watched or ('OpenClaw over its own protocol' if spoken else 'a process from outside')}")


def sight(case: Case) -> Finding:
    """Look whether the agent can see the gateway, and is well itself."""
    if case.agent is None:
        return skipped("no agent runs")
    status = case.agent.status
    if status["problem"]:
        return failure(str(status["problem"]), "look at the checks of the gateway below")
    if status["health_penalty"]:
        return warning(
            f"livewatch itself is slow (penalty {status['health_penalty']}): it waits longer before it acts on silence",
            "give it CPU and a disk that keeps up",
        )
    return ok(f"it sees {status['sessions'].get('total', 0)} sessions, mode {status['mode']}")


def one_actor(case: Case) -> Finding:
    """Look who holds the lease on this gateway."""
    if case.agent is not None and not case.agent.status["acts"]:
        return warning(
            f"the agent only observes: {case.agent.status['actor']}", "one livewatch per gateway acts; end the other"
        )
    if case.agent is not None:
        return ok("this agent holds the lease")
    holder = _holder(case)
    if holder is not None and holder.alive:
        return warning(
            f"{holder}, and does not answer at {case.agent_socket}",
            "name it as it was started (--name, --agent), or end it",
        )
    return ok("nobody holds the lease on this gateway")


def _holder(case: Case) -> Holder | None:
    return holder_of(gateway_lease(case.settings.target, case.journal, case.environ))
