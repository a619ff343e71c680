"""Loads the reference data and the code of conduct from `policy/` and checks that they agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from services.applications.core.application_details import EndUse
from services.applications.core.commands import SigningTerms
from services.applications.core.model import CodeOfConduct
from services.applications.core.reference_data import CatalogueModel, ReferenceData
from services.applications.shell.data_files import (
    DataFileError,
    SourceText,
    TextKind,
    convert,
    read_mapping,
)

_Country = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
_Text = Annotated[str, msgspec.Meta(min_length=1)]
_Positive = Annotated[float, msgspec.Meta(gt=0)]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping of the file. A key that is not a field here is a fault."""


class _Code(_Strict, frozen=True):
    version: _Text
    file: Annotated[str, msgspec.Meta(pattern="^[a-z0-9.-]+$")]
    signing_days: Annotated[int, msgspec.Meta(ge=1, le=365)]


class _Model(_Strict, frozen=True):
    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9.-]{0,62}$")]
    training_compute_flop: _Positive
    weights: Literal["OPEN", "CLOSED"]


class _Uses(_Strict, frozen=True):
    forbidden: list[EndUse]
    surveillance_capable: list[EndUse]


class _File(_Strict, frozen=True):
    version: _Text
    code_of_conduct: _Code
    models: Annotated[list[_Model], msgspec.Meta(min_length=1)]
    home_countries: list[_Country]
    embargoed_countries: list[_Country]
    allied_countries: list[_Country]
    countries: dict[_Country, Annotated[tuple[_Text, ...], msgspec.Meta(min_length=1)]]
    end_uses: _Uses
    blocking_lists: list[_Text]


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """The content of `reference.yaml` and of the code of conduct that it names.

    `texts` are the bytes of both files.
    """

    reference_data: ReferenceData
    code_of_conduct: CodeOfConduct
    signing_terms: SigningTerms
    texts: tuple[SourceText, SourceText]


def load_reference_file(path: Path) -> ReferenceFile:
    """Returns the content of the file and of the text that it names. Raises DataFileError."""
    faults: list[str] = []
    source, data = read_mapping(path)
    file = convert(data, _File, "reference data", faults)
    if file is None:
        raise DataFileError(path, faults)
    faults += _contradictions(file)
    text_path = path.parent / file.code_of_conduct.file
    if not text_path.is_file():
        faults.append(
            f"code_of_conduct.file: there is no {file.code_of_conduct.file} in the same folder"
        )
    if faults:
        raise DataFileError(path, faults)
    text = SourceText(TextKind.REFERENCE_DATA, file.version, path.name, source)
    code_text = _code_text(file.code_of_conduct, text_path)
    code = CodeOfConduct(code_text.version, code_text.content.decode(), code_text.digest)
    return ReferenceFile(
        _reference_data(file, text.digest),
        code,
        SigningTerms(code.version, code.digest, file.code_of_conduct.signing_days),
        (text, code_text),
    )


def _contradictions(file: _File) -> list[str]:
    known = set(file.countries)
    found: list[str] = []
    for name in ("home_countries", "embargoed_countries", "allied_countries"):
        found += [
            f"{name}: {code} is not in countries"
            for code in getattr(file, name)
            if code not in known
        ]
    friendly = {*file.allied_countries, *file.home_countries}
    found += [
        f"embargoed_countries: {code} is an allied or home country too"
        for code in file.embargoed_countries
        if code in friendly
    ]
    ids = [model.id for model in file.models]
    found += [
        f"models: {model_id} is listed twice"
        for model_id in sorted({each for each in ids if ids.count(each) > 1})
    ]
    return found


def _code_text(entry: _Code, path: Path) -> SourceText:
    source = path.read_bytes()
    if f"\nVersion {entry.version}\n" not in source.decode():
        raise DataFileError(path, [f"must have the line `Version {entry.version}`"])
    return SourceText(TextKind.CODE_OF_CONDUCT, entry.version, path.name, source)


def _reference_data(file: _File, digest: bytes) -> ReferenceData:
    models = (
        CatalogueModel(each.id, each.training_compute_flop, each.weights == "OPEN")
        for each in file.models
    )
    return ReferenceData(
        version=file.version,
        digest=digest,
        countries=file.countries,
        embargoed_countries=frozenset(file.embargoed_countries),
        allied_countries=frozenset(file.allied_countries),
        home_countries=frozenset(file.home_countries),
        models={model.model_id: model for model in models},
        forbidden_uses=frozenset(file.end_uses.forbidden),
        surveillance_uses=frozenset(file.end_uses.surveillance_capable),
        blocking_lists=frozenset(file.blocking_lists),
    )
