"""The ladder: the measure a violation usually leads to, by clause and severity. Data, no verdict: officers decide."""

from collections.abc import Mapping
from typing import Final

from services.enforcement.core.model import Clause, MeasureKind, Severity

_WARNING, _SUSPENSION, _REVOCATION = (
    MeasureKind.WARNING,
    MeasureKind.SUSPENSION,
    MeasureKind.REVOCATION,
)
_MINOR, _SERIOUS, _CRITICAL = Severity.MINOR, Severity.SERIOUS, Severity.CRITICAL

LADDER: Final[Mapping[Clause, Mapping[Severity, MeasureKind]]] = {
    # The two clauses that the code calls critical: even the least of it stops access.
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
    # Access in other hands cannot wait for a cure.
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
    """The measure that the ladder names for a violation of this gravity."""
    return LADDER[clause][severity]
