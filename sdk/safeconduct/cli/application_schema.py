"""The published JSON Schema and template of application files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

ACCESS_MODES: Final[Mapping[str, str]] = {
    "hosted": "HOSTED_ACCESS",
    "weights": "MODEL_WEIGHTS",
    "fine-tuning": "FINE_TUNING_SERVICE",
}
"""The access mode by the word that `applications template --access` takes."""


def schema_text() -> str:
    """The schema as text."""
    return _text("application.schema.json")


def template_text(access: str) -> str:
    """An application file to fill in, with the access mode of one of ACCESS_MODES."""
    return _text("application.template.yaml").replace("ACCESS_MODE", ACCESS_MODES[access])


def load_schema() -> Mapping[str, Any]:
    """The definitions of the schema by the name of the message, for instance `Party`."""
    definitions: Mapping[str, Any] = json.loads(schema_text())["$defs"]
    return definitions


def _text(name: str) -> str:
    return files("safeconduct").joinpath("schema", name).read_text(encoding="utf-8")
