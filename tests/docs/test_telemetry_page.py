"""The telemetry page lists every metric of the code, and no other."""

from __future__ import annotations

import re

from checks import project_files
from infra.cache import CHECKOUT

_METRIC = re.compile(r"\bsafeconduct_[a-z_]+")


def test_the_telemetry_page_lists_every_metric_and_no_other() -> None:
    page = (CHECKOUT / "docs/telemetry.md").read_text(encoding="utf-8")
    listed = {name.removesuffix("_total") for name in _METRIC.findall(page)}
    defined = {
        name
        for path in project_files.files()
        if path.suffix == ".py" and path.parts[0] in {"chassis", "services"}
        for name in re.findall(
            r'"(safeconduct_[a-z_]+)"', (CHECKOUT / path).read_text(encoding="utf-8")
        )
    }

    assert listed == defined
