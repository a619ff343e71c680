"""Checks re-screening: screens in full every application that was only compared with changes.

The comparison looks at changed entries only and uses an index of the parties. If the full screening
finds an entry that the comparison missed, the hit is published like any other, counted and logged.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from services.screening.core.config import ScreeningConfig
from services.screening.shell.application_rescreening import ApplicationRescreening
from services.screening.shell.rescreening_progress import RescreeningProgress
from services.screening.shell.screener import Screener

_LOG = structlog.get_logger("rescreening")
_FIRST: Final = UUID(int=0)


class FullScreeningCheck:
    """Goes through the applications by id, and starts again when another index is loaded."""

    def __init__(
        self,
        rescreening: ApplicationRescreening,
        progress: RescreeningProgress,
        screener: Screener,
        config: ScreeningConfig,
        registry: CollectorRegistry,
    ) -> None:
        self._rescreening, self._progress, self._screener = rescreening, progress, screener
        self._config = config
        self._results = Counter(
            "safeconduct_rescreening_full_screenings",
            "Applications screened in full after a change.",
            ["outcome"],
            registry=registry,
        )
        self._is_pending = Gauge(
            "safeconduct_rescreening_full_screening_pending",
            "1 until all were screened in full after a change.",
            registry=registry,
        )
        self._checked: tuple[str, UUID] | None = None
        """Index version and application of the last check."""

    async def check_next(self) -> bool:
        """Screens one more application in full. False if all were checked, or no index is loaded.

        Raises RpcError and MatcherError.
        """
        index = self._screener.index
        if index is None:
            return False
        if self._checked is None or self._checked[0] != index.list_version_id:
            self._checked = index.list_version_id, _FIRST
            self._is_pending.set(1)
        application = await self._progress.next_only_compared(
            index.list_version_id, self._checked[1]
        )
        if application is None:
            self._is_pending.set(0)
            return False
        had_config = application.state.latest.config_version
        entries = await self._rescreening.screen(index, application, None)
        self._checked = index.list_version_id, application.id
        self._report(application.id, entries, had_config)
        return True

    def _report(self, application_id: UUID, entries: tuple[str, ...], had_config: str) -> None:
        if not entries:
            outcome = "same"
        elif had_config == self._config.version:
            outcome = "missed"
        else:
            outcome = "rules changed"  # other thresholds find other entries; nothing was missed
        self._results.labels(outcome).inc()
        if entries:
            _LOG.error(
                "found by the full screening only",
                application=str(application_id),
                entries=entries,
                outcome=outcome,
            )
