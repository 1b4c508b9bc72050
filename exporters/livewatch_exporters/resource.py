"""Who is speaking: the OpenTelemetry resource, the same after every restart."""

import socket
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from uuid import UUID, uuid5

from opentelemetry.sdk.resources import OTELResourceDetector, Resource

SERVICE = "livewatch"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.37.0"
"""Version of the semantic conventions in whose words resource and attributes are."""
_NAMESPACE = UUID("4d63009a-8d0f-11ee-aad7-4c796ed8e320")
"""The one that the semantic conventions name for ``service.instance.id``."""


def resource(target: str, instance: str, environ: Mapping[str, str]) -> Resource:
    """Return the resource; ``OTEL_RESOURCE_ATTRIBUTES`` wins over what is made up here."""
    own = {
        "service.name": SERVICE,
        "service.version": scope_version(),
        "service.instance.id": instance_id(socket.gethostname(), target, instance),
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": _version("opentelemetry-sdk"),
    }
    told = dict(OTELResourceDetector().detect().attributes)
    if environ.get("OTEL_SERVICE_NAME", "").strip() == target:
        told.pop("service.name", None)  # a name set for the whole pod is the gateway's, not ours
    return Resource(own, SCHEMA_URL).merge(Resource(told))


def instance_id(host: str, target: str, instance: str) -> str:
    """Return a stable identity: a random one would make a new series of every metric at each restart."""
    return str(uuid5(_NAMESPACE, f"{host}\0{target}\0{instance}"))


def scope_version() -> str:
    """Return the version of livewatch, which every signal carries as that of its scope."""
    return _version(SERVICE)


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
