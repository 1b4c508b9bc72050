"""The most points that one metric may have; more would be a defect in the catalogue."""

from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import CardinalityLimits

LIMIT = 256
LIMITS: CardinalityLimits = {
    Counter: LIMIT,
    UpDownCounter: LIMIT,
    Histogram: LIMIT,
    ObservableCounter: LIMIT,
    ObservableUpDownCounter: LIMIT,
    ObservableGauge: LIMIT,
}
