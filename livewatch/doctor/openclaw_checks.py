"""An OpenClaw gateway that is watched through its own protocol: can it be, and what does it do by itself."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livewatch.configuration.settings import SourceKind
from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, failure, ok, skipped, warning
from livewatch.durations import format_duration
from livewatch.guard.access import AccessError
from livewatch.guard.owner import GatewayOwner
from livewatch_classifiers.vocabulary import Mode

if TYPE_CHECKING:
    from livewatch.sources.openclaw.discovery import Gateway

_NOT_IT = "the gateway is not watched with --source openclaw"


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """What one version of the gateway does without anybody's help, in seconds; measured, and not configurable there."""

    warns_s: float
    reports_s: float
    provider_s: float
    """After so long it ends a provider's call and sends the same request again."""


TESTED = "2026.9.6"
OWN = OwnLimits(warns_s=120.0, reports_s=360.0, provider_s=600.0)


def connection(case: Case) -> Finding:
    """Find port and token as the agent would, connect for reading, and ask for the version."""
    target = case.settings.target
    if target.source is not SourceKind.OPENCLAW:
        return skipped(_NOT_IT)
    from livewatch.sources.openclaw.discovery import DiscoveryError, Options, find_gateway  # noqa: PLC0415 -- with websockets
    from livewatch.sources.openclaw.wire import WireError  # noqa: PLC0415 -- slow to import, and only needed here

    try:
        options = Options(target.profile, target.tls_fingerprint, target.tls_certificate)
        found = find_gateway(target.url, target.token_file, case.environ, options)
        version = asyncio.run(_version(found, case.owner))
    except AccessError as error:
        return failure(str(error), "correct target.owner")
    except DiscoveryError as error:
        return failure(str(error), "correct that, or name another file with --token-file")
    except WireError as error:
        return failure(error.problem, error.hint)
    if version != TESTED:
        return warning(
            f"OpenClaw {version}, {found.said}; livewatch was tested with {TESTED}",
            "watch it in mode observe first, and compare what both say in `livewatch status`",
        )
    return ok(f"OpenClaw {version}, {found.said}")


def own_repairs(case: Case) -> Finding:
    """Say what the gateway repairs by itself, and which of the two comes first."""
    if case.settings.target.source is not SourceKind.OPENCLAW:
        return skipped(_NOT_IT)
    itself = (
        f"OpenClaw {TESTED} by itself warns after {format_duration(OWN.warns_s)},"
        f" reports after {format_duration(OWN.reports_s)},"
        f" and after {format_duration(OWN.provider_s)} ends a provider's call and sends the same request again"
    )
    mode, abort_after_s = case.mode, case.abort_after_s
    if mode == Mode.OBSERVE.value:
        return ok(f"{itself}; livewatch only observes")
    if abort_after_s >= OWN.provider_s:
        return warning(
            f"{itself}; livewatch would act after that, at {format_duration(abort_after_s)}",
            f"set abort_after below {format_duration(OWN.provider_s)}",
        )
    when = format_duration(abort_after_s)
    return ok(f"{itself}; livewatch acts before, at {when}; an abort names its run, so none is acted on twice")


async def _version(found: "Gateway", owner: GatewayOwner) -> str:
    from livewatch.sources.openclaw.shapes import table  # noqa: PLC0415 -- slow to import, and only needed here
    from livewatch.sources.openclaw.wire import READING, Nobody, Wire  # noqa: PLC0415 -- slow to import, and only needed here

    wire = await Wire.open(
        found.url, found.token, Nobody(), scopes=READING, owner=owner, pin=found.pin, lacking=found.lacking
    )
    try:
        return str(table(wire.hello.get("server")).get("version", "of an unknown version"))
    finally:
        await wire.close()
