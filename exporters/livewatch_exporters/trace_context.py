"""W3C trace context, as far as one header: ``00-<trace id>-<span id>-<flags>``."""

import re
from hashlib import blake2b

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

_HEADER = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


def traceparent_of(seed: str) -> str:
    """Return a sampled context that is the same for the same seed: a repeated action belongs to the same trace."""
    digest = blake2b(seed.encode(), digest_size=24).hexdigest()
    return f"00-{digest[:32]}-{digest[32:]}-01"


def parse_traceparent(text: str | None) -> SpanContext | None:
    """Return the context that a header names, or ``None`` when it names none."""
    found = _HEADER.fullmatch(text or "")
    if found is None:
        return None
    flags = TraceFlags(int(found[3], 16))
    context = SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=flags)
    return context if context.is_valid else None


def exemplar_context(traceparent: str | None) -> Context | None:
    """Return a context in which a measurement points to the trace of a header; ``None`` when it names none."""
    told = parse_traceparent(traceparent)
    return None if told is None else set_span_in_context(NonRecordingSpan(told), Context())
