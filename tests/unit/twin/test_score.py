"""Scoring: pairs worked out by hand, and a published snapshot against a small truth."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from twin.score import NoTruth, pairwise, score
from workspace.published import Snapshot, publish


def test_pairs_by_hand() -> None:
    # Golden {a,b,c}{d,e}; true {a,b}{c,d,e}: 4 pairs made, 4 true, 2 in both (ab, de).
    golden, true = np.array([1, 1, 1, 2, 2]), np.array([7, 7, 8, 8, 8])
    result = pairwise("customers", golden, true, 0)
    assert (result.pairs, result.true_pairs, result.precision, result.recall) == (4, 4, 0.5, 0.5)
    assert result.f1 == 0.5


def test_no_pair_gives_no_number() -> None:
    result = pairwise("customers", np.array([1, 2, 3]), np.array([1, 2, 3]), 0)
    assert (result.precision, result.recall, result.f1) == (None, None, None)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    folder = tmp_path / "truth"
    folder.mkdir()
    (folder / "effects.json").write_text(json.dumps([]), encoding="utf-8")
    systems, codes = ["shop", "crm", "shop", "crm", "pos", "pos"], ["1", "a", "2", "b", "x", "x"]
    pl.DataFrame({"source_system": systems, "customer_code": codes, "customer": [1, 1, 2, 2, 3, 4]}).write_parquet(
        folder / "customers.parquet"
    )
    pl.DataFrame({
        "source_system": ["shop", "shop", "shop"], "order_code": ["o1", "o2", "o3"], "region_code": ["CN-GD"] * 3,
        "delivered_at": [100, 300, 100], "fair_promised_at": [200, 200, 200],
    }).write_parquet(folder / "orders.parquet")  # fmt: skip
    return folder


def published(tmp_path: Path, **tables: pl.DataFrame) -> Snapshot:
    paths = {}
    for name, frame in tables.items():
        paths[name] = tmp_path / f"{name}.parquet"
        frame.write_parquet(paths[name])
    return publish(tmp_path / "published", paths, {}, keep=1)


def test_a_snapshot_is_scored(tmp_path: Path, truth: Path) -> None:
    xref = pl.DataFrame({"source_system": ["shop", "crm", "shop", "pos"], "customer_code": ["1", "a", "2", "x"],
                         "customer_id": ["g1", "g1", "g1", "g9"]})  # fmt: skip
    orders = pl.DataFrame({"source_system": ["shop", "shop"], "order_code": ["o1", "o2"], "is_late": [True, True]})
    result = score(published(tmp_path, xref_customers=xref, fct_orders=orders), truth)
    match = result.matches[0]
    # The code that two customers share is not scored; (crm, b) is missing; of three pairs made, one is true.
    assert (match.records, match.missing, match.pairs, match.true_pairs) == (3, 1, 3, 1)
    assert (match.precision, match.recall) == (pytest.approx(1 / 3), 1.0)
    assert (result.orders_true, result.orders_found) == (3, 2)
    overall = next(label for label in result.labels if not label.region_code)
    assert (overall.orders, overall.late_share, overall.true_late_share, overall.wrong_share) == (2, 1.0, 0.5, 0.5)
    assert set(result.unavailable) == {"matches of products", "matches of warehouses"}


def test_what_is_not_published_is_named(tmp_path: Path, truth: Path) -> None:
    result = score(published(tmp_path, something=pl.DataFrame({"a": [1]})), truth)
    assert result.matches == []
    assert result.unavailable["orders and labels"] == "fct_orders is not published"


def test_no_truth_no_score(tmp_path: Path) -> None:
    with pytest.raises(NoTruth, match="oi twin generate"):
        score(published(tmp_path, something=pl.DataFrame({"a": [1]})), tmp_path / "nowhere")
