"""`safeconduct lists`: import, activation and status of lists."""

from __future__ import annotations

from pathlib import Path

from tests.sdk import fake_services as expected
from tests.sdk.cli.running import Command
from tests.sdk.fake_services import (
    FakeServices,
)


async def test_a_list_goes_in_by_its_files_in_pieces_that_fit(
    command: Command, services: FakeServices, tmp_path: Path
) -> None:
    files = {part: tmp_path / f"{part}.csv" for part in ("sdn", "alt", "add")}
    for number, file in enumerate(files.values(), 1):
        file.write_bytes(bytes([number]) * 600_000)

    ran = await command(
        "lists",
        "import",
        "US-SDN",
        str(files["sdn"]),
        "--alt",
        str(files["alt"]),
        "--add",
        str(files["add"]),
        "--format",
        "OFAC_SDN_CSV",
        "--publication",
        "2026-11-24",
        "--json",
    )

    first, *pieces = services.requests["ImportList"]
    assert ran.json["version"]["listVersion"] == expected.VERSION
    assert (first.list_code, first.format, first.publication) == ("US-SDN", 2, "2026-11-24")
    assert {piece.request_id for piece in pieces} == {first.request_id}
    assert max(len(piece.content) for piece in pieces) < 1 << 20
    for part, file in zip((1, 2, 3), files.values(), strict=True):
        assert (
            b"".join(piece.content for piece in pieces if piece.part == part) == file.read_bytes()
        )


async def test_a_list_is_activated_and_its_status_shown(
    command: Command, services: FakeServices
) -> None:
    activated = await command("lists", "activate", "US-CSL", expected.VERSION)
    shown = await command("lists", "status")

    assert (activated.code, services.last("ActivateList").list_version) == (0, expected.VERSION)
    assert "ACTIVE" in shown.out
    assert "up to date" in shown.out
