"""Profiles come from a file; a named profile overrides variables."""

from __future__ import annotations

from pathlib import Path

import pytest
from safeconduct.cli import connection
from safeconduct.cli.profile_file import ProfileError, profile_file, read_profile, read_profiles

from tests.sdk.cli.running import run

FILE = """
[DEFAULT]
applications = applications.example:443
ca = pki/ca.pem
[default]
cert = pki/partner.pem
[officer]
cert = /elsewhere/officer.pem
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of profiles, named by the environment."""
    for name in ("APPLICATIONS", "CA", "CERT", "PROFILE"):
        monkeypatch.delenv(f"SAFECONDUCT_{name}", raising=False)
    found = tmp_path / "config.ini"
    found.write_text(FILE, encoding="utf-8")
    monkeypatch.setenv("SAFECONDUCT_CONFIG", str(found))
    connection.OPTIONS.set({})
    return found


def test_paths_count_from_the_file_and_sections_share_the_defaults(file: Path) -> None:
    assert read_profile(file, "officer") == {
        "applications": "applications.example:443",
        "ca": str(file.parent / "pki" / "ca.pem"),
        "cert": "/elsewhere/officer.pem",
    }


def test_an_unknown_profile_is_refused_with_the_names_there_are(file: Path) -> None:
    with pytest.raises(ProfileError, match=r"it has: default, officer\. Did you mean 'officer'\?"):
        read_profile(file, "oficer")


def test_an_unknown_key_is_refused_with_the_keys_there_are(file: Path) -> None:
    file.write_text("[a]\ncertificate = x\n", encoding="utf-8")

    with pytest.raises(
        ProfileError, match=r"unknown key 'certificate'\. Allowed keys: .*cert, key"
    ):
        read_profiles(file)


def test_without_a_file_there_are_no_profiles(tmp_path: Path) -> None:
    assert read_profiles(tmp_path / "nowhere.ini") == {}


def test_the_file_is_in_the_users_configuration_folder() -> None:
    assert profile_file({"XDG_CONFIG_HOME": "/x"}) == Path("/x/safeconduct/config.ini")


@pytest.mark.parametrize(
    ("variables", "options", "cert"),
    [
        ({}, {}, "partner.pem"),
        ({"CERT": "mine.pem"}, {}, "mine.pem"),
        ({"CERT": "mine.pem", "PROFILE": "officer"}, {}, "officer.pem"),
        ({"CERT": "mine.pem"}, {"profile": "officer"}, "officer.pem"),
        ({"PROFILE": "officer"}, {"profile": "default"}, "partner.pem"),
        ({"CERT": "mine.pem"}, {"profile": "officer", "cert": "given.pem"}, "given.pem"),
    ],
)
def test_options_come_first_then_a_named_profile_then_variables_then_the_default_profile(
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    options: dict[str, str],
    cert: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"SAFECONDUCT_{name}", value)
    connection.OPTIONS.set(options)

    assert Path(connection.environment()["SAFECONDUCT_CERT"]).name == cert


async def test_the_profiles_are_listed(file: Path) -> None:
    listed = await run({"SAFECONDUCT_CONFIG": str(file)}, "profiles", "--quiet")
    wrong = await run({"SAFECONDUCT_CONFIG": str(file)}, "lists", "status", "--profile", "x")

    assert listed.out.split() == ["default", "officer"]
    assert (wrong.code, wrong.err.startswith(f"no profile 'x' in {file}")) == (2, True)
