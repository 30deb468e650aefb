"""A file is counted in DuckDB to the same audit as its rows in memory, or refused with the place of what is wrong."""

import json

import duckdb
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ml.core.fairness.audit import audit_cells, audit_predictions
from ml.core.fairness.errors import UnusableTable
from ml.io.audit_cells import AuditColumns, cells_of_file
from orchestration.cli.audit import app

COLUMNS = AuditColumns(label="late", group=("region",), score="score", prediction="flag", control=("km",), weight="w")


@pytest.fixture
def table(planted) -> pd.DataFrame:
    rows = planted([0.1, 0.1, 0.1, 0.3], 400)
    rng = np.random.default_rng(0)
    rows["km"] = rng.gamma(2, 200, len(rows))
    rows["w"] = rng.choice([0.0, 1.0, 2.0], len(rows), p=[0.02, 0.68, 0.3])
    rows["late"] = rows["late"].astype(float)
    rows.loc[rng.random(len(rows)) < 0.05, "late"] = np.nan
    rows.loc[rng.random(len(rows)) < 0.03, "region"] = None
    return rows


def cells(file, columns=COLUMNS):
    with duckdb.connect(":memory:") as connection:
        return cells_of_file(connection, file, columns)


class TestCounting:
    @pytest.mark.parametrize("suffix", ["csv", "csv.gz", "tsv", "parquet", "jsonl"])
    def test_every_format_gives_the_audit_of_the_rows(self, table, tmp_path, suffix):
        file = tmp_path / f"t.{suffix}"
        writers = {
            "csv": lambda: table.to_csv(file, index=False), "csv.gz": lambda: table.to_csv(file, index=False),
            "tsv": lambda: table.to_csv(file, index=False, sep="\t"), "parquet": lambda: table.to_parquet(file),
            "jsonl": lambda: table.to_json(file, orient="records", lines=True, double_precision=15),
        }  # fmt: skip
        writers[suffix]()
        counted = audit_cells(cells(file), resamples=200)
        direct = audit_predictions(
            table,
            label="late",
            score="score",
            prediction="flag",
            group="region",
            control="km",
            weight="w",
            resamples=200,
        )
        assert counted.counts == direct.counts
        assert counted.groups == direct.groups
        for name, metric in direct.metrics.items():
            assert counted.metrics[name].verdict == metric.verdict
            assert counted.metrics[name].p == pytest.approx(metric.p, abs=1e-9)
            for ours, theirs in zip(counted.metrics[name].groups, metric.groups, strict=True):
                assert ours.rate == pytest.approx(theirs.rate, abs=1e-9)
                assert ours.difference == pytest.approx(theirs.difference, abs=1e-9)

    def test_codes_with_leading_zeros_stay_apart(self, tmp_path):
        file = tmp_path / "t.csv"
        rows = pd.DataFrame({"region": ["01", "1", "1.0"] * 200, "late": [0, 1, 0] * 200})
        rows.to_csv(file, index=False)
        assert cells(file, AuditColumns(label="late", group=("region",))).groups == ("01", "1", "1.0")

    @pytest.mark.parametrize(
        ("column", "value", "said"),
        [
            ("score", "1.5", "from 0 to 1"), ("score", "nan", "from 0 to 1"), ("score", "", "from 0 to 1"),
            ("score", "high", "from 0 to 1"), ("late", "2", "0, 1 or missing"), ("late", "yes", "0, 1 or missing"),
            ("flag", "", "0 or 1"), ("w", "-1", "at least 0"), ("w", "inf", "at least 0"), ("w", "x", "at least 0"),
        ],
    )  # fmt: skip
    def test_a_bad_value_is_refused_with_its_row(self, table, tmp_path, column, value, said):
        text = table.astype({column: object})
        text.loc[6, column] = value
        file = tmp_path / "t.csv"
        text.to_csv(file, index=False)
        with pytest.raises(UnusableTable, match=f"{said}.*{column}.*in 1 rows, first in row 7"):
            cells(file)

    def test_files_that_cannot_be_read(self, tmp_path):
        with pytest.raises(UnusableTable, match="no file"):
            cells(tmp_path / "absent.csv")
        (tmp_path / "t.xlsx").write_bytes(b"x")
        with pytest.raises(UnusableTable, match="is read from"):
            cells(tmp_path / "t.xlsx")
        (tmp_path / "t.parquet").write_bytes(b"PAR1 truncated")
        with pytest.raises(UnusableTable, match=r"cannot be read as \.parquet"):
            cells(tmp_path / "t.parquet")
        (tmp_path / "t.csv").write_text("a,b\n1,2\n")
        with pytest.raises(UnusableTable, match=r"'late' is not in the file, which has \['a', 'b'\]"):
            cells(tmp_path / "t.csv")


class TestCommand:
    def run(self, tmp_path, table, *arguments, file="t.parquet"):
        table.to_parquet(tmp_path / file)
        environment = {"OI_HOME": str(tmp_path / "home")}
        return CliRunner().invoke(
            app, ["table", "--file", str(tmp_path / file), "--group", "region", "--out", str(tmp_path / "out"),
                  "--resamples", "200", *arguments], env=environment,
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("rates", "rows", "verdict", "code"),
        [
            ([0.1, 0.1, 0.3], 800, "gap", 1), ([0.2, 0.2, 0.2], 800, "no_gap_found", 0),
            ([0.1, 0.9], 30, "insufficient_evidence", 3), ([0.1], 500, "undefined", 3),
        ],
    )  # fmt: skip
    def test_the_exit_code_and_the_json_follow_the_verdict(self, planted, tmp_path, rates, rows, verdict, code):
        done = self.run(tmp_path, planted(rates, rows, seed=1), "--y", "late", "--json")
        said = json.loads(done.stdout)
        assert (said["verdict"], done.exit_code) == (verdict, code)
        assert {g["group"] for g in said["metrics"]["base_rate"]["groups"]} == {f"R{i:02d}" for i in range(len(rates))}
        assert (tmp_path / "out" / said["report"]["digest"] / "report.zh.html").is_file()

    def test_wrong_usage_is_two(self, planted, tmp_path):
        table = planted([0.1, 0.2], 200)
        assert self.run(tmp_path, table, "--y", "absent").exit_code == 2
        assert self.run(tmp_path, table).exit_code == 2
        assert self.run(tmp_path, table.assign(score=3.0), "--y", "late", "--score", "score").exit_code == 2

    def test_intersections_and_hostile_names_are_shown_as_text(self, planted, tmp_path):
        table = planted([0.1, 0.1, 0.4], 800).replace("R02", "[bold red]<b>=x")
        table["tier"] = np.where(np.arange(len(table)) % 2, "gold", "basic")
        done = self.run(tmp_path, table, "--y", "late", "--group", "tier")
        assert done.exit_code == 1
        assert "[bold red]<b>=x" in done.stdout
        assert "region × tier: gap" in done.stdout


@pytest.mark.real_data
def test_olist_agrees_with_its_known_late_rates(real_data, tmp_path):
    orders, customers = (real_data / "olist" / f"olist_{n}_dataset.csv" for n in ("orders", "customers"))
    file = tmp_path / "olist.parquet"
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"""copy (select c.customer_state as state, o.order_delivered_customer_date::timestamp >
            o.order_estimated_delivery_date::timestamp as late
            from read_csv('{orders}', all_varchar = true) o
            join read_csv('{customers}', all_varchar = true) c using (customer_id)
            where o.order_delivered_customer_date is not null) to '{file}' (format parquet)""")
    columns = AuditColumns(label="late", group=("state",))
    rate = audit_cells(cells(file, columns), resamples=500).metrics["base_rate"]
    assert rate.verdict == "gap"
    known = {"AL": 0.231, "MA": 0.182, "BA": 0.152, "RJ": 0.135, "SP": 0.058}
    for state, value in known.items():
        assert rate.group(state).rate == pytest.approx(value, abs=0.0006)
        assert rate.group(state).named == (state != "SP")
    assert rate.overall == pytest.approx(0.0806, abs=0.001)
    assert {rate.group(state).status for state in ("AC", "AP", "RR", "AM")} == {"insufficient"}
