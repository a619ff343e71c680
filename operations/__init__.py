"""Commands for operators: `safeconduct audit`, `dlq` and `load`.

They are part of the `safeconduct` command where the services are installed. They know the chassis
and the published contracts, and no service.
"""
