"""Commands for operators: the audit of what was recorded, and what becomes of dead letters.

They are part of the `safeconduct` command where the services are installed, and know the plumbing and the contracts
but no service.
"""
