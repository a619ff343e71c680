"""Table of the usual measure by clause and severity: guidance for officers, who decide."""

from collections.abc import Mapping
from typing import Final

from safeconduct.standing import Clause, MeasureKind

from services.enforcement.core.model import Severity

_WARNING, _SUSPENSION, _REVOCATION = (
    MeasureKind.WARNING,
    MeasureKind.SUSPENSION,
    MeasureKind.REVOCATION,
)
_MINOR, _SERIOUS, _CRITICAL = Severity.MINOR, Severity.SERIOUS, Severity.CRITICAL

USUAL_MEASURES: Final[Mapping[Clause, Mapping[Severity, MeasureKind]]] = {
    # The two critical clauses: even a minor violation stops access.
    Clause.MILITARY_SURVEILLANCE: {
        _MINOR: _SUSPENSION,
        _SERIOUS: _REVOCATION,
        _CRITICAL: _REVOCATION,
    },
    Clause.AUTONOMOUS_WEAPONS: {_MINOR: _SUSPENSION, _SERIOUS: _REVOCATION, _CRITICAL: _REVOCATION},
    Clause.HUMAN_RIGHTS_VIOLATING_CONTENT: {
        _MINOR: _WARNING,
        _SERIOUS: _SUSPENSION,
        _CRITICAL: _REVOCATION,
    },
    Clause.POLITICAL_MANIPULATION: {
        _MINOR: _WARNING,
        _SERIOUS: _SUSPENSION,
        _CRITICAL: _REVOCATION,
    },
    # Access by unauthorized persons must stop before the holder can remedy it.
    Clause.RETRANSFER_WITHOUT_AUTHORIZATION: {
        _MINOR: _SUSPENSION,
        _SERIOUS: _SUSPENSION,
        _CRITICAL: _REVOCATION,
    },
    Clause.ACCESS_BY_RESTRICTED_PERSON: {
        _MINOR: _SUSPENSION,
        _SERIOUS: _SUSPENSION,
        _CRITICAL: _REVOCATION,
    },
    Clause.REFUSED_END_USE_CHECK: {_MINOR: _WARNING, _SERIOUS: _SUSPENSION, _CRITICAL: _REVOCATION},
    Clause.FALSE_STATEMENT: {_MINOR: _WARNING, _SERIOUS: _SUSPENSION, _CRITICAL: _REVOCATION},
    Clause.OVER_USE: {_MINOR: _WARNING, _SERIOUS: _WARNING, _CRITICAL: _SUSPENSION},
}


def usual_measure(clause: Clause, severity: Severity) -> MeasureKind:
    """Returns the usual measure for a violation of this clause and severity."""
    return USUAL_MEASURES[clause][severity]
