"""The events that follow from new list versions, issued licenses and the end of an application."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.screening.core.cases.standing import ownership_of, standing_of
from services.screening.core.commands import EndMonitoring, MonitorLicense, Rescreen
from services.screening.core.events import Event, LicenseMonitored, MonitoringEnded, PartyListed
from services.screening.core.evolve import ScreenedApplication, evolve
from services.screening.core.lifecycle import fits
from services.screening.core.ownership.assessment import OwnershipAssessment
from services.screening.core.ownership.rules import Ruling
from services.screening.core.records import HitState, ScreeningResult

ENDINGS: Final = frozenset(
    {
        ("applications", "ApplicationDenied"),
        ("applications", "ApplicationWithdrawn"),
        ("applications", "ApplicationLapsed"),
        ("applications", "LicenseExpired"),
        ("enforcement", "LicenseRevoked"),
    }
)
"""Events (service, name) after which the parties are no longer compared with the lists."""

_MATCHES: Final = frozenset({ScreeningResult.POSSIBLE_MATCH, ScreeningResult.CONFIRMED_MATCH})


def is_ending(service: str, event_name: str) -> bool:
    """Returns True if the event of this service ends the monitoring of its application."""
    return (service, event_name) in ENDINGS


def rescreen(
    application: ScreenedApplication | None, command: Rescreen, ruling: Ruling
) -> tuple[Event, ...]:
    """Returns the new screening and a PartyListed for each party with a new hit; () if none is new.

    A hit is new if it was not known, is open, and its entry is among those that changed.
    """
    screening = command.screening
    if (
        application is None
        or not fits(application.state, type(screening))
        # The parties were submitted anew meanwhile, and screened with that.
        or screening.subjects != application.latest.subjects
    ):
        return ()
    if application.latest.ownership is None:
        # The shares were not recorded then, so an assessment now would claim that there are none.
        screening = replace(screening, ownership=None)
    known = {hit.hit_id for hit in application.hits}
    after = evolve(application, screening)
    new = [
        hit
        for hit in after.hits
        if hit.hit_id not in known
        and hit.state is HitState.OPEN
        and hit.hit.entry_id in command.entry_ids
    ]
    if not new:
        return ()
    ownership = ownership_of(after, ruling)
    listed = (
        party_listed(
            after,
            party_id,
            tuple(hit.hit.entry_id for hit in new if hit.party_id == party_id),
            ownership,
        )
        for party_id in dict.fromkeys(hit.party_id for hit in new)
    )
    return (replace(screening, ownership=ownership), *listed)


def monitor_license(
    application: ScreenedApplication | None, command: MonitorLicense, ruling: Ruling
) -> tuple[Event, ...]:
    """Returns LicenseMonitored, and PartyListed again for matches that the decision did not know.

    A match found while the license was being signed is published again with the license id: the
    officers who decided did not see it. A confirmed match is published in every case. Its verdict
    may have come too late to stop the signature and too early to name the license.
    """
    if application is None or not fits(application.state, LicenseMonitored):
        return ()
    monitored = LicenseMonitored(application.application_id, command.license_id)
    after = evolve(application, monitored)
    overtaken = {
        listed.party_id: listed.new_entry_ids
        for listed in application.listed
        if listed.screening_id != command.decided_on
        and standing_of(after, listed.party_id).result in _MATCHES
    }
    for hit in (each for each in application.hits if each.state is HitState.CONFIRMED):
        known = overtaken.get(hit.party_id, ())
        overtaken[hit.party_id] = tuple(dict.fromkeys((*known, hit.hit.entry_id)))
    ownership = ownership_of(after, ruling)
    return (
        monitored,
        *(party_listed(after, party_id, new, ownership) for party_id, new in overtaken.items()),
    )


def end_monitoring(
    application: ScreenedApplication | None, command: EndMonitoring
) -> tuple[Event, ...]:
    """Returns MonitoringEnded, or () if there is nothing to end."""
    if application is None or not fits(application.state, MonitoringEnded):
        return ()
    return (MonitoringEnded(application.application_id, command.because),)


def party_listed(
    after: ScreenedApplication,
    party_id: str,
    new_entry_ids: tuple[str, ...],
    ownership: OwnershipAssessment | None,
) -> PartyListed:
    """Returns the event that entries may be the party. The party must have a hit that stands."""
    standing = standing_of(after, party_id)
    assert standing.strength is not None, "a party with a new hit has a standing one"
    return PartyListed(
        application_id=after.application_id,
        license_id=after.license_id,
        party_id=party_id,
        screening_id=after.latest.screening_id,
        strength=standing.strength,
        entry_ids=standing.entry_ids,
        new_entry_ids=new_entry_ids,
        list_codes=standing.list_codes,
        list_version=after.latest.list_version,
        result=standing.result,
        listed_at=after.latest.screened_at,
        ownership=ownership,
        open_hit_ids=standing.hit_ids,
    )
