"""Every name that spans, metrics and log lines carry, in one place: the conventions are still moving.

Values are those of OpenTelemetry's semantic conventions where it has one (a test compares); ours begin with
`safeconduct.`.
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
"""Short name of the fact that is told or heard, for instance LicenseIssued."""
REDRIVEN: Final = "safeconduct.redriven"
"""Which dead letter the record was, when it was sent again."""
REFUSAL: Final = "safeconduct.refusal"
"""Reason for which a call was refused; the span's status stays UNSET."""
PRINCIPAL: Final = "safeconduct.principal"
"""Name of the caller, for instance officer/licensing-1."""
ERROR_REF: Final = "safeconduct.error_ref"
"""What the caller was told; finds the log line of a fault."""

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

METRIC_RPC_CALLS: Final = "safeconduct_rpc_server_calls"
METRIC_RPC_DURATION: Final = "safeconduct_rpc_server_call_duration_seconds"
METRIC_RPC_IN_FLIGHT: Final = "safeconduct_rpc_server_calls_in_flight"
