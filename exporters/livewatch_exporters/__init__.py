"""What livewatch tells the world: the metric catalogue and its OpenTelemetry and Prometheus exporters."""
