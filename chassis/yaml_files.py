"""Reads data files in YAML 1.2. The loader refuses a mapping that has a key twice.

YAML 1.1, which other loaders read, takes the last of two keys silently, and reads the country NO as
false.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError


class YamlFileError(ValueError):
    """A file that cannot be read or is not YAML. The message names file, line and column."""


def load_yaml(path: Path) -> Any:
    """Returns the content of the file as mappings, lists and scalars.

    Raises YamlFileError if the file cannot be read, is not UTF-8 or is not YAML.
    """
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise YamlFileError(f"{path}: cannot be read ({type(fault).__name__})") from fault
    return parse_yaml(content, str(path))


def parse_yaml(content: bytes, name: str) -> Any:
    """Returns the content as mappings, lists and scalars. `name` is the name in error messages.

    Raises YamlFileError if the content is not UTF-8 or is not YAML.
    """
    try:
        return YAML(typ="safe", pure=True).load(content.decode("utf-8"))
    except UnicodeDecodeError as fault:
        raise YamlFileError(f"{name}: is not UTF-8 text") from fault
    except MarkedYAMLError as fault:
        mark = fault.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise YamlFileError(f"{name}{place}: invalid YAML: {fault.problem}") from fault
    except YAMLError as fault:
        raise YamlFileError(f"{name}: has a character that YAML does not allow") from fault
