"""The patches of the next release, and of a broken one, apply to this tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.upgrade.next_release import BROKEN, PATCHES, copy_patched


@pytest.mark.parametrize("patches", [PATCHES, BROKEN], ids=["next", "broken"])
def test_every_patch_applies_to_this_tree(tmp_path: Path, patches: Path) -> None:
    copy_patched(tmp_path / "next", patches)

    # `git apply` leaves out files outside the folder without an error, so each is looked at.
    for patch in patches.glob("*.patch"):
        text = patch.read_text(encoding="utf-8")
        changed = [line[6:] for line in text.splitlines() if line.startswith("+++ b/")]
        assert changed
        for name in changed:
            here, there = Path(patches.parents[2] / name), tmp_path / "next" / name
            assert not here.exists() or there.read_bytes() != here.read_bytes(), name
