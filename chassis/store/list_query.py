"""Builds the SQL of lists: filters, order, keyset pages and bounded counts.

The text consists of names that the shells declare and of numbered parameters. A caller's
value is only ever a parameter. A query contains just the conditions that it was given: with a
general condition such as "$1 is null or state = $1" the planner could not use an index of that
column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

MAX_COUNT: Final = 10_000
"""Greatest number of rows that a list counts."""


@dataclass(frozen=True, slots=True)
class ListTable:
    """A table with one row for each element of a list."""

    name: str
    key: str
    """Column of type uuid that no two rows share. It orders rows whose sort column is equal."""
    columns: Mapping[str, str]
    """SQL type of each column that a query may filter or sort by."""
    selected: tuple[str, ...] = ()
    """Further columns to read."""


class Condition(NamedTuple):
    """Rows whose column is related to the value by the operator."""

    column: str
    operator: str
    value: object


def equal(column: str, value: object) -> Condition:
    """Returns the condition that the column has this value."""
    return Condition(column, "=", value)


def differs(column: str, value: object) -> Condition:
    """Returns the condition that the column has another value.

    Rows without a value are left out: what a caller may not see is not known of them.
    """
    return Condition(column, "<>", value)


def contains(column: str, *values: object) -> Condition:
    """Returns the condition that the column, an array, has all these values."""
    return Condition(column, "@>", list(values))


def if_given(column: str, value: object | None) -> Condition | None:
    """Returns the condition that the column has this value; None for no value."""
    return equal(column, value) if value is not None else None


@dataclass(frozen=True, slots=True)
class Order:
    """Order by a column, and then in the same direction by the table's key."""

    column: str
    descending: bool


class Sql(NamedTuple):
    """A query with the values of its parameters."""

    text: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The rows of a table that fulfil all conditions, in an order.

    `always` is a condition without parameters, a constant of the shell. A partial index needs it
    literally.
    """

    table: ListTable
    order: Order
    conditions: tuple[Condition, ...] = ()
    always: str = ""

    def where(self, *conditions: Condition | None) -> ListQuery:
        """Returns the query with further conditions; None adds nothing."""
        added = tuple(each for each in conditions if each is not None)
        return replace(self, conditions=self.conditions + added)

    def page(self, after: tuple[Any, Any] | None, limit: int) -> Sql:
        """Returns the query of the first rows behind `after`: sort value and key of a row."""
        parameters = _Parameters()
        clauses = self._clauses(parameters)
        column, key = self.order.column, self.table.key
        if after is not None:
            types = self.table.columns[column], "uuid"
            row = ", ".join(map(parameters.add, after, types))
            clauses.append(f"({column}, {key}) {'<' if self.order.descending else '>'} ({row})")
        direction = " desc" if self.order.descending else ""
        selected = dict.fromkeys((key, column, *self.table.selected))
        return parameters.sql(
            f"select {', '.join(selected)} from {self.table.name}{_where(clauses)}"  # noqa: S608 - names of the shells
            f" order by {column}{direction}, {key}{direction}"
            f" limit {parameters.add(limit, 'int')}"
        )

    def count(self) -> Sql:
        """Returns the query of the number of rows. It stops at MAX_COUNT + 1."""
        parameters = _Parameters()
        rows = f"select 1 from {self.table.name}{_where(self._clauses(parameters))}"  # noqa: S608 - names of the shells
        return parameters.sql(f"select count(*) from ({rows} limit {MAX_COUNT + 1}) found")  # noqa: S608 - as above

    def _clauses(self, parameters: _Parameters) -> list[str]:
        """Returns the conditions. Raises KeyError for a column that the table does not declare."""
        clauses = [self.always] if self.always else []
        for column, operator, value in self.conditions:
            parameter = parameters.add(value, self.table.columns[column])
            clauses.append(f"{column} {operator} {parameter}")
        return clauses


@dataclass(slots=True)
class _Parameters:
    values: list[object] = field(default_factory=list)

    def add(self, value: object, kind: str) -> str:
        """Adds a value of this SQL type and returns its place in the text."""
        self.values.append(value)
        return f"${len(self.values)}::{kind}"

    def sql(self, text: str) -> Sql:
        return Sql(text, tuple(self.values))


def _where(clauses: Sequence[str]) -> str:
    return f" where {' and '.join(clauses)}" if clauses else ""
