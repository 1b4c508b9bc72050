"""Whether what livewatch tells arrives: one real export per signal, and a real scrape."""

import socket
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit

from livewatch.doctor.case import Case
from livewatch.doctor.finding import Finding, failure, ok, skipped, warning
from livewatch_exporters.otlp_environment import OtlpEnvironment
from livewatch_exporters.redaction import redact_text
from livewatch_exporters.telemetry_settings import TelemetryError

EXPORT_S = 5.0
_CONNECT_S = 2.0
_SCRAPE_S = 3.0
_SCRAPE_BYTES_MAX = 8 * 2**20
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy for the outside must not be asked for what this host serves itself."""
_LOOPBACK = ("127.", "::1", "localhost")


def otlp_metrics(case: Case) -> Finding:
    """Send one metric over OTLP."""
    return _export(case, "metrics")


def otlp_traces(case: Case) -> Finding:
    """Send one span over OTLP."""
    return _export(case, "traces")


def otlp_logs(case: Case) -> Finding:
    """Send one log event over OTLP; they are off unless asked for."""
    if OtlpEnvironment(case.environ, "logs").exporter != "otlp":
        return skipped("log events are exported only with OTEL_LOGS_EXPORTER=otlp")
    return _export(case, "logs")


def prometheus(case: Case) -> Finding:
    """Scrape the running agent's endpoint; without an agent, look whether its address is free."""
    url = case.agent.about.get("prometheus_url") if case.agent is not None else None
    if url is not None:
        return _scrape(str(url))
    listen = case.settings.telemetry.metrics_listen
    if listen is None:
        return skipped("off; --metrics-listen 127.0.0.1:9464 serves it")
    try:
        host, port = _address(listen)
    except TelemetryError as error:
        return failure(str(error), "correct telemetry.metrics_listen")
    if case.agent is not None:
        return warning(f"{listen} is configured, and the running agent serves no metrics", "restart livewatch")
    return _free(host, port)


def exposure(case: Case) -> Finding:
    """Look whether metrics or health are served beyond this host."""
    telemetry = case.settings.telemetry
    listens = {
        "metrics": _served_at(case, "prometheus_url", telemetry.metrics_listen),
        "health": _served_at(case, "health_url", telemetry.health_listen),
    }
    hosts: dict[str, str] = {}
    for what, listen in listens.items():
        if listen is not None:
            try:
                hosts[what] = _address(listen)[0]
            except TelemetryError:
                return skipped(f"the address of {what} cannot be understood")
    if not hosts:
        return skipped("neither metrics nor health are served over TCP")
    exposed = [what for what, host in hosts.items() if not host.startswith(_LOOPBACK)]
    if not exposed:
        return ok(f"{' and '.join(hosts)}: served on {' and '.join(sorted(set(hosts.values())))} only")
    where = ", ".join(f"{what} on {hosts[what] or 'every address'}" for what in exposed)
    return warning(
        f"served without a password: {where}",
        "listen on 127.0.0.1, or let a firewall admit Prometheus and the supervisor alone",
    )


def _served_at(case: Case, url: str, listen: str | None) -> str | None:
    told = case.agent.about.get(url) if case.agent is not None else None
    return listen if told is None else urlsplit(str(told)).netloc


def _address(listen: str) -> tuple[str, int]:
    from livewatch_exporters.prometheus import parse_address  # noqa: PLC0415 -- 30 ms, only where one is served

    return parse_address(listen)


def _export(case: Case, signal: str) -> Finding:
    told = OtlpEnvironment(case.environ, signal)
    if not told.wanted:
        return skipped("no OTEL_EXPORTER_OTLP_ENDPOINT is set" if told.exporter != "none" else "switched off")
    if case.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return warning("OTEL_SDK_DISABLED is true: nothing is exported", "unset it, or unset the endpoint")
    from livewatch_exporters.otlp_trial import TRIAL, try_export  # noqa: PLC0415 -- 0.2 s, only where one is set
    from livewatch_exporters.resource import resource  # noqa: PLC0415 -- slow to import, and only needed here

    who = resource(case.settings.target.name, "doctor", case.environ)
    try:
        protocol = told.protocol
        problem = try_export(signal, case.environ, who, timeout_s=EXPORT_S)
    except TelemetryError as error:
        return failure(redact_text(str(error)), "correct the variable")
    endpoint, tls = redact_text(told.endpoint), told.endpoint.startswith("https:")
    if problem:
        unreachable = _unreachable(told.endpoint)
        reason = problem if _proxy_may_be_asked(case) else unreachable or problem
        fix = "is the collector up, and is this its OTLP port (4318 for http/protobuf, 4317 for grpc)?"
        if tls and not unreachable:
            fix = f"{fix} Trusted are {told.trusted}; OTEL_EXPORTER_OTLP_CERTIFICATE names another file"
        return failure(f"{endpoint} ({protocol}) does not take {signal}: {reason}", fix)
    trusting = f", trusting {told.trusted}" if tls else ""
    return ok(f"{endpoint} ({protocol}) took {TRIAL!r}{trusting}")


def _proxy_may_be_asked(case: Case) -> bool:
    """Return whether the environment names a proxy: then who is reached directly says nothing."""
    return any(case.environ.get(name) for scheme in ("http", "https", "all") for name in _proxy_names(scheme))


def _proxy_names(scheme: str) -> tuple[str, str]:
    return f"{scheme}_proxy", f"{scheme.upper()}_PROXY"


def _unreachable(endpoint: str) -> str:
    """Return why nobody can be reached at an endpoint; empty when somebody listens. The SDK does not always say."""
    try:
        where = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
        port = where.port or (443 if where.scheme == "https" else 80)
        socket.create_connection((where.hostname or "", port), _CONNECT_S).close()
    except TimeoutError:
        return "nobody answers there"
    except (OSError, ValueError) as error:
        return str(getattr(error, "strerror", None) or error)
    return ""


def _scrape(url: str) -> Finding:
    try:
        with _direct.open(url, timeout=_SCRAPE_S) as answer:
            kind = str(answer.headers.get("Content-Type", ""))
            text = answer.read(_SCRAPE_BYTES_MAX).decode(errors="replace")
    except (OSError, HTTPException) as error:
        return failure(f"{url} cannot be scraped ({error})", "look at livewatch's own log")
    series = sum(1 for line in text.splitlines() if line and not line.startswith("#"))
    if "version=" not in kind:
        return failure(f"{url} answers, and not with metrics", "another program holds the port; choose another")
    return ok(f"{url} can be scraped: {series} series")


def _free(host: str, port: int) -> Finding:
    """Look whether an address can be bound, as the endpoint binds it; lets go at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            return failure(
                f"{host}:{port} cannot be bound ({error.strerror})", "choose another port, or end who holds it"
            )
    return ok(f"{host}:{port} is free")
