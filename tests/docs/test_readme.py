"""The commands of the README are run and its tables are compared with the code."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from safeconduct.cli import failures

from chassis.settings import PREFIX, MigrationSettings
from infra.cache import CHECKOUT
from infra.local.profiles import write_environments, write_profiles
from infra.local.stack import Stack
from services.applications.__main__ import Settings as ApplicationsSettings
from services.enforcement.shell.settings import EnforcementSettings
from services.screening.__main__ import Settings as ScreeningSettings
from tests.docs.readme import TEXT, Shown, blocks, shown
from tests.docs.shell import Shell, shell


@pytest.fixture(scope="module")
def terminal(run_folder: Path) -> Iterator[Shell]:
    """Opens a shell in a checkout with a running stack."""
    folder = run_folder / "tour"
    (folder / "build").mkdir(parents=True)
    (folder / ".venv").symlink_to(CHECKOUT / ".venv", target_is_directory=True)
    shutil.copytree(
        CHECKOUT / "sdk/examples",
        folder / "sdk/examples",
        ignore=shutil.ignore_patterns("*.pem", "node_modules"),
    )
    with Stack(folder / ".run") as stack:
        write_environments(stack)
        write_profiles(stack)
        with shell(folder) as terminal:
            yield terminal


TOUR = (CHECKOUT / "docs/tour.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("step", shown() + shown(TOUR), ids=lambda step: step.command[:60])
def test_a_command_of_the_readme_does_what_the_readme_says(terminal: Shell, step: Shown) -> None:
    code, output = terminal.run(step.command)

    assert code == 0, output
    assert step.missing(output) is None, output


def test_every_make_target_that_the_readme_names_exists() -> None:
    targets = set(
        re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    named = set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", TEXT, re.MULTILINE))

    assert {first or second for first, second in named} <= targets


def test_the_readme_names_every_package_that_set_up_asks_for() -> None:
    script = (CHECKOUT / "infra" / "prerequisites").read_text(encoding="utf-8")
    asked = set(re.findall(r"^need \S+ (\S+)", script, re.MULTILINE))
    groups = re.findall(r"(?:missing|optional)\+=\(([^)$\"]+)\)", script)
    groups += re.findall(r"printf '%s\\n' (python3 [a-z0-9 -]+)", script)
    for group in groups:
        asked |= set(group.split())
    (line,) = (body for body in blocks("sh") if "apt-get install" in body)

    assert set(line.split("install", 1)[1].split()) == asked


def test_the_configuration_page_explains_every_setting_and_no_other() -> None:
    page = (CHECKOUT / "docs/configuration.md").read_text(encoding="utf-8")
    fields = {
        name.upper()
        for settings in (
            MigrationSettings,
            ApplicationsSettings,
            ScreeningSettings,
            EnforcementSettings,
        )
        for name in settings.model_fields
    }
    table = page.partition(f"| {PREFIX}… |")[2].partition("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| ")]
    named = {name.strip() for row in rows for name in row.split(",")}

    assert named == fields


def test_the_readme_explains_every_exit_code() -> None:
    (sentence,) = re.findall(r"Exit codes of `safeconduct`: (.*?)\. License", TEXT, re.DOTALL)
    codes = {int(code) for code in re.findall(r"(?:^|,\s)(\d+) ", sentence)}

    assert codes == {
        0,
        failures.BROKEN,
        failures.INVALID,
        failures.REFUSED,
        failures.WRONG_STATE,
        failures.NOT_FOUND,
        failures.UNAVAILABLE,
        failures.DENIED,
        failures.INTERRUPTED,
    }


def test_the_readme_fits_into_two_hundred_lines() -> None:
    assert len(TEXT.splitlines()) <= 200
