from __future__ import annotations

import pytest

from services.applications.core.countries import country_sentence
from tests.applications import builders as b

STANDARD = "countries are ISO 3166-1 alpha-2 codes"


@pytest.mark.parametrize(
    ("value", "end"),
    [
        ("Kenya", "; Kenya is KE"),
        ("kenya", "; Kenya is KE"),
        ("ke", "; Kenya is KE"),
        ("Germany", "; Germany is DE"),
        ("the Netherlands", "; Netherlands is NL"),
        ("UK", "; UK is GB"),
        ("Cote d'Ivoire", "; Côte d'Ivoire is CI"),
        ("Turkey", "; Turkey is TR"),
        ("Kenia", "; did you mean KE (Kenya)?"),
        ("Atlantis", ", for example KE for Kenya"),
        ("XX", ", for example KE for Kenya"),
        ("", ", for example KE for Kenya"),
        ("日本", ", for example KE for Kenya"),
    ],
)
def test_a_value_that_is_no_code_is_answered_with_the_standard_and_the_code(
    value: str, end: str
) -> None:
    assert country_sentence(value, b.REFERENCE_DATA.countries) == STANDARD + end


@pytest.mark.parametrize("code", ["KE", "DE", "GB", "NO"])
def test_every_usual_name_leads_to_its_code(code: str) -> None:
    name = b.REFERENCE_DATA.countries[code][0]

    assert country_sentence(name, b.REFERENCE_DATA.countries).endswith(f"{name} is {code}")


def test_no_name_belongs_to_two_countries() -> None:
    names = [name for names in b.REFERENCE_DATA.countries.values() for name in names]

    assert len(names) == len(set(names))
