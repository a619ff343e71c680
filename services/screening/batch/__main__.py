"""`python -m services.screening.batch`, where the command is not installed."""

import sys

from services.screening.batch.command import main

if __name__ == "__main__":
    sys.exit(main())
