"""What the standard ``OTEL_*`` variables say about exporting one signal."""

import socket
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from livewatch_exporters.telemetry_settings import TelemetryError

DEFAULT_TIMEOUT_S = 5.0
"""A failing export is over before the next is due."""
_LONGEST_MS = 7 * 86_400e3
"""A week; what is beyond every timer would end the exporting thread without a word."""
HTTP, GRPC = "http/protobuf", "grpc"
_BUNDLES = {HTTP: ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), GRPC: ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",)}
"""Variables that name authorities for every program, by what reads them."""


class OtlpEnvironment:
    """The variables of one signal; what is set for the signal wins over what is set for all."""

    def __init__(self, environ: Mapping[str, str], signal: str) -> None:
        self._environ = environ
        self.signal = signal
        """``metrics``, ``traces`` or ``logs``."""

    @property
    def exporter(self) -> str:
        """What ``OTEL_<SIGNAL>_EXPORTER`` says; empty when it is not set."""
        return self._environ.get(f"OTEL_{self.signal.upper()}_EXPORTER", "").strip()

    @property
    def wanted(self) -> bool:
        """Whether there is an endpoint to export to and nobody switched the signal off."""
        return bool(self._value("ENDPOINT")) and self.exporter != "none"

    @property
    def endpoint(self) -> str:
        """Where it is exported to; empty when nothing is set."""
        return self._value("ENDPOINT")

    @property
    def certificate(self) -> str:
        """File with the authorities that are trusted for this signal; empty when no variable of OTLP names one."""
        return self._value("CERTIFICATE")

    @property
    def trusted(self) -> str:
        """Who is trusted to vouch for a collector with TLS, in words: the file, and the variable that names it."""
        usual = (
            ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",) if self.protocol == GRPC else ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        )
        for name in (self._name("CERTIFICATE"), *usual):
            if found := self._environ.get(name, "").strip():
                return f"{found} of {name}"
        return "the usual authorities"

    @property
    def protocol(self) -> str:
        """``http/protobuf`` or ``grpc``.

        Raises:
            TelemetryError: for any other.
        """
        protocol = self._value("PROTOCOL") or HTTP
        if protocol not in (HTTP, GRPC):
            raise TelemetryError(f"{self._name('PROTOCOL')}={protocol!r} is not supported; write {HTTP} or {GRPC}")
        return protocol

    @property
    def timeout_s(self) -> float:
        """How long one export may take.

        Raises:
            TelemetryError: when it is no number of milliseconds.
        """
        return self.seconds(self._name("TIMEOUT"), DEFAULT_TIMEOUT_S)

    def seconds(self, name: str, default_s: float) -> float:
        """Return seconds from a variable in milliseconds, the specification's unit; the Python SDK reads seconds.

        Raises:
            TelemetryError: when it is no number of milliseconds.
        """
        raw = self._environ.get(name, "").strip()
        if not raw:
            return default_s
        try:
            value = float(raw)
        except ValueError:
            value = 0.0
        if not 0 < value <= _LONGEST_MS:
            raise TelemetryError(
                f"{name}={raw!r} is not a number of milliseconds; write for example {default_s * 1000:.0f}"
            )
        return value / 1000

    def _name(self, part: str) -> str:
        own = f"OTEL_EXPORTER_OTLP_{self.signal.upper()}_{part}"
        return own if self._environ.get(own, "").strip() else f"OTEL_EXPORTER_OTLP_{part}"

    def _value(self, part: str) -> str:
        return self._environ.get(self._name(part), "").strip()


def is_this_host(endpoint: str) -> bool:
    """Return whether an endpoint is on loopback, where no proxy could reach it for us."""
    try:
        host = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return _is_short_loopback(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any(one.is_loopback or one.is_unspecified for one in (address, mapped) if one is not None)


def grpc_options(endpoint: str) -> tuple[tuple[str, int], ...]:
    """Return the channel's options: gRPC asks the proxy of ``http_proxy`` for loopback, too, unless told not to."""
    return (("grpc.enable_http_proxy", 0),) if is_this_host(endpoint) else ()


def _is_short_loopback(host: str) -> bool:
    """Return whether a host is loopback in a form that only the C library reads, such as ``127.1``."""
    try:
        return socket.inet_aton(host)[0] == 127 if host[:1].isdigit() else False  # noqa: PLR2004 -- 127/8
    except OSError:
        return False


def ignored(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return which ``OTEL_*`` variables ask for something that is not done, each with what to do instead."""
    told = [said for signal in ("metrics", "traces", "logs") if (said := _ignored_exporter(environ, signal))]
    unread = {
        "OTEL_EXPORTER_PROMETHEUS_HOST": "--metrics-listen HOST:PORT serves a scrape",
        "OTEL_EXPORTER_PROMETHEUS_PORT": "--metrics-listen HOST:PORT serves a scrape",
        "OTEL_CONFIG_FILE": "only the variables are read",
        "OTEL_EXPERIMENTAL_CONFIG_FILE": "only the variables are read",
    }
    return (*told, *(f"{name} is not read; {hint}" for name, hint in unread.items() if environ.get(name, "").strip()))


def _ignored_exporter(environ: Mapping[str, str], signal: str) -> str:
    told = OtlpEnvironment(environ, signal)
    said = f"OTEL_{signal.upper()}_EXPORTER={told.exporter!r}"
    if told.exporter == "prometheus" and signal == "metrics":
        return f"{said} starts nothing; --metrics-listen HOST:PORT serves a scrape"
    if told.exporter not in ("", "none", "otlp"):
        return f"{said} is not supported; write otlp or none"
    if told.exporter == "otlp" and not told.endpoint:
        return f"{said} exports nothing without OTEL_EXPORTER_OTLP_ENDPOINT"
    return ""


def cannot_start(error: Exception) -> TelemetryError:
    """Return the error that says what to do about an exporter that cannot be built."""
    return TelemetryError(f"OTLP cannot start ({_said(error)}); correct or unset the OTEL_EXPORTER_OTLP_* variables")


def sdk_cannot_start(error: Exception) -> TelemetryError:
    """Return the error that says what to do about a variable that only the SDK knows."""
    said = _said(f"{type(error).__name__}: {error}")
    return TelemetryError(f"OpenTelemetry cannot start ({said}); correct or unset the OTEL_* variables")


def _said(words: object) -> str:
    """Return words as one line that any log can take, whatever bytes a variable had."""
    return " ".join(str(words).split())[:300].encode("utf-8", "backslashreplace").decode()
