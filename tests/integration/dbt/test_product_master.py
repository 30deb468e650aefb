"""The company's products through staging, matching and cross-reference: what the matcher links, and what waits."""

from tests.support.dbt_company import Company

THINGS = (("冰箱", "Refrigerator"), ("电水壶", "Kettle"), ("吹风机", "Hair Dryer"))
COUNT = 60


def _gtin(number: int) -> str:
    """A GTIN-13 with its check digit."""
    twelve = f"{690_000_000_000 + 37 * number}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(twelve))
    return f"{twelve}{-total % 10}"


def _shop(number: int, **more: object) -> dict[str, object]:
    local, _ = THINGS[number % 3]
    return {"source_system": "shop", "product_code": f"S{number:02d}", "name": f"海云{local}RE{100 + 3 * number}",
            "gtin": _gtin(number) if number % 4 else None, "weight_kg": 1.0 + number, **more}  # fmt: skip


def _erp(number: int, **more: object) -> dict[str, object]:
    _, latin = THINGS[number % 3]
    model = f"RE{100 + 3 * number}"
    return {"source_system": "erp", "product_code": f"E{number:02d}", "name": f"HAIYUN {latin.upper()} {model}",
            "brand": "Haiyun", "model_code": model, "gtin": _gtin(number), **more}  # fmt: skip


def test_a_shop_without_numbers_is_linked_by_what_its_titles_say(company: Company) -> None:
    packed = [_shop(COUNT, name="可乐 6 x 500 ml CX2000", gtin=_gtin(99)),
              _erp(COUNT, name="COLA CX2000 3 L", model_code="CX2000", gtin=_gtin(99))]  # fmt: skip
    company.land({"products": [*map(_shop, range(COUNT)), *map(_erp, range(COUNT)), *packed]})
    report = company.match()["product"]
    company.run("--select", "+xref_products")
    rule_of = dict(company.rows("select product_code, match_rule from xref_products where source_system = 'shop'"))
    groups = company.rows("select list_sort(list(product_code)) from xref_products group by product_id order by 1")
    expected = [[f"E{number:02d}", f"S{number:02d}"] for number in range(COUNT)]
    assert [codes for (codes,) in groups] == [*expected, [f"E{COUNT}"], [f"S{COUNT}"]]
    assert {rule_of[f"S{number:02d}"] for number in range(0, COUNT, 4)} == {"model"}
    assert rule_of["S01"] == "gtin"
    assert report.counts["queue"] >= 1, "two packs under one number wait for a person"
    assert not company.match()["product"].changes, "a second run changes no id"
