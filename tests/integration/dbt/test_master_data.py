"""Golden ids: who is one, who keeps which id, and what becomes of a code that nobody knows."""

from datetime import datetime

from tests.support.dbt_company import Company

MASTER = ("--select", "+xref_customers", "+xref_products", "+xref_warehouses")
PHONE = "+86 13800000000"
OTHER_PHONE = "+86 13900000000"
GTIN = "4006381333931"


def _customer(code: str, system: str = "shop", **more: object) -> dict[str, object]:
    return {"source_system": system, "customer_code": code, **more}


def _node(code: str, system: str, **more: object) -> dict[str, object]:
    return {"source_system": system, "warehouse_code": code, "region_code": "R", "kind": "dc", **more}


def _product(code: str, system: str, **more: object) -> dict[str, object]:
    return {"source_system": system, "product_code": code, **more}


def _rebuild(company: Company) -> None:
    company.match()
    company.run(*MASTER)


def _ids(company: Company) -> dict[str, str]:
    found = company.rows("select customer_code, customer_id from xref_customers")
    return {str(code): str(golden) for code, golden in found}


def _groups(company: Company, entity: str) -> list[list[str]]:
    query = f"select list_sort(list({entity}_code)) from xref_{entity}s group by {entity}_id order by 1"
    return [list(codes) for (codes,) in company.rows(query)]


def test_a_cluster_keeps_its_id_through_growth_merger_and_split(company: Company) -> None:
    friends = [_customer(code, full_name="Fu Li", phone=OTHER_PHONE) for code in ("f1", "f2", "f3")]
    pair = [_customer("a", full_name="Wu Wei", email="a@x.cn"), _customer("b", full_name="Wu Wei", email="b@x.cn")]
    company.land({"customers": [*pair, *friends]})
    _rebuild(company)
    first = _ids(company)
    assert len(set(first.values())) == 3

    # A record that landed later joins a and b: the id of the one that landed first stays. f1 moves out.
    joined = _customer("b", full_name="Wu Wei", email="b@x.cn", phone=PHONE, updated_at=datetime(2026, 1, 2))
    moved = _customer("f1", full_name="Fu Li", phone="+86 13700000000", updated_at=datetime(2026, 1, 2))
    joining = _customer("0", "crm", full_name="Wu Wei", email="a@x.cn", phone=PHONE)
    company.land({"customers": [joining, joined, moved]})
    _rebuild(company)
    merged = _ids(company)
    assert {merged[code] for code in ("a", "b", "0")} == {first["a"]}
    assert merged["f1"] == first["f1"], "the record that founded a cluster takes its id along"
    assert merged["f2"] == merged["f3"] != first["f1"]

    # The link turns out to be wrong: b leaves with an id of its own again, and nobody else's changes.
    left = _customer("b", full_name="Wu Wei", email="b@x.cn", updated_at=datetime(2026, 1, 3))
    company.land({"customers": [left]})
    _rebuild(company)
    assert _ids(company) == {**merged, "b": first["b"]}


def test_records_are_linked_by_the_rules_and_not_beyond(company: Company) -> None:
    place = {"latitude": 31.00011, "longitude": 121.00011}
    company.land(
        {
            "customers": [
                *[_customer(f"switchboard{i}", phone="+86 2100000000") for i in range(9)],
                _customer("short1", "pos", full_name="Ma Li", person_code="77"),
                _customer("short2", "pos", full_name="马丽", person_code="77"),
                _customer("short3", "crm", full_name="Xu Bo", person_code="77"),
                _customer("card1", "pos", full_name="He Tao", person_code="LOY-000077"),
                _customer("card2", "crm", full_name="Tao He", person_code="LOY-000077"),
                _customer("mother", "pos", full_name="Gao Jing", phone=PHONE),
                _customer("daughter", "crm", full_name="Song Yan", phone=PHONE),
            ],
            "warehouses": [
                _node("place1", "erp", name="Nord", **place),
                _node("place2", "wms", name="North DC", **place),
                _node("seller1", "shop", **place | {"kind": "seller"}),
                _node("seller2", "shop", **place | {"kind": "seller"}),
                _node("told_apart1", "erp", name="Store"),
                _node("told_apart2", "erp", name="Store"),
                _node("doubled", "wms", name="South", address_line="Road 1", postal_code="99"),
                _node("doubled_old", "wms", name="South (old)", address_line="Road 1", postal_code="99"),
                _node("doubled_shop", "shop", name="Süd", postal_code="99"),
            ],
            "products": [
                _product("same1", "erp", gtin=GTIN, brand="Nordlicht", model_code="AB-1"),
                _product("same2", "pos", gtin="0 4006381 333931"),
                _product("same3", "wms", brand="NORDLICHT", model_code="ab 1"),
                _product("six_pack", "wms", brand="Nordlicht", model_code="AB-1", pack_size=6),
                _product("misprint", "wms", gtin="4006381333932"),
            ],
        }
    )
    _rebuild(company)
    assert _groups(company, "customer") == sorted(
        [[f"switchboard{i}"] for i in range(9)]
        + [["short1", "short2"], ["short3"], ["card1", "card2"], ["mother"], ["daughter"]]
    )
    assert _groups(company, "warehouse") == [
        ["doubled", "doubled_old", "doubled_shop"],
        ["place1", "place2"],
        ["seller1"],
        ["seller2"],
        ["told_apart1"],
        ["told_apart2"],
    ]
    assert _groups(company, "product") == [["misprint"], ["same1", "same2", "same3"], ["six_pack"]]


def test_golden_values_name_their_record_and_keep_their_history(company: Company) -> None:
    def place(code: str, street: str | None, day: int) -> dict[str, object]:
        return _customer(code, "crm", full_name="Wu Wei", email="wu@x.cn", address_line=street, postal_code="200000",
                         updated_at=datetime(2026, 1, day))  # fmt: skip

    company.land({"customers": [place("a", "Road 1", 1), place("b", None, 2)]})
    company.match()
    history = ("dim_customers_history", "golden_values", "dim_customers")
    company.run("--select", "+golden_values", *history)
    chosen = "select source_code, rule, count_knowing from golden_values where field = 'address'"
    # b is newer, but knows the post code only: a street and its post code come from one record.
    assert company.rows(chosen) == [("a", "most_recent", 2)]
    before = company.digest("dim_customers_history")
    company.run("--select", *history)
    assert company.digest("dim_customers_history") == before, "a build that changes nothing adds nothing"

    company.land({"customers": [place("b", "Road 2", 3)]})
    company.match()
    company.run("--select", "+golden_values", *history)
    assert company.rows(chosen) == [("b", "most_recent", 2)]
    states = "select address_line, dbt_valid_to is null from dim_customers_history order by dbt_valid_from"
    assert company.rows(states) == [("Road 1", False), ("Road 2", True)]


def test_unknown_codes_are_kept_flagged_and_counted(whole: Company) -> None:
    found = whole.rows("select entity, source_system, code, count_orders > 0 from unmapped_codes order by all")
    assert found == [
        ("customer", "shop", "C60", True),
        ("customer", "shop", "C61", True),
        ("product", "shop", "P12", True),
        ("warehouse", "wms", "W5", True),
    ]
    named = "from fct_order_lines where product_id = 'unmapped:shop:P12'"
    ranked = "select count_uses, count_orders, count_feature_rows > 0 from unmapped_codes where code = 'P12'"
    assert whole.rows(ranked) == whole.rows(f"select count(*), count(distinct order_id), true {named}")
    uses = "select sum(count_uses), count(*) from unmapped_uses where code = 'P12'"
    assert whole.rows(uses) == whole.rows(f"select count(*), count(distinct order_id) {named}")
    lines = f"select count(*) {named}"
    assert whole.rows(lines) == whole.rows("select count(*) from stg_order_lines where product_code = 'P12'")
    for fact, staged in (("fct_order_lines", "stg_order_lines"), ("fct_shipments", "stg_shipments")):
        assert whole.rows(f"select count(*) from {fact}") == whole.rows(f"select count(*) from {staged}")


def test_money_units_and_orders_add_up(whole: Company) -> None:
    total = "goods_amount + shipping_amount + tax_amount - discount_amount"
    assert whole.rows(f"select count(*) from fct_orders where total_amount <> {total}") == [(0,)]
    units = "shipped_quantity + cancelled_quantity + open_quantity"
    assert whole.rows(f"select count(*) from fct_order_lines where quantity <> {units}") == [(0,)]
    assert whole.rows("select sum(count_orders) from kpi_daily") == whole.rows("select count(*) from stg_orders")
    assert whole.rows("select count(*) from fct_orders where region_code = 'unknown'")[0][0] > 0
