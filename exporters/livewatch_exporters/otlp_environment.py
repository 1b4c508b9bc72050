"""What the standard ``OTEL_*`` variables say about exporting one signal."""

from collections.abc import Mapping

from livewatch_exporters.telemetry_settings import TelemetryError

DEFAULT_TIMEOUT_S = 5.0
"""A failing export is over before the next is due."""
_LONGEST_MS = 7 * 86_400e3
"""A week; what is beyond every timer would end the exporting thread without a word."""
HTTP, GRPC = "http/protobuf", "grpc"


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
