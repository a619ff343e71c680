"""What an index costs whoever asks it."""

import gc

from services.screening.core.model import Entry
from services.screening.core.names.index import ListIndex


def test_no_query_looks_for_garbage_among_all_that_an_index_holds() -> None:
    """With 200,000 names that took two seconds of whichever query it fell to."""
    entries = [Entry(f"E-{number}", "T", f"Example Firm {number}", "") for number in range(50)]
    generation = ListIndex.build(entries, "v")
    looked_at = {id(each) for each in gc.get_objects()}
    assert not any(id(row) in looked_at for row in generation.rows)
