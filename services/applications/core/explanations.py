"""Why an application stands where it stands, in sentences for its applicant.

They come from the rules that fired, never from an officer's notes.
"""

from __future__ import annotations

from typing import Final

from services.applications.core.model import (
    Application,
    ApplicationState,
    PolicyOutcome,
    RuleEffect,
)

_SAYS_WHY: Final = frozenset({ApplicationState.INTENT_TO_DENY, ApplicationState.DENIED})
REVIEWED: Final = (
    "Two officers reviewed the application and decided that the license cannot be granted."
)


def reasons(application: Application) -> tuple[str, ...]:
    """Sentences for the applicant while denial is intended or final, each once, in the rules' order; else none."""
    if application.state not in _SAYS_WHY or application.policy is None:
        return ()
    sentences = explanations(application.policy, RuleEffect.DENY)
    if application.state is ApplicationState.DENIED and not sentences:
        sentences = (REVIEWED, *explanations(application.policy, RuleEffect.REFER))
    return sentences


def explanations(policy: PolicyOutcome, effect: RuleEffect) -> tuple[str, ...]:
    """Explanations of the rules with this effect that fired; a rule that failed says nothing about the applicant."""
    fired = (rule for rule in policy.fired if rule.effect is effect and not rule.failed)
    return tuple(dict.fromkeys(rule.explanation for rule in fired))
