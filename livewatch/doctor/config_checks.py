"""The settings themselves."""

import shutil

from livewatch.configuration.settings import SourceKind
from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, failure, ok, skipped, warning
from livewatch_classifiers.vocabulary import Mode


def settings(case: Case) -> Finding:
    """Look whether the settings can be used."""
    if case.config_problem:
        return failure(case.config_problem, "correct it; the other checks go on with defaults and flags")
    count = len(case.settings.origins)
    where = f"{case.config_path}" if case.config_path is not None else "no file"
    return ok(f"{where}; {count} {'value is' if count == 1 else 'values are'} set, all others are defaults")


def in_force(case: Case) -> Finding:
    """Print what the running agent was told, and where each value came from; all others are defaults."""
    if case.agent is None:
        return skipped("no agent runs; `livewatch config show --origin` prints what the next would use")
    told = case.agent.about.get("settings")
    if told is None:
        return warning("the running agent is of a version that does not say its settings", "restart it")
    given = {key: one for key, one in told.items() if not str(one["origin"]).startswith("default")}
    judging = {key: one for key, one in given.items() if key.startswith(("thresholds.", "recovery."))}
    values = ", ".join(f"{key} = {one['value']} ({one['origin']})" for key, one in judging.items())
    more = f"{len(given) - len(judging)} other values are set; `livewatch config show --running --origin` prints all"
    return ok(f"{values or 'limits and recovery are defaults'}; {more}")


def variables(case: Case) -> Finding:
    """Look for variables that name no setting."""
    if case.settings.warnings:
        return warning("; ".join(case.settings.warnings), "correct or unset them")
    return ok("every LIVEWATCH_* variable is a setting")


def recovery(case: Case) -> Finding:
    """Look whether the mode can do what it says."""
    policy, target = case.settings.recovery, case.settings.target
    mode = case.mode
    if mode == Mode.OBSERVE.value:
        return ok('mode observe: nothing is repaired; write mode = "abort" in [recovery] when you trust what you see')
    if policy.dry_run:
        return warning(f"mode {mode} with dry_run: everything is decided, nothing is done", "remove dry_run")
    if target.source is SourceKind.BOARD and target.socket is None:
        return warning(f"mode {mode} without a control socket: nothing can be repaired", "name it: target.socket")
    return ok(f"mode {mode}")


def restart_command(case: Case) -> Finding:
    """Look whether the last rung can be climbed."""
    policy = case.settings.recovery
    if policy.mode is not Mode.RESTART:
        return skipped("mode is not restart")
    if not policy.restart_command:
        return warning("mode restart without a restart_command", 'give restart_command, or mode = "abort"')
    program = policy.restart_command[0]
    if shutil.which(program) is None:
        return failure(f"restart_command: there is no program {program!r}", "write its whole path")
    return ok(f"restart_command runs {program}")
