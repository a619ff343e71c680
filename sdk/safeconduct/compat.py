"""Names of the standard library that Python 3.10 does not have yet."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    from enum import StrEnum
else:
    from enum import Enum

    class StrEnum(str, Enum):
        """An enum whose members are strings: `str` and `format` give the value."""

        __str__ = str.__str__
        __format__ = str.__format__


__all__ = ["StrEnum"]
