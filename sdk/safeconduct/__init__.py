"""The package for partners: client, license gate, and signing of the code of conduct."""

from typing import Final

__version__: Final = "0.1.0"
