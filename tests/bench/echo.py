"""The baseline: a bare grpc.aio server with the same TLS, loop and message that echoes requests."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import uvloop
from grpc import aio
from safeconduct.applications.v1 import service_pb2

from tests.bench.child_processes import lines, respond, settings

METHOD = "/bench.Echo/Echo"


async def _echo(
    request: service_pb2.SubmitApplicationRequest, context: Any
) -> service_pb2.SubmitApplicationRequest:
    return request


async def serve(files: dict[str, str]) -> None:
    """Serves until the parent process ends."""
    ca, cert, key = (open(files[name], "rb").read() for name in ("ca", "cert", "key"))  # noqa: SIM115, PTH123, ASYNC230 - three small files at start
    server = aio.server()
    message = service_pb2.SubmitApplicationRequest
    handler = grpc.unary_unary_rpc_method_handler(
        _echo,
        request_deserializer=message.FromString,
        response_serializer=message.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("bench.Echo", {"Echo": handler}),)
    )
    tls = grpc.ssl_server_credentials([(key, cert)], ca, require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", tls)
    await server.start()
    respond({"port": port})
    async for _ in lines():
        respond({"port": port})
    await server.stop(0)


if __name__ == "__main__":
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(serve(settings()))
