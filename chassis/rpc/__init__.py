"""gRPC server: transport, authentication, authorization, validation, errors and page tokens."""
