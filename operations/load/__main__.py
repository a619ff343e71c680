"""Runs the load test without the `safeconduct` command: `python -m operations.load`."""

from __future__ import annotations

from operations.load.command import app

if __name__ == "__main__":
    app()
