"""Returns the reasons of a review, a proposed denial or a denial, in sentences for the applicant.

The sentences are the explanations that fired rules give to applicants, never an officer's notes.
While officers review a case, only rules that refer are explained: whether a list entry may be a
party must not become known before an officer has compared the two.
"""

from __future__ import annotations

from typing import Final

from services.applications.core.model import (
    Application,
    ApplicationState,
    PolicyOutcome,
    RuleEffect,
)

REVIEW_NEEDED: Final = "An officer has to review this application before it can be approved."
DENIAL_PROPOSED: Final = "Denial of the application is proposed; two officers decide about it."
REVIEWED: Final = (
    "Two officers reviewed the application and decided that the license cannot be granted."
)


def reasons(application: Application) -> tuple[str, ...]:
    """Returns the reasons, each once and in the order of the rules; none in other states."""
    policy = application.policy
    if policy is None:
        return ()
    match application.state:
        case ApplicationState.UNDER_REVIEW | ApplicationState.PENDING_COUNTERSIGN:
            return explanations(policy, RuleEffect.REFER) or (REVIEW_NEEDED,)
        case ApplicationState.INTENT_TO_DENY:
            return explanations(policy, RuleEffect.DENY) or (DENIAL_PROPOSED,)
        case ApplicationState.DENIED:
            denials = explanations(policy, RuleEffect.DENY)
            return denials or (REVIEWED, *explanations(policy, RuleEffect.REFER))
        case _:
            return ()


def explanations(policy: PolicyOutcome, effect: RuleEffect) -> tuple[str, ...]:
    """Returns the explanations for applicants of the rules with this effect that fired, each once.

    A rule that could not be evaluated is left out: it says nothing about the applicant.
    """
    fired = (rule for rule in policy.fired if rule.effect is effect and not rule.failed)
    return tuple(dict.fromkeys(rule.explanation for rule in fired))
