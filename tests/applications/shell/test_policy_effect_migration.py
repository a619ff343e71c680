from __future__ import annotations

from importlib import util
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.applications import migrations
from services.applications.core.model import (
    Application,
    ApplicationState,
)
from tests.applications import builders as b

HOLDING_POLICY = [state for state in ApplicationState if state != ApplicationState.SCREENING]


def migration() -> Any:
    path = Path(migrations.__file__).with_name("0003_policy_effect.py")
    spec = util.spec_from_file_location("policy_effect", path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_old_name(value: Any) -> Any:
    """The state as the first release stored it."""
    if isinstance(value, dict):
        is_outcome = "policy_digest" in value
        return {
            "way" if is_outcome and name == "effect" else name: with_old_name(each)
            for name, each in value.items()
            if name != "explanation_for_officers"
        }
    return [with_old_name(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("state", HOLDING_POLICY)
def test_a_state_of_the_first_release_is_read_after_the_migration(state: ApplicationState) -> None:
    application = b.application_in(state)
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(application))

    renamed = migration().with_effect(msgspec.msgpack.encode(with_old_name(plain)))

    assert msgspec.msgpack.decode(renamed, type=Application) == application


def test_a_state_without_a_policy_outcome_is_left_alone() -> None:
    assert migration().with_effect(msgspec.msgpack.encode(b.submitted())) is None
