"""A wrong adapter is named with its place and its remedy."""

from pathlib import Path

import pytest
import yaml

from sources.manifest import AdapterError, list_adapters, load_adapter
from tests.support.shops import ORDERS_SQL, make_adapter, write_files

GOOD = {
    "name": "shop", "description": "A shop.",
    "files": {"orders": {"glob": "orders.csv", "columns": ["order_code"]}}, "tables": {"orders": {"from": "orders"}},
}  # fmt: skip


def test_the_adapters_that_ship_load() -> None:
    assert {"olist", "template"} <= set(list_adapters())
    for name in list_adapters():
        assert load_adapter(name).manifest.name == name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "My Shop"}, ["name", "pattern"]),
        ({"company": "../x"}, ["company"]),
        ({"tabels": {}}, ["tabels", "Extra inputs"]),
        ({"tables": {}}, ["tables"]),
        ({"tables": {"invoices": {"from": "orders"}}}, ["'invoices'", "not in the landing contract"]),
        ({"tables": {"orders": {"from": "sales"}}}, ["'sales'", "neither a file nor from dlt"]),
        ({"tables": {"orders": {}}}, ["either `from`", "derived_from"]),
        ({"tables": {"orders": {"from": "orders", "derived_from": "orders"}}}, ["either `from`"]),
        ({"files": {"orders": {"glob": "o.db", "format": "sqlite", "columns": ["a"]}}}, ["table", "sqlite"]),
        ({"files": {"orders": {"glob": "o.csv", "columns": []}}}, ["columns"]),
        ({"files": {"Orders": {"glob": "o.csv", "columns": ["a"]}}}, ["'Orders'", "lower-case"]),
        ({"facts": {"currency": "R$"}}, ["facts.currency"]),
        ({"dlt": {"erp": {"kind": "sql_database", "url": "x", "tables": {"orders": "o"}}}}, ["'orders'",
            "defined twice"]),
        ({"dlt": {"erp": {"kind": "ftp"}}}, ["dlt.erp", "sql_database"]),
    ],
)  # fmt: skip
def test_a_fault_in_the_manifest_is_named(tmp_path: Path, change: dict[str, object], words: list[str]) -> None:
    write_files(tmp_path, {"manifest.yaml": yaml.safe_dump({**GOOD, **change}), "orders.sql": ORDERS_SQL})
    with pytest.raises(AdapterError) as error:
        load_adapter(tmp_path)
    assert all(word in str(error.value) for word in [*words, "manifest.yaml"]), error.value


def test_a_manifest_that_is_no_yaml(tmp_path: Path) -> None:
    write_files(tmp_path, {"manifest.yaml": "name: [shop"})
    with pytest.raises(AdapterError, match="is not YAML"):
        load_adapter(tmp_path)


def test_missing_sql_and_missing_adapters_are_named(tmp_path: Path) -> None:
    write_files(tmp_path, {"manifest.yaml": yaml.safe_dump(GOOD)})
    with pytest.raises(AdapterError, match=r"orders\.sql.*missing"):
        load_adapter(tmp_path)
    with pytest.raises(AdapterError, match=r"No adapter 'nope'.*olist"):
        load_adapter("nope")


def test_the_digest_follows_manifest_and_sql(tmp_path: Path) -> None:
    first = make_adapter(tmp_path).digest
    assert make_adapter(tmp_path).digest == first
    assert make_adapter(tmp_path, {"orders": ORDERS_SQL + "-- new"}).digest != first
    assert make_adapter(tmp_path, notes=["other"]).digest != first
