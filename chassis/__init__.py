"""Technical modules that all services share: RPC, storage, streams, telemetry, settings.

They know nothing of licenses, screening or enforcement.
"""
