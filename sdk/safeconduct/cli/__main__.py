"""`python -m safeconduct.cli`, the same as the `safeconduct` command."""

import sys

from safeconduct.cli import main

sys.exit(main())
