"""Decides on licenses and violation cases. Pure functions: no clock, no random ids, no I/O."""
