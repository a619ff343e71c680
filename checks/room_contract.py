"""An import contract that import-linter lacks: a room and the only imports allowed in it."""

from __future__ import annotations

import sys
from typing import Any, Final

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules

_STANDARD: Final = frozenset(sys.stdlib_module_names)


class RoomContract(Contract):
    """`modules`, with all modules below them, may import themselves and `may_import`.

    A name in `may_import` covers all modules below it. The standard library may be imported too.
    `may_not_import` overrules both. With `any_library` every third-party package may be imported.
    Only direct imports count, because every room has its own contract.
    """

    type_name = "room"

    modules = fields.ListField(subfield=fields.ModuleExpressionField())
    may_import = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    may_not_import = fields.ListField(subfield=fields.StringField(), required=False, default=[])
    any_library = fields.BooleanField(required=False, default=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Finds the imports that are not allowed."""
        roots = [
            module.name for module in module_expressions_to_modules(graph, _values(self.modules))
        ]
        inside = sorted({name for root in roots for name in (root, *graph.find_descendants(root))})
        forbidden = [
            f"{importer} may not import {imported} ({_line(graph, importer, imported)})"
            for importer in inside
            if not graph.is_module_squashed(importer)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if not self._is_allowed(graph, imported, roots)
        ]
        return ContractCheck(kept=not forbidden, metadata={"forbidden": forbidden})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Prints one line for each import."""
        for line in check.metadata["forbidden"]:
            output.print_error(line)

    def _is_allowed(self, graph: ImportGraph, imported: str, roots: list[str]) -> bool:
        if _is_below(imported, _values(self.may_not_import)):
            return False
        if _is_below(imported, [*roots, *_values(self.may_import)]):
            return True
        top = imported.partition(".")[0]
        is_foreign = graph.is_module_squashed(imported)
        return is_foreign and (top in _STANDARD or bool(self.any_library))


def _values(field: Any) -> list[Any]:
    # On an instance the attribute is the field's value; the types only know the field.
    assert isinstance(field, list)
    return field


def _is_below(name: str, packages: list[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _line(graph: ImportGraph, importer: str, imported: str) -> str:
    details = graph.get_import_details(importer=importer, imported=imported)
    return f"line {details[0]['line_number']}" if details else "?"
