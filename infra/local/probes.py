"""Checks whether a server is up: by its port, or by the gRPC health protocol."""

from __future__ import annotations

import socket

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_TIMEOUT_S = 1.0


def accepts_connections(address: str) -> bool:
    """Returns whether a TCP connection to `host:port` succeeds within a second."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def is_serving(address: str, service: str = "") -> bool:
    """Returns whether grpc.health.v1 at the plaintext `address` answers SERVING for `service`.

    Returns False if there is no answer within a second. The empty name is the whole server.
    """
    if not accepts_connections(address):
        return False
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=_TIMEOUT_S
            )
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
