"""A newer version of the shipped list: the same entries and one more."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping
from typing import Final

from safeconduct.applications.v1 import model_pb2

from infra.cache import CHECKOUT

SHIPPED: Final = CHECKOUT / "services" / "screening" / "lists" / "us_csl_2025-02.csv.gz"
SOURCE: Final = "Entity List (EL) - Bureau of Industry and Security"


def updated_list(examples: Mapping[str, model_pb2.ApplicationDetails]) -> bytes:
    """Returns the shipped list with the end user of the example `fine-tuning-service` added."""
    parties = examples["fine-tuning-service"].parties
    user = next(party for party in parties if model_pb2.PARTY_ROLE_END_USER in party.roles)
    return list_with_entry("demonstration-1", user.name, f"{user.address}, {user.country}")


def list_with_entry(entry_id: str, name: str, address: str) -> bytes:
    """Returns the shipped list, as gzip-compressed CSV, with one more Entity List entry."""
    text = gzip.decompress(SHIPPED.read_bytes()).decode("utf-8-sig")
    columns = next(csv.reader(io.StringIO(text, newline="")))
    entry = dict.fromkeys(columns, "") | {
        "_id": entry_id,
        "source": SOURCE,
        "name": name,
        "addresses": address,
    }
    added = io.StringIO()
    csv.writer(added, lineterminator="\n").writerow(entry.values())
    return gzip.compress((text + added.getvalue()).encode(), mtime=0)
