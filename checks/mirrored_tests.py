"""Checks that the tests mirror the code: `tests/<room>/test_x.py` tests the module `x` of the room.

A test whose subject is several modules, or the whole service, is listed in SUBJECTS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from checks import project_files
from checks.check import Finding, faults

MIRRORS: Final[Mapping[str, str]] = {
    "tests/applications": "services/applications",
    "tests/chassis": "chassis",
    "tests/checks": "checks",
    "tests/enforcement": "services/enforcement",
    "tests/infra": "infra",
    "tests/operations": "operations",
    "tests/screening": "services/screening",
    "tests/sdk": "sdk/safeconduct",
}
"""For each folder of tests the folder of the code. Other tests start whole stacks."""

SUBJECTS: Final[Mapping[str, str]] = {
    "tests/applications/core/test_properties.py": "decide and evolve, with generated commands",
    "tests/applications/shell/test_licenses_published_again.py": "a migration of the journal",
    "tests/applications/shell/test_policy_effect_migration.py": "a migration of the journal",
    "tests/chassis/rpc/test_draining.py": "server and interceptor while a process stops",
    "tests/chassis/rpc/test_frozen_clients.py": "a stopping server beside paused clients",
    "tests/chassis/store/test_rename_migration.py": "the migrations of all three services",
    "tests/chassis/streams/test_private_fields.py": "private fields of Faust and aiokafka",
    "tests/chassis/telemetry/test_metric_names.py": "the metrics of all services",
    "tests/enforcement/shell/test_migrations.py": "the migrations of the database",
    "tests/enforcement/shell/test_service.py": "the whole service as a process",
    "tests/enforcement/shell/test_gate_vectors.py": "CheckAccess against the published vectors",
    "tests/infra/test_transport.py": "TLS and access rules of the whole local stack",
    "tests/operations/test_dead_letters.py": "the command dlq over all its modules",
    "tests/operations/test_parked.py": "the command parked over all its modules",
    "tests/operations/test_parked_records.py": "the command outbox over all its modules",
    "tests/operations/test_plugins.py": "the entry points of the commands",
    "tests/screening/shell/test_migrations.py": "the migrations of the database",
    "tests/sdk/test_gate_vectors.py": "standing against the published vectors",
    "tests/screening/batch/test_match.py": "the command over all its modules",
    "tests/screening/batch/test_unjudged.py": "the command, for names that cannot be judged",
    "tests/screening/core/cases/test_ownership.py": "recording and verdicts for listed owners",
    "tests/screening/core/lists/test_files.py": "each format with a published file",
    "tests/screening/core/matching/test_unjudged.py": "screening of names that cannot be judged",
    "tests/screening/core/test_golden.py": "stored events of every kind",
    "tests/screening/shell/test_process.py": "the whole service as a process",
    "tests/screening/shell/test_swap.py": "the whole service while lists are activated",
    "tests/screening/shell/test_unjudged.py": "screener and codec for unjudged names",
    "tests/infra/test_grouping_cxx.py": "the script infra/grouping-cxx",
    "tests/infra/test_prerequisites.py": "the script infra/prerequisites",
    "tests/sdk/cli/test_startup.py": "the imports of the command",
    "tests/sdk/rpc/test_resumable_stream.py": "streams after a broken connection",
    "tests/sdk/test_package.py": "the wheel of the published package",
    "tests/sdk/test_python_versions.py": "the wheel on every Python version that it supports",
    "tests/sdk/test_readme.py": "the examples in sdk/README.md",
}
"""For each test file without a module of its name: its subject."""


def tests_mirror_the_code() -> Finding:
    """Fails for each test file without a module of its name, and for each stale entry."""
    return faults([*unmirrored(project_files.files(), SUBJECTS)])


def unmirrored(paths: Iterable[Path], subjects: Mapping[str, str]) -> Iterator[str]:
    """Yields a sentence for each test file that neither has its module nor is in `subjects`."""
    known = frozenset(paths)
    for path in sorted(known):
        code = next((code for tests, code in MIRRORS.items() if path.is_relative_to(tests)), None)
        if code is None or not path.name.startswith("test_") or path.suffix != ".py":
            continue
        module = path.stem.removeprefix("test_")
        room = Path(code, *path.parent.parts[2:])
        # A folder of tests without sub-folders may mirror several rooms.
        is_mirrored = any(
            each.stem == module and each.suffix == ".py" and each.is_relative_to(room)
            for each in known
        )
        if not is_mirrored and str(path) not in subjects:
            yield (
                f"{path}: {room}/ has no module {module}; name the test file after its module, or"
                " add its subject to SUBJECTS in checks/mirrored_tests.py"
            )
        if is_mirrored and str(path) in subjects:
            yield f"{path}: has a module of its name now; remove it from SUBJECTS"
    for name in sorted(subjects.keys() - {str(path) for path in known}):
        yield f"{name}: is listed in SUBJECTS of checks/mirrored_tests.py but does not exist"
