"""Versions of the contract's tables: what changed since the version that was kept, and which version that asks for.

Belongs here: comparing a table with its kept shape, the verdict, the kept file with its changelog.
Does not belong here: reading the contract itself (contracts), and how extracts change (shapes).

`contract/versions.yaml` keeps of every table its last shape and the changelog of all versions. Adapters fill the
contract, so a change is breaking (major) when rows that landed before would be refused or lack a column now; it adds
(minor) when all of them still land; anything else, such as a better description, is a patch.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from sources.contracts import CONTRACT, Column, RowRule, Table, load_contract
from workspace.files import sha256_of_json, write_atomically

VERSIONS = CONTRACT / "versions.yaml"

Level = Literal["patch", "minor", "major"]
_LEVELS: tuple[Level, ...] = ("patch", "minor", "major")
#: Type → types that hold every value of it (DuckDB casts without loss).
_WIDER = {"INTEGER": ("BIGINT", "DOUBLE"), "DATE": ("TIMESTAMP",)}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


class ContractChangeRefused(ValueError):
    """A table changed without the version that the change asks for."""


@dataclass(frozen=True)
class Change:
    """One difference between a table and its kept shape."""

    level: Level
    what: str


def changes_of(kept: Mapping[str, Any], table: Table) -> list[Change]:
    """Differences of a table from its kept shape, in the order of the columns."""
    now = _shape(table)
    changes = [Change("major", f"column {name} removed") for name in kept["columns"] if name not in now["columns"]]
    for name, column in now["columns"].items():
        if name in kept["columns"]:
            changes += _column_changes(name, kept["columns"][name], column)
        else:
            required = column.get("required", False)
            changes.append(Change("major" if required else "minor", f"{'required ' * required}column {name} added"))
    for part in ("key", "rules"):
        if kept[part] != now[part]:
            changes.append(Change("major", f"{part} changed: {kept[part]} → {now[part]}"))
    if table.required and not kept["required"]:
        changes.append(Change("major", "table became required"))
    if not changes and kept["changelog"][-1]["digest"] != _digest(table):
        changes.append(Change("patch", "descriptions or other particulars changed"))
    return changes


def asked_version(kept_version: str, changes: list[Change]) -> str:
    """The lowest version that a table needs after the changes."""
    if not changes:
        return kept_version
    position = 2 - max(_LEVELS.index(c.level) for c in changes)
    numbers = [int(n) for n in kept_version.split(".")]
    return ".".join(map(str, [*numbers[:position], numbers[position] + 1, *[0] * (2 - position)]))


def faults_of_versions(contract: Mapping[str, Table], kept: Mapping[str, Any]) -> list[str]:
    """Sentences on the tables whose change lacks its version: what changed, the version met, what to do."""
    faults = [
        f"{name}: [major] the table was removed, and adapters fill it. Put its file back, or take it out of "
        "versions.yaml too."
        for name in kept if name not in contract
    ]  # fmt: skip
    for name, table in contract.items():
        if name not in kept:
            continue
        changes = changes_of(kept[name], table)
        before = kept[name]["changelog"][-1]["version"]
        asked = asked_version(before, changes)
        if _numbers(table.version) < _numbers(asked):
            told = "; ".join(f"[{c.level}] {c.what}" for c in changes) or "its version went back"
            faults.append(
                f"{name}: {told}. Its version is {table.version} after {before}. Undo the change, or set `version: "
                f"{asked}` (or later) in contract/{name}.odcs.yaml, then run `oi contract --keep`."
            )
    return faults


def read_versions(path: Path = VERSIONS) -> dict[str, Any]:
    """Table → kept shape and changelog; empty where none is kept yet."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep_versions(contract: Mapping[str, Table] | None = None, path: Path = VERSIONS) -> list[str]:
    """Keep the tables' shapes of now and write their changelog; returns the tables that changed.

    Raises:
        ContractChangeRefused: a change lacks its version; nothing is written.
    """
    contract, kept = contract or load_contract(), read_versions(path)
    if faults := faults_of_versions(contract, kept):
        raise ContractChangeRefused("\n".join(faults))
    changed = []
    for name, table in contract.items():
        changes = (
            [f"[{c.level}] {c.what}" for c in changes_of(kept[name], table)] if name in kept else ["first version"]
        )
        log = kept[name]["changelog"] if name in kept else []
        if not changes and log[-1]["version"] == table.version:
            continue
        entry = {"version": table.version, "digest": _digest(table), "changes": changes}
        kept[name] = {"changelog": [*log, entry], **_shape(table)}
        changed.append(name)
    text = yaml.safe_dump(dict(sorted(kept.items())), sort_keys=False, allow_unicode=True, width=116)
    write_atomically(path, "# Written by `oi contract --keep`; docs/adapters.md says when.\n" + text)
    return changed


def _column_changes(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    changes = []
    if before["type"] != now["type"]:
        level: Level = "minor" if _is_wider(before["type"], now["type"]) else "major"
        changes.append(Change(level, f"column {name}: type {before['type']} → {now['type']}"))
    if before.get("required", False) != now.get("required", False):
        level = "major" if now.get("required") else "minor"
        changes.append(Change(level, f"column {name}: {'now' if level == 'major' else 'no longer'} required"))
    changes += _allowed_changes(name, before.get("allowed"), now.get("allowed"))
    for bound, is_tighter in (("minimum", lambda old, new: new > old), ("maximum", lambda old, new: new < old)):
        old, new = before.get(bound), now.get(bound)
        if old != new:
            tighter = new is not None and (old is None or is_tighter(old, new))
            changes.append(Change("major" if tighter else "minor", f"column {name}: {bound} {old} → {new}"))
    for limit in ("pattern", "reference"):
        old, new = before.get(limit), now.get(limit)
        if old != new:
            changes.append(Change("minor" if new is None else "major", f"column {name}: {limit} {old} → {new}"))
    if before.get("unit") != now.get("unit"):
        changes.append(Change("major", f"column {name}: unit {before.get('unit')} → {now.get('unit')}"))
    return changes


def _allowed_changes(name: str, before: list[str] | None, now: list[str] | None) -> list[Change]:
    if now is None:
        return [Change("minor", f"column {name}: any value allowed")] if before else []
    if before is None:
        return [Change("major", f"column {name}: only {', '.join(now)} allowed")]
    changes = []
    if gone := [v for v in before if v not in now]:
        changes.append(Change("major", f"column {name}: no longer allowed {', '.join(gone)}"))
    if new := [v for v in now if v not in before]:
        changes.append(Change("minor", f"column {name}: also allowed {', '.join(new)}"))
    return changes


def _is_wider(before: str, now: str) -> bool:
    old, new = _DECIMAL.fullmatch(before), _DECIMAL.fullmatch(now)
    if old and new:
        (digits, scale), (more_digits, more_scale) = map(int, old.groups()), map(int, new.groups())
        return more_scale >= scale and more_digits - more_scale >= digits - scale
    return now == "VARCHAR" or now in _WIDER.get(before, ())


def _shape(table: Table) -> dict[str, Any]:
    return {
        "required": table.required,
        "key": list(table.key),
        "columns": {c.name: _column_shape(c) for c in table.columns},
        "rules": {r.name: _rule_shape(r) for r in table.rules},
    }


def _column_shape(column: Column) -> dict[str, Any]:
    reference = column.reference
    told = {
        "type": column.type, "required": column.required or None, "unit": column.unit,
        "minimum": column.minimum, "maximum": column.maximum, "pattern": column.pattern,
        "allowed": list(column.allowed) or None,
        "reference": f"{reference.table}.{reference.column} ({reference.severity})" if reference else None,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def _rule_shape(rule: RowRule) -> str:
    return f"{rule.severity}: {rule.predicate}"


def _digest(table: Table) -> str:
    return sha256_of_json({k: v for k, v in asdict(table).items() if k != "version"})


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in version.split("."))
