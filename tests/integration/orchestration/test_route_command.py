"""`oi route` on files that a stranger might bring: solves them, loses no order, explains, and refuses with a reason."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from orchestration.cli.route import app

ORDERS = """order_id,region,priority,promised_days
A,east,1,2
B,west,2,2
C,mars,1,2
D,east,,2
E,east,abc,2
F,west,1,2
A,west,1,2
,west,1,2
G,east,1,2
H,east,1,2
I,east,1,2
"""
LINES = """order_id,sku,qty,weight_kg
A,p1,1,2
A,p2,1,1
B,p1,2,2
C,p1,1,2
D,p1,1,2
E,p1,1,2
F,zz,1,2
G,p3,500,1
H,p1,1.5,2
X,p1,1,1
"""
STOCK = """warehouse_code,SKU,On_Hand
n1,p1,3
n2,p1,3
n2,p2,5
n1,p3,10
n1,p2,-4
"""
RATES = """warehouse_code,destination_region,service_level,fixed_amount,per_kg_amount,planned_days
n1,east,ground,4,0.5,1.5
n1,west,ground,9,0.8,3
n2,west,ground,4,.5,1
n2,east,ground,8,.7,3
n1,east,express,9,1,1
"""
NODES = "warehouse_code,daily_capacity\nn1,10\nn2,\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The five files of a run, as CSV."""
    texts = {"orders": ORDERS, "lines": LINES, "stock": STOCK, "rates": RATES, "nodes": NODES}
    paths = {name: tmp_path / f"{name}.csv" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text, encoding="utf-8")
    return paths


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def solve(files: dict[str, Path], out: Path, *more: object) -> Any:
    named = [part for name, path in files.items() for part in (f"--{name}", path)]
    return run("solve", *named, "--out", out, *more)


def test_every_order_comes_out_with_a_status_and_a_reason(files: dict[str, Path], tmp_path: Path) -> None:
    done = solve(files, tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    keys = ("objective", "lower_bound", "gap", "seconds", "filled", "split", "on_time", "by_region")
    assert tuple(summary)[: len(keys)] == keys
    assert summary["orders"] == summary["routed"] + summary["unfilled"] + summary["excluded"] == 11
    orders = pq.read_table(tmp_path / "out" / "orders.parquet").to_pylist()
    assert [(row["order_id"], row["status"], row["reason"]) for row in orders] == [
        ("A", "filled", ""),
        ("B", "filled", ""),
        ("C", "excluded", "unknown_region"),
        ("D", "filled", ""),
        ("E", "excluded", "bad_priority"),
        ("F", "excluded", "unknown_product"),
        ("A", "excluded", "duplicate_order"),
        ("", "excluded", "missing_order_id"),
        ("G", "unfilled", "quantity_exceeds_stock"),
        ("H", "excluded", "bad_quantity"),
        ("I", "excluded", "no_lines"),
    ]
    assert summary["notes"]["lines_without_order"] == 1
    assert summary["notes"]["stock_rows_below_zero"] == 1
    assigned = pq.read_table(tmp_path / "out" / "assignments.parquet").to_pylist()
    assert {(row["order_id"], row["line_number"]) for row in assigned} == {("A", 1), ("A", 2), ("B", 1), ("D", 1)}
    unfilled = pq.read_table(tmp_path / "out" / "unfilled.parquet").to_pylist()
    assert len(assigned) + sum(row["line_number"] is not None for row in unfilled) == 9
    assert all(row["reason_text"] for row in unfilled)


def test_parquet_gives_the_same_answer_as_csv(files: dict[str, Path], tmp_path: Path) -> None:
    solve(files, tmp_path / "csv")
    columnar = {}
    for name, path in files.items():
        columnar[name] = tmp_path / f"{name}.parquet"
        pq.write_table(pa.csv.read_csv(path), columnar[name])
    assert solve(columnar, tmp_path / "parquet").exit_code == 0
    first, second = (pq.read_table(tmp_path / kind / "assignments.parquet") for kind in ("csv", "parquet"))
    assert first.equals(second)


def test_a_run_can_be_explained_later(files: dict[str, Path], tmp_path: Path) -> None:
    solve(files, tmp_path / "out")
    for path in files.values():
        path.unlink()
    shown = run("explain", "A", "--run", tmp_path / "out")
    assert shown.exit_code == 0
    assert "n2" in shown.stdout
    assert "why farther: nearest lacks lines" in shown.stdout
    answer = json.loads(run("explain", "G", "--run", tmp_path / "out", "--json").stdout)
    assert answer["reason"] == "quantity_exceeds_stock"
    assert answer["nodes"][0]["stock"][0]["requested"] == 500
    unknown = run("explain", "nobody", "--run", tmp_path / "out")
    assert unknown.exit_code == 1
    assert "no order 'nobody'" in unknown.stderr
    assert run("explain", "A", "--run", tmp_path).exit_code == 2


def test_weights_and_limits_are_set_by_name(files: dict[str, Path], tmp_path: Path) -> None:
    done = solve(files, tmp_path / "out", "--set", "unfilled_cost=1", "--set", "seed=5", "--json")
    summary = json.loads(done.stdout)
    assert summary["parameters"]["seed"] == 5
    # At 1 money a line it never pays to ship at 4 and more.
    assert summary["filled"] == 0
    assert summary["reasons"]["dearer_than_unfilled"] == 3
    for wrong in ("unfilled_cost=-1", "speed=9", "seed=fast"):
        refused = solve(files, tmp_path / "out", "--set", wrong)
        assert refused.exit_code == 2, wrong


def test_given_probabilities_decide_and_absent_ones_are_not_invented(files: dict[str, Path], tmp_path: Path) -> None:
    late = tmp_path / "late.csv"
    late.write_text(
        "warehouse_code,region,service,p_late\nn1,east,ground,0.25\nn1,east,express,0.0\n", encoding="utf-8"
    )
    summary = json.loads(solve({**files, "late": late}, tmp_path / "a", "--json").stdout)
    assert summary["lateness_source"] == "given by node, region and service"
    # Nothing is known of n2, so B (region west) and the second line of A, which only n2 has, cannot be judged.
    assert summary["reasons"]["bad_probability"] == 2
    assert summary["partial"] == 1
    files["orders"].write_text(ORDERS.replace("promised_days", "note"), encoding="utf-8")
    summary = json.loads(solve(files, tmp_path / "b", "--json").stdout)
    assert summary["lateness_source"] == "not available"
    assert summary["on_time"] is None
    assert summary["by_region"]["east"]["on_time"] is None


def test_rates_by_origin_region_reach_every_node_there(files: dict[str, Path], tmp_path: Path) -> None:
    files["rates"].write_text(
        "origin_region,region,fixed\nnorth,east,4\nnorth,west,5\nsouth,east,6\nsouth,west,5\n", encoding="utf-8"
    )
    files["nodes"].write_text("node_id,region,enabled\nn1,north,true\nn2,south,false\n", encoding="utf-8")
    summary = json.loads(solve(files, tmp_path / "out", "--json").stdout)
    assigned = pq.read_table(tmp_path / "out" / "assignments.parquet").to_pylist()
    assert {row["node_id"] for row in assigned} == {"n1"}, "n2 is disabled"
    assert summary["reasons"]["fenced"] == 1, "only n2 has p2"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("orders", "code_of_order,region\nA,east\n", "needs a column order_id"),
        ("rates", "region,fixed\neast,4\n", "needs a column node_id, or origin_region"),
        ("stock", "node_id,product_id,quantity\n", None),
    ],
)
def test_tables_that_are_no_tables_are_refused_with_the_remedy(
    files: dict[str, Path], tmp_path: Path, name: str, text: str, message: str | None
) -> None:
    files[name].write_text(text, encoding="utf-8")
    done = solve(files, tmp_path / "out")
    if message is None:
        # No stock at all is a fact, not a fault: every order stays, with its reason.
        assert done.exit_code == 0, done.output
        assert json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["routed"] == 0
        return
    assert done.exit_code == 2
    assert message in done.stderr
    missing = solve({**files, name: tmp_path / "nowhere.csv"}, tmp_path / "out")
    assert missing.exit_code == 2
    assert "there is no file" in missing.stderr
