"""What a running agent says about itself: where its files are, and what it was told to watch."""

import os
from dataclasses import replace
from typing import Any

from livewatch import __version__
from livewatch.configuration.file_text import in_force
from livewatch.configuration.settings import Settings
from livewatch.local_api.requests import Nothing
from livewatch.recovery.journal import Journal
from livewatch_classifiers.decision import Person

SCHEMA_VERSION = 1


class About:
    """Serves ``/v1/about``: facts that do not depend on the gateway, for `doctor`, `audit` and `events`."""

    def __init__(
        self, settings: Settings, journal: Journal, prometheus_url: str | None, health_url: str | None = None
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._prometheus_url = prometheus_url
        self._health_url = health_url

    def reloaded(self, settings: Settings) -> None:
        """Take over what a reload changes, thresholds and recovery, and where these came from."""
        live = ("thresholds.", "recovery.")
        kept = {key: origin for key, origin in self._settings.origins.items() if not key.startswith(live)}
        taken = {key: origin for key, origin in settings.origins.items() if key.startswith(live)}
        self._settings = replace(
            self._settings, thresholds=settings.thresholds, recovery=settings.recovery, origins=kept | taken
        )

    async def __call__(self, _request: Nothing, _caller: Person) -> dict[str, Any]:
        """Return the document; its settings are those in force, reloads included."""
        target, health = self._settings.target, self._journal.health
        return {
            "schema_version": SCHEMA_VERSION,
            "ok": True,
            "version": __version__,
            "pid": os.getpid(),
            "uid": os.geteuid(),
            "readers": list(self._settings.agent.readers),
            "operators": list(self._settings.agent.operators),
            "name": target.name,
            "source": target.source.value,
            "watched_pid": target.pid,
            "watched_port": target.port,
            "board": None if target.board is None else str(target.board.absolute()),
            "socket": None if target.socket is None else str(target.socket.absolute()),
            "journal": str(self._journal.path.absolute()),
            "journal_health": {
                "degraded": health.degraded,
                "problem": health.problem,
                "dropped": health.dropped,
                "late_intents": health.late_intents,
            },
            "metrics_listen": self._settings.telemetry.metrics_listen,
            "prometheus_url": self._prometheus_url,
            "health_url": self._health_url,
            "interval_s": self._settings.agent.interval_s,
            "settings": {
                key: {"value": value, "origin": self._settings.origins.get(key, "default")}
                for key, value in in_force(self._settings).items()
            },
        }
