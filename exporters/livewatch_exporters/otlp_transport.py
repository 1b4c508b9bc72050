"""How OTLP leaves this host: directly to loopback, trusting whom the operator named, and saying why it failed.

The SDK logs ``Failed to export ... due to timeout, max retries or shutdown`` for a refused connection, an unknown host
and a certificate that nobody trusts alike; what really happened is only known where the request is sent.
"""

import logging
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import requests
from requests.utils import select_proxy

from livewatch_exporters.otlp_environment import OtlpEnvironment, is_this_host

_CAUSES = logging.getLogger("opentelemetry.exporter.livewatch.cause")
_PROVIDER = "OTEL_PYTHON_EXPORTER_OTLP_HTTP{}_CREDENTIAL_PROVIDER"


def http_session(told: OtlpEnvironment, environ: Mapping[str, str] | None = None) -> requests.Session | None:
    """Return the session for one signal; ``None`` where a credential provider has one of its own."""
    environ = os.environ if environ is None else environ
    named = (_PROVIDER.format(""), _PROVIDER.format(f"_{told.signal.upper()}"))
    return None if any(environ.get(name) for name in named) else _Session(told.endpoint, told.certificate)


class _Session(requests.Session):
    """Says on the SDK's log what became of each request that failed."""

    def __init__(self, endpoint: str, certificate: str) -> None:
        super().__init__()
        self._direct = is_this_host(endpoint)
        self._certificate = certificate

    def merge_environment_settings(self, *arguments: Any, **named: Any) -> Any:
        """Return the settings of one request; what the environment says to all programs does not win over OTEL_*."""
        settings = super().merge_environment_settings(*arguments, **named)
        if self._direct:
            settings["proxies"] = {}
        if self._certificate:
            settings["verify"] = self._certificate  # REQUESTS_CA_BUNDLE would win over it
        return settings

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request."""
        try:
            response = super().send(request, **kwargs)
        except Exception as error:
            proxy = select_proxy(request.url or "", kwargs.get("proxies") or {})
            _note(_cause(error, trusted=kwargs.get("verify"), proxy=proxy))
            raise
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            _note(f"the collector answered {response.status_code} {response.reason}".rstrip())
        return response


def _note(cause: str) -> None:
    _CAUSES.warning("%s", cause, extra={"cause": cause})


def _cause(error: Exception, *, trusted: object, proxy: str | None) -> str:
    chain = list(_chain(error))
    said = _said(chain, trusted) or " ".join(str(error).split())
    if proxy is not None and any(isinstance(one, requests.exceptions.ProxyError) for one in chain):
        return f"the proxy {proxy} cannot be used: {said}"
    return f"{said} (through the proxy {proxy})" if proxy is not None else said


def _said(chain: list[BaseException], trusted: object) -> str:
    """Return the innermost reason in words; empty when there is none to be found."""
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            whom = f"the certificates in {trusted}" if isinstance(trusted, str) else "the usual authorities"
            return f"the collector's certificate is not accepted: {one.verify_message}; trusted are {whom}"
    for one in chain:
        if isinstance(one, ssl.SSLError):
            return f"TLS failed: {one.reason or one}"
        if isinstance(one, socket.gaierror):
            return f"the host name cannot be resolved: {one.strerror}"
        if isinstance(one, requests.exceptions.Timeout | TimeoutError):
            return "no answer in time"
    for one in reversed(chain):
        if isinstance(one, OSError) and one.strerror:
            return one.strerror
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that are wrapped in it, outermost first."""
    seen: set[int] = set()
    queue: list[BaseException] = [error]
    while queue:
        one = queue.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        queue += [other for other in inner if isinstance(other, BaseException)]
