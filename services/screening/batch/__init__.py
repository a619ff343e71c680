"""Screening of whole books of parties from files, without a running stack: the command `safeconduct-screening`."""
