"""The patches of the next release apply to this tree."""

from __future__ import annotations

from pathlib import Path

from tests.upgrade.next_release import PATCHES, copy_patched


def test_every_patch_of_the_next_release_applies_to_this_tree(tmp_path: Path) -> None:
    copy_patched(tmp_path / "next")

    # `git apply` leaves out files outside the folder without an error, so each is looked at.
    for patch in PATCHES.glob("*.patch"):
        text = patch.read_text(encoding="utf-8")
        changed = [line[6:] for line in text.splitlines() if line.startswith("+++ b/")]
        assert changed
        for name in changed:
            here, there = Path(PATCHES.parents[2] / name), tmp_path / "next" / name
            assert not here.exists() or there.read_bytes() != here.read_bytes(), name
