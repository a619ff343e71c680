"""The base of all settings, and the declaration of one variable."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX: Final = "SAFECONDUCT_"


def variable(
    example: str,
    *,
    default: Any = ...,
    old_name: str | None = None,
) -> Any:
    """Returns the declaration of one variable.

    Errors show `example`, and `repr` leaves the value out. `old_name` (without the prefix) is still
    read for one release.
    """
    return Field(
        default=default,
        examples=[example],
        repr=False,
        json_schema_extra={"old_name": old_name} if old_name else None,
    )


class Settings(BaseSettings):
    """Base of all settings. Only the environment is read. An empty variable is not set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )
