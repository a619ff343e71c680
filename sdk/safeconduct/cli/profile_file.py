"""Reads the file of profiles: named sets of addresses and certificate files, as an INI file.

[DEFAULT]
applications = applications.example:443
ca = certificates/ca.pem
[partner]
cert = certificates/partner.pem
key = certificates/partner.key
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from safeconduct.bounded_file import read_bounded

CONFIG: Final = "SAFECONDUCT_CONFIG"
"""The variable that names the file."""
ADDRESSES: Final = ("applications", "screening", "enforcement", "traces")
MAX_BYTES: Final = 1024 * 1024
FILES: Final = ("ca", "cert", "key")
"""Their values are paths, relative to the folder of the file."""


class ProfileError(Exception):
    """A file of profiles that cannot be used, or a profile that it does not have."""


def profile_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Returns $SAFECONDUCT_CONFIG, or safeconduct/config.ini in the user's config folder."""
    if named := environ.get(CONFIG):
        return Path(named)
    folder = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "safeconduct" / "config.ini"


def read_profiles(file: Path) -> dict[str, dict[str, str]]:
    """The settings of every profile by its name; empty if there is no such file.

    Keys are those of ADDRESSES and FILES. Paths come back absolute. Raises ProfileError.
    """
    try:
        text = read_bounded(file, MAX_BYTES).decode("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read the profiles in {file}: {error}"
        raise ProfileError(message) from error
    from configparser import ConfigParser, Error

    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(text, source=str(file))
    except Error as error:
        raise ProfileError(str(error)) from error
    return {name: _settings(file, name, parser[name]) for name in parser.sections()}


def read_profile(file: Path, name: str) -> dict[str, str]:
    """The settings of one profile. Raises ProfileError, which names the profiles there are."""
    profiles = read_profiles(file)
    if name not in profiles:
        close = difflib.get_close_matches(name, profiles, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        message = (
            f"no profile {name!r} in {file}; it has: {', '.join(profiles)}.{hint}"
            if profiles
            else f"no profile {name!r}: {file} does not exist or is empty"
        )
        raise ProfileError(message)
    return profiles[name]


def _settings(file: Path, name: str, section: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(section.keys() - {*ADDRESSES, *FILES})
    if unknown:
        message = (
            f"{file}: profile {name!r}: unknown key {unknown[0]!r}. "
            f"Allowed keys: {', '.join((*ADDRESSES, *FILES))}."
        )
        raise ProfileError(message)
    return {
        key: str(file.absolute().parent / value) if key in FILES else value
        for key, value in section.items()
        if value
    }
