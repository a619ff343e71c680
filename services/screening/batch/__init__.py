"""The command `safeconduct-screening`: screens a file of parties against a list file."""
