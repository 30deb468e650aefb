"""Suites are data: complete, explained, and generated from the contract where it is the home of a rule."""

import subprocess
import sys

import pytest

from expectations.boundaries import BOUNDARIES, STOCKOUT_MODEL, UnknownBoundary, suite_for
from expectations.checks import Between, Check, HasColumns, HasRows, InSet, InvalidSuite, Matches, NotNull, Suite
from ml.jobs.catalogue import STOCKOUT
from sources.contracts import load_contract


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_every_check_explains_itself(boundary: str) -> None:
    suite = suite_for(boundary)
    assert suite.boundary == boundary
    for check in suite.checks:
        assert check.why.endswith("."), check.id
        assert check.rule.sentence(), check.id
        assert check.id.startswith(f"{check.table}."), check.id


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_every_table_says_which_columns_it_must_have(boundary: str) -> None:
    """Checks of a missing column are skipped; this check is what fails instead."""
    suite = suite_for(boundary)
    told = {check.table for check in suite.checks if isinstance(check.rule, HasColumns) and check.severity == "error"}
    assert {table for table in suite.tables if not table.startswith("stg_")} == told


def test_the_landing_suite_holds_every_rule_of_the_contract() -> None:
    rules = {check.id: check for check in suite_for("landing").checks}
    for table in load_contract().values():
        for column in table.columns:
            name = f"{table.name}.{column.name}"
            if column.required:
                assert rules[f"{name}.filled"].rule == NotNull(column.name)
            if column.allowed:
                assert rules[f"{name}.allowed"].rule == InSet(column.name, column.allowed)
            if column.pattern:
                assert rules[f"{name}.pattern"].rule == Matches(column.name, column.pattern)
            if column.minimum is not None or column.maximum is not None:
                assert rules[f"{name}.range"].rule == Between(column.name, column.minimum, column.maximum)
            if column.reference is not None:
                assert rules[f"{name}.known"].severity == column.reference.severity
        for rule in table.rules:
            assert rules[f"{table.name}.{rule.name}"].severity == rule.severity


@pytest.mark.parametrize("id", ["orders", "Orders.rows", "orders rows", "orders.", ""])
def test_a_malformed_id_is_refused(id: str) -> None:
    with pytest.raises(InvalidSuite, match="Rename it"):
        Suite("x", "X", (Check(id, "orders", HasRows(), "error", "Why."),))


def test_an_id_used_twice_is_refused() -> None:
    check = Check("orders.rows", "orders", HasRows(), "error", "Why.")
    with pytest.raises(InvalidSuite, match="used twice"):
        Suite("x", "X", (check, check))


def test_an_unknown_boundary_names_the_known_ones() -> None:
    with pytest.raises(
        UnknownBoundary,
        match=r"landing, master_data, marts, features, predictions, stock_forecasts, lead_time_forecasts; got 'moon'",
    ):
        suite_for("moon")


def test_importing_the_room_does_not_import_great_expectations() -> None:
    """Its import takes seconds, which every command line and console would pay."""
    program = (
        "import sys, expectations.runner, expectations.docs, expectations.report, expectations.boundaries; "
        "sys.exit('great_expectations' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_forecasts_are_looked_for_under_the_name_that_their_model_is_registered_by() -> None:
    assert STOCKOUT.name == STOCKOUT_MODEL
