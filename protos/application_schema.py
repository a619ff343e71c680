"""Generates the JSON Schema of application files from the contract.

`protos/generate.py` writes and checks the file. The `safeconduct` command reads it, and so do
editors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from grpc_tools import protoc

SCHEMA: Final = Path("safeconduct/schema/application.schema.json")
MODEL: Final = "safeconduct/applications/v1/model.proto"
ROOT_MESSAGE: Final = "safeconduct.applications.v1.ApplicationDetails"

EXAMPLES: Final[Mapping[str, Any]] = {
    "Party.party_id": "end-user",
    "Party.roles": ["END_USER", "LICENSE_HOLDER"],
    "Party.kind": "ORGANISATION",
    "Party.name": "Example Teaching Hospital",
    "Party.aliases": ["Beispiel-Lehrkrankenhaus"],
    "Party.country": "DE",
    "Party.address": "Example Street 1, 10115 Berlin",
    "Party.birth_date": "1970-05-31",
    "Party.sector": "HEALTHCARE",
    "Identifier.type": "LEI",
    "Identifier.value": "7707083893",
    "Identifier.country": "RU",
    "Ownership.owned_party_id": "end-user",
    "Ownership.share_percent": 55,
    "ShareRange.at_least_percent": 40,
    "ShareRange.at_most_percent": 45,
    "SigningAuthority.is_authorized": True,
    "SigningAuthority.binds_party_id": "end-user",
    "Item.model_id": "example-frontier-1",
    "Item.access_mode": "HOSTED_ACCESS",
    "EndUserStatement.party_id": "end-user",
    "EndUserStatement.signed_at": "2026-01-31",
    "EndUserStatement.text": "The model drafts discharge letters for our clinicians.",
    "SafeguardStatement.text": "Hosted access with refusal training and misuse monitoring.",
    "Declaration.is_true_and_complete": True,
    "Declaration.declared_by_party_id": "applicant",
    "ApplicationDetails.parties": [
        {
            "party_id": "applicant",
            "roles": ["APPLICANT"],
            "kind": "ORGANISATION",
            "name": "Example Model Access Inc.",
            "country": "US",
        }
    ],
    "ApplicationDetails.items": [
        {"model_id": "example-frontier-1", "access_mode": "HOSTED_ACCESS"}
    ],
    "ApplicationDetails.declaration": {
        "is_true_and_complete": True,
        "declared_by_party_id": "applicant",
    },
    "ApplicationDetails.destinations": ["DE"],
    "ApplicationDetails.end_uses": ["HEALTHCARE"],
    "ApplicationDetails.red_flags": ["UNUSUAL_ROUTE"],
    "ApplicationDetails.validity_days": 365,
    "ApplicationDetails.monthly_million_tokens": 500,
}
"""An example of each field, as it is written in a file."""

_KEY_FILE: Final = {
    "type": "string",
    "description": "PEM file of the signatory's key, relative to this file; stands for public_key.",
    "examples": ["keys/signatory.pem"],
}
_SIGNATORY_RULE: Final = {
    "if": {"properties": {"roles": {"contains": {"const": "SIGNATORY"}}}, "required": ["roles"]},
    "then": {"required": ["signing_authority"]},
}


def render(includes: list[str], folder: Path) -> str:
    """Returns the schema as text. `includes` are protoc's, `folder` is for its output."""
    files = _compile(includes, folder)
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    comments = _comments(next(file for file in files if file.name == MODEL))
    definitions: dict[str, Any] = {}
    _define(pool.FindMessageTypeByName(ROOT_MESSAGE), comments, definitions)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Application file of the safeconduct command",
        "$ref": "#/$defs/ApplicationDetails",
        "$defs": definitions,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _compile(includes: list[str], folder: Path) -> list[descriptor_pb2.FileDescriptorProto]:
    """The model and the files that it imports, with comments, in the order of their imports."""
    target = folder / "model.descriptors"
    options = ["--include_imports", "--include_source_info", f"--descriptor_set_out={target}"]
    if protoc.main(["protoc", *includes, *options, MODEL]) != 0:
        raise SystemExit("protoc failed")
    return list(descriptor_pb2.FileDescriptorSet.FromString(target.read_bytes()).file)


def _comments(file: descriptor_pb2.FileDescriptorProto) -> dict[str, str]:
    """The comment of every message, field, enum and value, by names such as Party.name."""
    found = {}
    for location in file.source_code_info.location:
        text = " ".join(location.leading_comments.split())
        path = list(location.path)
        # 4 and 5 are the numbers of message_type and enum_type, 2 that of their fields and values.
        outer: Any
        if text and path[0] in (4, 5) and len(path) in (2, 4):
            outer = (file.message_type if path[0] == 4 else file.enum_type)[path[1]]
            if len(path) == 2:
                found[outer.name] = text
            elif path[2] == 2:
                inner = outer.field if path[0] == 4 else outer.value
                found[f"{outer.name}.{inner[path[3]].name}"] = text
    return found


def _define(message: Descriptor, comments: Mapping[str, str], into: dict[str, Any]) -> None:
    """Adds the schema of a message, and of all messages below it."""
    definition: dict[str, Any] = {
        "type": "object",
        "description": comments.get(message.name, ""),
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }
    into[message.name] = definition
    for field in message.fields:
        definition["properties"][field.name] = _field(field, comments, into)
        if _is_required(field):
            definition["required"].append(field.name)
    if message.name == "SigningAuthority":
        definition["properties"]["key_file"] = _KEY_FILE
        definition["required"].remove("public_key")
        # The contract cannot tell false from absent. In a file, who leaves it out would apply
        # without anybody who can sign.
        definition["required"].insert(0, "is_authorized")
        definition["oneOf"] = [{"required": ["public_key"]}, {"required": ["key_file"]}]
    if message.name == "Party":
        definition |= _SIGNATORY_RULE


def _field(field: FieldDescriptor, comments: Mapping[str, str], into: dict[str, Any]) -> Any:
    name = ".".join(field.full_name.split(".")[-2:])
    rules = _rules(field)
    schema: dict[str, Any] = {"description": comments.get(name, "")}
    if name in EXAMPLES:
        schema["examples"] = [EXAMPLES[name]]
    if not field.is_repeated:
        return {**schema, **_value(field, rules, comments, into)}
    repeated = rules.repeated
    schema |= {"type": "array", "items": _value(field, repeated.items, comments, into)}
    for key, rule in (("minItems", "min_items"), ("maxItems", "max_items")):
        if repeated.HasField(rule):
            schema[key] = getattr(repeated, rule)
    return {**schema, "uniqueItems": True} if repeated.unique else schema


def _value(
    field: FieldDescriptor, rules: Any, comments: Mapping[str, str], into: dict[str, Any]
) -> dict[str, Any]:
    """The schema of one value of the field."""
    if field.message_type is not None:
        if field.message_type.full_name == "google.protobuf.Timestamp":
            return {"type": "string", "format": "safeconduct-time"}
        if field.message_type.name not in into:
            _define(field.message_type, comments, into)
        return {"$ref": f"#/$defs/{field.message_type.name}"}
    if field.enum_type is not None:
        return _enum(field.enum_type, comments)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "format": "safeconduct-bytes"}
    if field.type == FieldDescriptor.TYPE_BOOL:
        has_constant = rules.bool.HasField("const")
        return {"const": rules.bool.const} if has_constant else {"type": "boolean"}
    if field.type == FieldDescriptor.TYPE_STRING:
        limits = _limits(rules.string, minLength="min_len", maxLength="max_len", pattern="pattern")
        if "pattern" in limits:
            # The contract's dialect is RE2, the schema's that of ECMA-262 with the flag u.
            limits["pattern"] = re.sub(r"\\x\{(\w{4})\}", r"\\u\1", limits["pattern"])
        return {"type": "string", **limits}
    kind = {FieldDescriptor.TYPE_INT32: "int32", FieldDescriptor.TYPE_INT64: "int64"}.get(
        field.type, "double"
    )
    limits = _limits(getattr(rules, kind), minimum="gte", maximum="lte")
    return {"type": "number" if kind == "double" else "integer", **limits}


def _limits(rules: Any, **keywords: str) -> dict[str, Any]:
    return {key: getattr(rules, rule) for key, rule in keywords.items() if rules.HasField(rule)}


def _enum(enum: EnumDescriptor, comments: Mapping[str, str]) -> dict[str, Any]:
    """The names without prefix, each described in the form that editors show."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    values = [value for value in enum.values if value.number != 0]
    names = [value.name.removeprefix(prefix) for value in values]
    described = [comments.get(f"{enum.name}.{value.name}", "") for value in values]
    if enum.name == "PartyKind":
        names.append("ORGANIZATION")
        described.append("Another spelling of ORGANISATION.")
    return {"enum": names, "markdownEnumDescriptions": described}


def _is_required(field: FieldDescriptor) -> bool:
    """Whether the contract refuses the field's empty value."""
    rules = _rules(field)
    if rules.required or (field.is_repeated and rules.repeated.min_items):
        return True
    if field.is_repeated or field.message_type is not None or field.has_presence:
        return False
    if rules.string.min_len:
        return True
    if rules.string.HasField("pattern"):
        # Python's `re` knows no classes of RE2. They never match the empty text.
        plain = re.sub(r"\\[px]\{\w+\}", r"\\x00", rules.string.pattern)
        return re.search(plain, "") is None
    return bool(
        rules.bytes.len
        or rules.int32.gte > 0
        or rules.int64.gte > 0
        or rules.bool.const
        or 0 in rules.enum.not_in
    )


def _rules(field: FieldDescriptor) -> Any:
    # The pool's options do not know the rules' extension; those of this process do.
    options = descriptor_pb2.FieldOptions.FromString(field.GetOptions().SerializeToString())
    return options.Extensions[validate_pb2.field]
