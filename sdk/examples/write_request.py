"""Prints the JSON of a SubmitApplication request for an application file, for other gRPC clients.

Usage: python sdk/examples/write_request.py APPLICATION_FILE > request.json
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

from google.protobuf.json_format import MessageToJson
from safeconduct.applications.v1.service_pb2 import SubmitApplicationRequest
from safeconduct.cli.application_file import read_application

details = read_application(Path(sys.argv[1]), datetime.now(timezone.utc))
print(MessageToJson(SubmitApplicationRequest(request_id=str(uuid4()), details=details)))
