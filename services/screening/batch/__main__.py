"""`python -m services.screening.batch`: the command where it is not installed."""

import sys

from services.screening.batch.command import main

if __name__ == "__main__":
    sys.exit(main())
