"""What a partner installs: a client of the services, the license gate, the signature under the code of conduct."""

from typing import Final

__version__: Final = "0.1.0"
