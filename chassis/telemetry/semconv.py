"""Names of span attributes, headers and RPC metrics. They are here because the conventions change.

OpenTelemetry's semantic conventions are used where they have a name (a test compares). Our own
names begin with `safeconduct.`, those of metrics with `safeconduct_`.
"""

from typing import Final

RPC_SYSTEM: Final = "rpc.system.name"
RPC_METHOD: Final = "rpc.method"
RPC_STATUS: Final = "rpc.response.status_code"
ERROR_TYPE: Final = "error.type"

MESSAGING_SYSTEM: Final = "messaging.system"
MESSAGING_OPERATION_NAME: Final = "messaging.operation.name"
MESSAGING_OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGING_DESTINATION: Final = "messaging.destination.name"
MESSAGING_PARTITION: Final = "messaging.destination.partition.id"
MESSAGING_CONSUMER_GROUP: Final = "messaging.consumer.group.name"
MESSAGING_MESSAGE_ID: Final = "messaging.message.id"
MESSAGING_OFFSET: Final = "messaging.kafka.offset"

DB_SYSTEM: Final = "db.system.name"

EVENT_NAME: Final = "safeconduct.event"
"""Short name of an event that is published or consumed, for instance LicenseIssued."""
REDRIVEN: Final = "safeconduct.redriven"
"""Id of the dead letter that was sent again as this record."""
REFUSAL: Final = "safeconduct.refusal"
"""Reason of a refusal. The status of the span stays UNSET."""
PRINCIPAL: Final = "safeconduct.principal"
"""Name of the caller, for instance officer/licensing-1."""
ERROR_REF: Final = "safeconduct.error_ref"
"""The errorRef that the caller got. It is also in the log line of the fault."""

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

METRIC_RPC_CALLS: Final = "safeconduct_rpc_server_calls"
METRIC_RPC_DURATION: Final = "safeconduct_rpc_server_call_duration_seconds"
METRIC_RPC_IN_FLIGHT: Final = "safeconduct_rpc_server_calls_in_flight"
METRIC_RPC_REFUSED: Final = "safeconduct_rpc_server_refused_calls"
