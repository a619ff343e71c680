"""The modules that the command imports at start-up; imports are stable, times are not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import safeconduct

SDK = Path(safeconduct.__file__).resolve().parents[1]
ID = "5d0c3b1e-8a5f-4c6e-9e57-0a6cf3a7b001"
HEAVY = {"cryptography", "google", "grpc", "joserfc", "operations", "rich", "typer", "yaml"}

# The process ends where the command would open its first channel.
PROBE = """
import os, sys
from safeconduct.cli import main

printed, sys.stdout = sys.stdout, sys.stderr

def end():
    print(*sorted(sys.modules), sep="\\n", file=printed, flush=True)
    os._exit(0)

class EndAtTheNetwork:
    def find_spec(self, name, path=None, target=None):
        if name == "safeconduct.channel":
            import grpc.aio
            grpc.aio.secure_channel = lambda *arguments, **options: end()

sys.meta_path.insert(0, EndAtTheNetwork())
main(sys.argv[1:])
end()
"""


def imported(*arguments: str, **environ: str) -> set[str]:
    """The modules that are loaded when the command ends, or opens its first channel."""
    clean = {name: value for name, value in os.environ.items() if "SAFECONDUCT" not in name}
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**clean, "PYTHONPATH": str(SDK), **environ},
    )
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split())


def heavy(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} & HEAVY


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["applicatons"], []])
def test_the_root_command_imports_no_library_but_click(arguments: list[str]) -> None:
    modules = imported(*arguments)

    assert heavy(modules) <= {"operations"}  # the package of the plugins, not their modules
    assert not {name for name in modules if name.startswith("operations.")} - {
        "operations.audit",
        "operations.dlq",
        "operations.load",
        "operations.outbox",
        "operations.parked",
    }
    assert not {name for name in modules if name.startswith("safeconduct.rpc")}


@pytest.mark.parametrize("group", ["applications", "cases", "violations", "trace", "completion"])
def test_the_help_of_a_group_imports_no_library_but_click(group: str) -> None:
    assert heavy(imported(group, "--help")) == set()


@pytest.mark.parametrize(
    ("arguments", "service"),
    [
        (("applications", "get", ID), "applications"),
        (("cases", "list", "--json"), "applications"),
        (("hits", "list"), "screening"),
        (("violations", "list"), "enforcement"),
    ],
)
def test_a_call_imports_before_the_network_the_contract_of_one_service_and_no_table(
    arguments: tuple[str, ...], service: str, tmp_path: Path
) -> None:
    pem = tmp_path / "file.pem"
    pem.write_text("only read\n")
    files = {f"SAFECONDUCT_{name}": str(pem) for name in ("CA", "CERT", "KEY")}
    names = ("APPLICATIONS", "SCREENING", "ENFORCEMENT")
    addresses = {f"SAFECONDUCT_{name}": "127.0.0.1:1" for name in names}

    modules = imported(*arguments, **files, **addresses)

    contracts = {name for name in modules if name.endswith("service_pb2_grpc")}
    assert heavy(modules) == {"google", "grpc"}
    assert contracts == {f"safeconduct.{service}.v1.service_pb2_grpc"}
    assert "importlib.metadata" not in modules
