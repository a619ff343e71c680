"""`python -m operations.load`: the command by itself, where `safeconduct` is not installed."""

from __future__ import annotations

from operations.load.command import app

if __name__ == "__main__":
    app()
