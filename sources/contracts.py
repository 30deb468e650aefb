"""The landing contract as plain values, read from the ODCS files in `contract/`.

Belongs here: reading the contract's tables, columns, references and row rules. Does not belong here: applying them
(checks), or where tables lie (store).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml

from workspace.files import sha256_of_json

CONTRACT = Path(__file__).parent / "contract"

Severity = Literal["error", "warning"]
PersonalData = Literal["direct", "quasi", "none"]


@dataclass(frozen=True)
class Reference:
    """A column's reference to another table.

    Attributes:
        table, column: What the code refers to.
        scope: Column that holds the source system in which the code is valid; empty for tables without one.
        severity: `error`: a row with an unknown code is refused. `warning`: it is kept and counted.
    """

    table: str
    column: str
    scope: str
    severity: Severity


@dataclass(frozen=True)
class Column:
    """One column: its DuckDB type, what it may hold, and why it is kept."""

    name: str
    type: str
    description: str
    required: bool
    key_position: int | None
    personal_data: PersonalData
    purpose: str
    retention_days: int
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    allowed: tuple[str, ...] = ()
    reference: Reference | None = None


@dataclass(frozen=True)
class RowRule:
    """A predicate over one typed row (DuckDB SQL), true where the row is in order."""

    name: str
    predicate: str
    severity: Severity
    dimension: str
    remedy: str


@dataclass(frozen=True)
class Table:
    """One table of the contract."""

    name: str
    description: str
    grain: str
    version: str
    required: bool
    day_column: str | None
    capability: str | None
    columns: tuple[Column, ...]
    rules: tuple[RowRule, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Names of the key columns, in key order."""
        keyed = [c for c in self.columns if c.key_position is not None]
        return tuple(c.name for c in sorted(keyed, key=lambda c: c.key_position or 0))

    def column(self, name: str) -> Column:
        """The column called `name`.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"Table {self.name} of the landing contract has no column {name!r}.")


@cache
def load_contract(folder: Path = CONTRACT) -> Mapping[str, Table]:
    """The contract's tables by name, in name order."""
    tables = [_table(schema, document) for document in _documents(folder) for schema in document["schema"]]
    return MappingProxyType({table.name: table for table in tables})


@cache
def contract_digest(folder: Path = CONTRACT) -> str:
    """SHA-256 over the contract's content, whatever its layout in YAML."""
    return sha256_of_json(_documents(folder))


@cache
def _documents(folder: Path) -> list[dict[str, Any]]:
    # libyaml's loader, ten times as fast as the one in Python, where PyYAML was built with it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [yaml.load(p.read_text(encoding="utf-8"), loader) for p in sorted(folder.glob("*.odcs.yaml"))]


def _table(schema: dict[str, Any], document: dict[str, Any]) -> Table:
    custom = _custom(schema)
    return Table(
        name=schema["name"],
        description=schema["description"],
        grain=schema["dataGranularityDescription"],
        version=document["version"],
        required=bool(custom.get("requiredTable", False)),
        day_column=custom.get("dayColumn"),
        capability=custom.get("capability"),
        columns=tuple(_column(p) for p in schema["properties"]),
        rules=tuple(_rule(q) for q in schema.get("quality", [])),
    )


def _column(given: dict[str, Any]) -> Column:
    custom, options = _custom(given), given.get("logicalTypeOptions", {})
    references = [_reference(r) for r in given.get("relationships", [])]
    return Column(
        name=given["name"],
        type=given["physicalType"],
        description=given["description"],
        required=bool(given.get("required", False)),
        key_position=given["primaryKeyPosition"] if given.get("primaryKey") else None,
        personal_data=given["classification"],
        purpose=custom["purpose"],
        retention_days=custom["retentionDays"],
        unit=custom.get("unit"),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        pattern=options.get("pattern"),
        allowed=tuple(e["value"] for e in given.get("enum", [])),
        reference=references[0] if references else None,
    )


def _reference(given: dict[str, Any]) -> Reference:
    table, column = given["to"].split(".")
    custom = _custom(given)
    return Reference(table, column, custom.get("scopeColumn", ""), custom["severity"])


def _rule(given: dict[str, Any]) -> RowRule:
    predicate = re.sub(r"\s+", " ", given["implementation"]).strip()
    return RowRule(given["name"], predicate, given["severity"], given["dimension"], given["description"])


def _custom(given: dict[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in given.get("customProperties", [])}
