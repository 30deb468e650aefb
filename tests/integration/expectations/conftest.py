"""Two companies that every test here reads: one whose data are in order, one whose data were spoilt on purpose."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from expectations.docs import build_docs
from expectations.report import CheckResult, ValidationReport
from expectations.runner import validate
from tests.support import validation_data as data
from workspace.settings import Settings

BOUNDARIES = (
    "landing", "master_data", "marts", "features", "predictions", "stock_forecasts", "lead_time_forecasts",
)  # fmt: skip

SPOILT_LANDING = (
    f"update customers set email = '{data.SECRET_EMAIL}', phone = '{data.SECRET_PHONE}', source_system = null, "
    "full_name = 'Secret Person' where customer_code = 'customer_code-3'",
    "update orders set status = 'teleported' where order_code in ('order_code-1', 'order_code-2')",
    "update orders set currency = 'eur' where order_code = 'order_code-4'",
    "update orders set promised_at = ordered_at - interval 1 day where order_code = 'order_code-5'",
    "update orders set total_amount = 99 where order_code = 'order_code-6'",
    "update orders set customer_code = 'nobody' where order_code = 'order_code-7'",
    "update order_lines set quantity = 0 where order_code = 'order_code-1'",
    "insert into reviews select * from reviews where review_code = 'review_code-9'",
    "update products set gtin = '12-34' where product_code = 'product_code-8'",
    "update shipments set _batch = null where shipment_code = 'shipment_code-0'",
    "delete from returns",
)
SPOILT_WAREHOUSE = (
    "insert into xref_customers select source_system, customer_code, 'c_0', 'phone' from xref_customers "
    "where customer_code in ('customer-4', 'customer-5')",
    "update xref_products set product_id = 'p_gone' where product_code = 'product-7'",
    "insert into stg_warehouses values ('shop', 'warehouse-new')",
    "update dim_products set count_records = 5000 where product_id = 'p_2'",
    f"update dim_customers set email = '{data.SECRET_EMAIL}' where customer_id in ('c_1', 'c_2')",
    f"update dim_customers set email = '{data.SECRET_PHONE}', full_name = 'Secret Person' where customer_id = 'c_3'",
    "update fct_orders set is_late = not is_late where order_id = 'o_11'",
    "update fct_orders set delivered_at = ordered_at - interval 1 hour, is_late = false where order_id = 'o_12'",
    "delete from fct_order_lines where order_id = 'o_13' and line_number = 1",
    "update fct_order_lines set open_quantity = 7 where order_id = 'o_14' and line_number = 2",
    "insert into fct_shipments select * replace ('o_lost' as order_id) from fct_shipments limit 1",
    "insert into fct_shipments select * replace ('cancelled' as status) from fct_shipments limit 1",
    "update fct_shipments set distance_km = 40000 where order_id = 'o_15'",
    "update fct_inventory_daily set available_quantity = 99 where product_id = 'p_3'",
    "update kpi_daily set count_orders = count_orders + 1 where kpi_date = date '2026-03-05' and region_code = 'DE-BE'",
    "update kpi_daily set on_time_pct = 104 where kpi_date = date '2026-03-06' and region_code = 'DE-BE'",
    # A day that arrived twice, in the last full week.
    "insert into fct_orders select * replace (order_id || 'x' as order_id, 0 as count_lines, 0 as count_shipments) "
    "from fct_orders where order_date = date '2026-05-10'",
    "update feat_order_delivery set hour_of_day = 'nan' where order_id = 'o_16'",
    "update feat_order_delivery set hour_of_day = 'infinity' where order_id = 'o_17'",
    "insert into feat_order_delivery select * from feat_order_delivery where order_id = 'o_18'",
    "update feat_order_delivery set label_known_at = null where order_id = 'o_19'",
    "update feat_order_delivery set segment = null where hash(order_id) % 5 = 0",
    "alter table feat_order_delivery drop column channel",
    "insert into feat_parcel_delivery select * from feat_parcel_delivery where shipment_id = 'so_20'",
    "update feat_parcel_delivery set label_known_at = null where shipment_id = 'so_21'",
    "update feat_stock_daily set allocated_units_28d = 30 where product_id = 'p_4'",
    "update feat_stock_daily set waiting_units = -1 where product_id = 'p_5'",
    "insert into feat_stock_daily select * replace (date '2026-05-02' as stock_date) from feat_stock_daily "
    "where product_id = 'p_6'",
)
#: Predictions are for open orders; every third of them, from the first, is of DE-BE, DE-BY and DE-HH.
OPEN = [f"order_id = 'o_{data.FIRST_OPEN + number}'" for number in range(8)]
SPOILT_PREDICTIONS = (
    f"update predictions set late_probability = 1.2 where {OPEN[0]}",
    f"update predictions set late_probability = 'nan' where {OPEN[1]}",
    f"insert into predictions select * from predictions where {OPEN[3]}",
    f"update predictions set model_version = '2' where {OPEN[4]}",
    f"update predictions set scored_at = as_of - interval 1 day where {OPEN[6]}",
    f"insert into predictions select * replace ('o_nowhere' as order_id) from predictions where {OPEN[7]}",
    "delete from predictions where region_code = 'DE-HH'",
)


SPOILT_FORECASTS = (
    "update stockout_predictions set stockout_probability = 1.5 where product_id = 'p_1' and horizon_hours = 72",
    "update stockout_predictions set stockout_probability = 0.9 where product_id = 'p_2' and horizon_hours = 24",
    "update stockout_predictions set horizon_hours = 96 where product_id = 'p_3' and horizon_hours = 48",
    "update stockout_predictions set expected_lost_units = -1 where product_id = 'p_4' and horizon_hours = 48",
    "insert into stockout_predictions select * from stockout_predictions where product_id = 'p_5' limit 1",
)


SPOILT_LEAD_TIMES = (
    f"update lead_time_predictions set lower_hours = 99 where {OPEN[0]}",
    f"update lead_time_predictions set promise_hours = 'nan' where {OPEN[1]}",
    f"update lead_time_predictions set suggested_promise_at = ordered_at + interval 1 hour where {OPEN[2]}",
    f"insert into lead_time_predictions select * from lead_time_predictions where {OPEN[3]}",
    f"update lead_time_predictions set service_level = 1 where {OPEN[4]}",
    "update lead_time_predictions set ordered_at = as_of + interval 1 day, "
    f"suggested_promise_at = as_of + interval 9 day where {OPEN[5]}",
)


@dataclass(frozen=True)
class Company:
    """A company whose every boundary was validated once."""

    settings: Settings
    reports: dict[str, ValidationReport]
    docs: Path

    def check(self, boundary: str, id: str) -> CheckResult:
        """One result."""
        return next(check for check in self.reports[boundary].checks if check.id == id)


def _company(home: Path, name: str, spoilt: bool) -> Company:
    settings = Settings(home=home, company=name, writer_wait_seconds=0.3)
    paths = settings.paths.ensure()
    data.build_landing(paths.landing, SPOILT_LANDING if spoilt else ())
    data.build_warehouse(paths.warehouse, SPOILT_WAREHOUSE if spoilt else ())
    batch, features = paths.root / "batch.parquet", paths.root / "features.parquet"
    data.build_batch("predictions", batch, paths.warehouse, SPOILT_PREDICTIONS if spoilt else ())
    data.export_table(paths.warehouse, "feat_order_delivery", features)
    forecasts = paths.root / "forecasts.parquet"
    data.build_batch("stockout_predictions", forecasts, paths.warehouse, SPOILT_FORECASTS if spoilt else ())
    lead_times = paths.root / "lead_times.parquet"
    data.build_batch("lead_time_predictions", lead_times, paths.warehouse, SPOILT_LEAD_TIMES if spoilt else ())
    files = {
        "lead_time_forecasts": {"lead_time_predictions": lead_times},
        "predictions": {"predictions": batch, "feat_order_delivery": features},
        "stock_forecasts": {"stockout_predictions": forecasts},
    }
    reports = {
        boundary: validate(settings, boundary, files=files.get(boundary), run_id="run-1") for boundary in BOUNDARIES
    }
    return Company(settings, reports, build_docs(settings))


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company whose data are in order."""
    return _company(tmp_path_factory.mktemp("sound"), "sound", spoilt=False)


@pytest.fixture(scope="session")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company with planted defects at every boundary."""
    return _company(tmp_path_factory.mktemp("spoilt"), "spoilt", spoilt=True)
