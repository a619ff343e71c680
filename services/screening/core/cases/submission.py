"""A submitted application as screening takes it: its parties, as declared."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.screening.core.records import Subject


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted application. screening_id identifies the screening that answers it."""

    screening_id: UUID
    application_id: UUID
    partner_id: str
    subjects: tuple[Subject, ...]

    @property
    def defect(self) -> str | None:
        """The reason why the submission is unusable, or None.

        An application without parties would be screened without a hit, and so be cleared.
        """
        if not self.partner_id:
            return "without a partner"
        if not self.subjects:
            return "without parties"
        return None
