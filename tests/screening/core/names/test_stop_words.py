"""The tables of words are in normalised form, so that they match normalised names."""

import pytest

from services.screening.core.names import stop_words
from services.screening.core.names.given_names import GIVEN_NAME_GROUPS
from services.screening.core.names.normalisation import normalise

TABLES = {
    "LEGAL_FORMS": stop_words.LEGAL_FORMS,
    "INVESTMENT_VEHICLES": stop_words.INVESTMENT_VEHICLES,
    "PARTICLES": stop_words.PARTICLES,
    "FUNCTION_WORDS": stop_words.FUNCTION_WORDS,
    "HONORIFICS": stop_words.HONORIFICS,
    "PLACEHOLDERS": stop_words.PLACEHOLDERS,
    "GIVEN_NAME_GROUPS": {word for line in GIVEN_NAME_GROUPS for word in line.split()},
}


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_word_of_a_table_is_one_normalised_word(table: str) -> None:
    assert [word for word in sorted(TABLES[table]) if normalise(word).key != word] == []
