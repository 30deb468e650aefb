"""The landing contract holds together, and is an ODCS document by the published schema."""

import json
from importlib.resources import files
from pathlib import Path

import duckdb
import jsonschema
import pytest
import yaml

from sources.contracts import CONTRACT, contract_digest, load_contract

DOCUMENTS = sorted(CONTRACT.glob("*.odcs.yaml"))
TYPES = {"VARCHAR", "INTEGER", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "DECIMAL(18,2)", "DECIMAL(18,4)"}


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft201909Validator:
    published = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    return jsonschema.validators.validator_for(published)(published)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.stem)
def test_every_file_is_an_odcs_document(path: Path, schema: jsonschema.Draft201909Validator) -> None:
    errors = [f"{e.json_path}: {e.message}" for e in schema.iter_errors(yaml.safe_load(path.read_text("utf-8")))]
    assert errors == []


def test_the_schema_would_notice_a_fault(schema: jsonschema.Draft201909Validator) -> None:
    document = yaml.safe_load(DOCUMENTS[0].read_text("utf-8"))
    document["schema"][0]["properties"][0]["logicalType"] = "text"
    assert not schema.is_valid(document)


def test_the_contract_has_the_tables_of_the_design() -> None:
    assert set(load_contract()) == {
        "customers", "products", "warehouses", "orders", "order_lines", "shipments", "shipment_lines", "order_events",
        "inventory_snapshots", "inbound_deliveries", "returns", "reviews", "carrier_rates", "signals", "regions",
    }  # fmt: skip
    assert {t.name for t in load_contract().values() if t.required} == {"orders", "order_lines", "customers"}


@pytest.mark.parametrize("table", load_contract().values(), ids=lambda t: t.name)
def test_a_table_holds_together(table) -> None:
    names = {c.name for c in table.columns}
    assert table.key
    assert all(table.column(name).required for name in table.key)
    assert table.grain.startswith("One row per")
    assert table.day_column is None or table.column(table.day_column).required
    assert table.required or table.capability
    for column in table.columns:
        assert column.type in TYPES
        assert column.personal_data in ("direct", "quasi", "none")
        assert column.purpose
        assert column.retention_days > 0
        if column.reference:
            assert column.reference.column in load_contract()[column.reference.table].key
            assert not column.reference.scope or column.reference.scope in names
            assert bool(column.reference.scope) == (column.reference.table != "regions")
            assert column.reference.severity == ("error" if column.reference.table == "regions" else "warning")


@pytest.mark.parametrize("table", load_contract().values(), ids=lambda t: t.name)
def test_row_rules_run_on_the_typed_columns(table) -> None:
    typed = ", ".join(f'null::{c.type} as "{c.name}"' for c in table.columns)
    for rule in table.rules:
        assert rule.remedy
        assert duckdb.execute(f"select typeof({rule.predicate}) from (select {typed})").fetchone() == ("BOOLEAN",)


def test_the_digest_follows_content_and_not_layout(tmp_path: Path) -> None:
    for folder in ("same", "other"):
        (tmp_path / folder).mkdir()
        for path in DOCUMENTS:
            document = yaml.safe_load(path.read_text("utf-8"))
            if folder == "other" and path.stem.startswith("orders"):
                document["schema"][0]["properties"][0]["required"] = False
            (tmp_path / folder / path.name).write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    assert contract_digest(tmp_path / "same") == contract_digest()
    assert contract_digest(tmp_path / "other") != contract_digest()


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(KeyError, match=r"orders.*'colour'"):
        load_contract()["orders"].column("colour")
