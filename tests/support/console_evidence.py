"""What lies beside the snapshot of the console's test company: landings, validation reports, the promotion ledger.

All of it is written through the functions of the rooms that own those files.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import duckdb

from expectations.report import CheckResult, DayFinding, ValidationReport, save_report
from sources.record import FileCount, LandedFile, LandingReport, ShapeChange, TableReport, Warned
from tests.support.console_company import publish_company
from tests.support.console_models import write_models
from workspace.files import write_atomically
from workspace.settings import Settings

FIRST_RUN = datetime(2026, 5, 24, 2, 0, tzinfo=UTC)
RUNS = 8
#: Forty days of landed orders; the last but one brought none.
ORDERS_BY_DAY = {
    (date(2026, 4, 22) + timedelta(days=number)).isoformat(): 0 if number == 38 else 90 for number in range(40)
}
HOSTILE_VALUE = "<img src=x onerror=alert('sample')>"


def write_landings(settings: Settings) -> None:
    """Three landings: one whole, one of a day, one refused."""
    whole = {
        "orders": _table(10_790, 8, {"bad_timestamp": 5, "missing_required.promised_at": 3}),
        "order_lines": _table(27_020, 33, {"unknown_reference.orders": 21, "not_positive.quantity": 12}),
        "customers": _table(4_100, 2, {"duplicate_key": 2}, {"odd_email": Warned(61, ("customers.csv:31",))}),
        "shipments": _table(10_480, 0, {}),
        "order_events": _table(36_400, 0, {}, {"recorded_before_occurred": Warned(12)}),
        "regions": _table(12, 0, {}),
    }
    day = {"orders": _table(90, 0, {}), "order_lines": _table(221, 1, {"unknown_reference.orders": 1})}
    problem = {
        "rule": "missing_column", "file": "orders.csv", "column": "promised_at", "line": 1, "value": "",
        "message": "The column promised_at is missing.", "remedy": "Export it, or map another column in the adapter.",
    }  # fmt: skip
    files = (
        LandedFile("shop_orders", "orders.csv", "a" * 64, 812_233, 10_798, 2, ("gift_note",)),
        LandedFile("shop_lines", "order_lines.csv", "b" * 64, 912_233, 27_053, 0),
    )
    _write(settings, _landing("landed", 24, files=files, tables=whole, unmatched=("notes.txt",)))
    change = ShapeChange(
        "needs_decision", "renamed_column", "orders", "orders.csv", "promised_at",
        "It is missing, and the new column 'due_at' has values of the same kind or a like name.",
        "Ask the source whether it was renamed.", "in manifest.yaml, files.orders.columns: promised_at → due_at",
    )  # fmt: skip
    _write(settings, _landing("refused", 25, problems=(problem,), changes=(change,)))
    _write(settings, _landing("landed", 31, files=files[:1], tables=day))


def write_validations(settings: Settings, failing: bool = True) -> None:
    """Eight runs of three boundaries; the newest of master data fails if `failing`."""
    for number in range(RUNS):
        started = (FIRST_RUN + timedelta(days=number)).isoformat()
        last = number == RUNS - 1
        for boundary, checks in {
            "landing": _landing_checks(number),
            "master_data": _master_checks(number, failing and last),
            "features": _feature_checks(number),
        }.items():
            rows = {check.table: 10_000 + number for check in checks}
            by_day = {"orders": ORDERS_BY_DAY} if boundary == "landing" else {}
            report = ValidationReport(
                boundary, f"run-{number}", started, 1.2, rows, tuple(checks), rows_by_day=by_day
            )  # fmt: skip
            save_report(settings, report)


def _landing_checks(number: int) -> list[CheckResult]:
    adds_up = _check(
        "landing.orders.total_adds_up", "orders", "abs(total - parts) <= 0.05", "12 rows break it",
        "failed" if number in (3, 7) else "passed", "warning", count=12, pct=0.11,
        sample=({"order_code": "W-0494013", "total_amount": "1250.00", "customer_code": "c•••••6"},
                {"order_code": HOSTILE_VALUE, "total_amount": None, "customer_code": "c•••••2"}),
    )  # fmt: skip
    broken = {"2026-05-29": DayFinding("failed", "12 of 90 rows")} if adds_up.status == "failed" else {}
    usual = {
        day: DayFinding("skipped", "90; insufficient history: 0 of 5 days") for day in list(ORDERS_BY_DAY)[:5]
    } | {"2026-05-30": DayFinding("failed", "0; median 90 of the last 30 days ± 22.5 (the floor)")}  # fmt: skip
    return [
        _check("landing.orders.has_rows", "orders", "at least 1 rows", f"{10_000 + number:,} rows"),
        replace(adds_up, by_day=broken),
        replace(_check("landing.orders.volume", "orders", "near its past", "10,000", severity="warning"), by_day=usual),
        replace(_check("landing.orders.code_filled", "orders", "order_code is filled always", "all rows"), by_day={}),
        _check("landing.customers.email_form", "customers", "email matches [^@]+@[^@]+", "all rows"),
        _check("landing.reviews.has_rows", "reviews", "at least 1 rows", "the table is absent", "skipped"),
    ]  # fmt: skip


def _master_checks(number: int, failing: bool) -> list[CheckResult]:
    return [
        _check("master_data.customers.unique_id", "dim_customers", "(customer_id) occurs once", "all rows"),
        _check("master_data.products.mapped_share", "xref_products", "at least 98.0% of rows", "96.2% of rows",
               "failed" if failing else "passed", "error", count=576, pct=3.8,
               basis="median of the last 7 runs less 4 robust deviations"),
    ] + ([_check("master_data.warehouses.position", "dim_warehouses", "latitude is filled always", "all rows")]
         if number > 2 else [])  # fmt: skip


def _feature_checks(number: int) -> list[CheckResult]:
    return [
        _check("features.known_before_order", "feat_order_delivery", "label_known_at is null or later", "all rows"),
        _check("features.distance_range", "feat_order_delivery", "distance_km is 0 to 6,000", "all rows"),
    ]


def _check(
    name: str, table: str, expected: str, observed: str, status: str = "passed", severity: str = "error",
    count: int | None = None, pct: float | None = None, sample: tuple[dict[str, str | None], ...] = (),
    basis: str | None = None,
) -> CheckResult:  # fmt: skip
    failed = status == "failed"
    return CheckResult(
        name, table, "expect_column_values_to_be_between", severity, status, observed, expected,  # type: ignore[arg-type]
        "Figures downstream rest on it.", None, basis, count if failed else None, pct if failed else None,
        sample if failed else (),
    )  # fmt: skip


def _table(
    landed: int, quarantined: int, reasons: dict[str, int], warnings: dict[str, Warned] | None = None
) -> TableReport:
    count = FileCount(landed + quarantined, landed, quarantined)
    return TableReport({"file.csv": count}, reasons, warnings or {}, "2026-02-01", "2026-05-31", {}, {})


def _landing(status: str, day: int, **more: object) -> LandingReport:
    started = datetime(2026, 5, day, 1, 30, tzinfo=UTC)
    return LandingReport(
        batch=f"{started:%Y%m%dT%H%M%S%fZ}-demo-0a1b2c3d", status=status, adapter="demo", company="aster",  # type: ignore[arg-type]
        extract="extracts", adapter_digest="c" * 64, contract_digest="d" * 64, started_at=started.isoformat(),
        finished_at=started.isoformat(), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _write(settings: Settings, report: LandingReport) -> None:
    write_atomically(settings.paths.landing_files / f"{report.batch}.json", report.as_json())
    for name, table in report.tables.items():
        if not table.total.quarantined:
            continue
        target = settings.paths.quarantine / name / f"{report.batch}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        duckdb.execute(
            f"copy (select '{name}' as table_name, ['odd'] as reasons, '{{}}' as mapped_values, "
            f"'file.csv' as _source_file, i as _source_row, '{report.batch}' as _batch, now()::timestamp as "
            f"_quarantined_at from range({table.total.quarantined}) r(i)) to '{target}' (format parquet)"
        )


def publish_everything(settings: Settings) -> None:
    """The test company with its snapshot and all evidence."""
    publish_company(settings)
    write_landings(settings)
    write_validations(settings)
    write_models(settings)
