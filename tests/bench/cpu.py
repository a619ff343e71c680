"""CPU time of processes from the kernel, and the load of the machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _SYSTEM, _USER_OF_CHILDREN, _SYSTEM_OF_CHILDREN = 1, 11, 12, 13, 14
"""Indexes after the name in /proc/<pid>/stat; proc(5) counts from 1 and the name is field 2."""


def cpu_of(pid: int) -> float:
    """Returns CPU seconds of a process and its descendants; 0 if it is gone."""
    children: dict[int, list[int]] = {}
    stats: dict[int, list[str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := _stat(int(entry.name))) is not None:
            stats[int(entry.name)] = found
            children.setdefault(int(found[_PARENT]), []).append(int(entry.name))
    waiting, ticks = [pid], 0
    while waiting:
        each = waiting.pop()
        if each in stats:
            ticks += sum(
                int(stats[each][n])
                for n in (_USER, _SYSTEM, _USER_OF_CHILDREN, _SYSTEM_OF_CHILDREN)
            )
            waiting += children.get(each, [])
    return ticks / _TICK


def _stat(pid: int) -> list[str] | None:
    try:
        return (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()
        )
    except OSError:
        return None


@dataclass(slots=True)
class Spent:
    """CPU seconds by part; filled at the end of the block."""

    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, part: str) -> float:
        return self.seconds[part]

    def of(self, *parts: str) -> float:
        """Returns the sum over several parts."""
        return sum(self.seconds[part] for part in parts)


@contextmanager
def spent_by(parts: Mapping[str, Callable[[], int | None]]) -> Iterator[Spent]:
    """Measures the CPU seconds that each part uses inside the block."""
    spent = Spent()
    before = {name: cpu_of(pid() or 0) for name, pid in parts.items()}
    yield spent
    spent.seconds = {name: cpu_of(pid() or 0) - before[name] for name, pid in parts.items()}


def busy() -> str:
    """Returns the machine and its load average, as a condition of a result."""
    one, five, _ = os.getloadavg()
    return f"{os.cpu_count()} cores, load average {one:.1f} (1 min), {five:.1f} (5 min)"
