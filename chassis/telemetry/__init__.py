"""OpenTelemetry tracing, structured logging and the names that both use."""
