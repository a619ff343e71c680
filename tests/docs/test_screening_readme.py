"""The commands in the README of screening print the shown output."""

import pytest

from infra.cache import CHECKOUT
from tests.docs.readme import Shown, shown
from tests.docs.shell import shell

TEXT = (CHECKOUT / "services/screening/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("step", shown(TEXT), ids=lambda step: step.command[:60])
def test_a_command_of_the_screening_readme_does_what_the_readme_says(step: Shown) -> None:
    with shell(CHECKOUT) as terminal:
        code, output = terminal.run(step.command)

    assert code == 0, output
    assert step.missing(output) is None, output


def test_the_screening_readme_shows_an_explanation() -> None:
    assert [step for step in shown(TEXT) if "--explain" in step.command]
