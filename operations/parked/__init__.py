"""The command `safeconduct parked`."""
