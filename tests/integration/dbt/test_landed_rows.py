"""What became of landed rows: in a mart, replaced, or apart; and what waits for a build of its day."""

from datetime import datetime

from tests.support.dbt_company import Company

DAY = datetime(2026, 3, 1, 9)


def _order(code: str, total: int = 10) -> dict[str, object]:
    return {"source_system": "shop", "order_code": code, "channel": "web", "ordered_at": DAY, "status": "processing",
            "currency": "EUR", "total_amount": total}  # fmt: skip


def _review(code: str, order: str) -> dict[str, object]:
    return {"source_system": "shop", "review_code": code, "order_source_system": "shop", "order_code": order,
            "created_at": DAY, "score": 5}  # fmt: skip


def _fates(company: Company, table: str) -> list[tuple[object, ...]]:
    return company.rows(
        f"select batch, count_landed, count_in_mart, count_superseded, count_apart from fct_landed_rows "
        f"where table_name = '{table}' order by batch"
    )


def test_every_landed_row_has_a_fate_and_late_ones_wait_for_their_day(company: Company) -> None:
    company.land({"orders": [_order("A"), _order("B")], "reviews": [_review("R1", "A"), _review("R2", "never")],
                  "customers": [{"source_system": "shop", "customer_code": "C1"}]})  # fmt: skip
    company.run()
    assert _fates(company, "orders") == [("batch001", 2, 2, 0, 0)]
    assert _fates(company, "reviews") == [("batch001", 2, 1, 0, 1)]
    records = "select count_landed, count_in_mart from landed_records where table_name = 'customers'"
    assert company.rows(records) == [(1, 1)]

    company.land({"orders": [_order("A", total=11)]})
    company.run(from_day="2026-03-02", to_day="2026-03-02")
    assert _fates(company, "orders") == [("batch001", 2, 2, 0, 0)], "the day of the correction was not built"
    company.run(from_day="2026-03-01", to_day="2026-03-01")
    assert _fates(company, "orders") == [("batch001", 2, 1, 1, 0), ("batch002", 1, 1, 0, 0)]
