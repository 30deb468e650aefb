"""Parameters: bad ones are refused with the rule, good ones load."""

from datetime import date
from pathlib import Path

import pytest

from twin.network import build_network, load_geography
from twin.parameters import BadParameters, TwinParameters, checked, load_parameters, load_preset, preset_names


def test_presets_load_and_end_on_the_fixed_day() -> None:
    assert preset_names() == ["demo", "headline", "medium"]
    for name in preset_names():
        preset = load_preset(name)
        assert preset.name == name
        assert preset.last_day == date(2026, 10, 31)
    headline = load_preset("headline")
    assert (headline.demand.orders_per_day, headline.demand.products) == (180_000, 32_000)
    assert load_preset("demo", days=7, seed=3).first_day == date(2026, 10, 25)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"days": 0}, "days: Input should be greater than or equal to 1; got 0"),
        ({"demand": {"cancel_share": 1.4}}, "demand.cancel_share"),
        ({"demand": {"orders_a_day": 5}}, "demand.orders_a_day: Extra inputs are not permitted"),
        ({"supply": {"lead_days": "soon"}}, "supply.lead_days"),
        ({"demand": {"customers": 60}, "network": {"nodes": 90}}, "customers must not be below network.nodes"),
        ({"effects": {"rule_areas": 20}}, "rule_areas must not exceed network.areas_per_region (10); got 20"),
    ],
)
def test_broken_rules_are_named(values: dict[str, object], told: str) -> None:
    with pytest.raises(BadParameters) as error:
        checked(values)
    assert told in str(error.value)


def test_every_broken_rule_is_told_at_once() -> None:
    with pytest.raises(BadParameters, match=r"break 2 rule\(s\)"):
        checked({"days": -1, "seed": -1})


def test_a_file_of_parameters_is_read_and_overridden(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\ndays: 9\ndemand: {orders_per_day: 12}\n", encoding="utf-8")
    loaded = load_parameters(path, days=3, seed=None)
    assert (loaded.name, loaded.days, loaded.demand.orders_per_day, loaded.seed) == ("mine", 3, 12, 7)


@pytest.mark.parametrize("content", ["days: [", "- 1\n- 2\n", None])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bad.yaml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(BadParameters, match=r"bad\.yaml"):
        load_parameters(path)


def test_an_unknown_preset_lists_the_known() -> None:
    with pytest.raises(BadParameters, match="demo, headline, medium; got 'huge'"):
        load_preset("huge")


def test_another_geography_is_a_table_away(tmp_path: Path) -> None:
    table = tmp_path / "islands.csv"
    table.write_text(
        "region_code,name,local_name,parent_region_code,city,local_city,latitude,longitude,demand_weight,post_prefix\n"
        "XX-N,North,Nord,all,Northport,Nordhafen,10.0,10.0,3,01\nXX-S,South,Sued,all,Southport,Suedhafen,8.0,10.0,1,02\n",
        encoding="utf-8",
    )
    parameters = TwinParameters(network={"geography": str(table), "nodes": 3})  # type: ignore[arg-type]
    network = build_network(parameters)
    assert network.geography.codes == ["XX-N", "XX-S"]
    assert network.geography.weight.tolist() == [0.75, 0.25]
    assert sorted(set(network.node_region.tolist())) == [0, 1]


def test_a_geography_without_a_column_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "broken.csv"
    table.write_text("region_code,name\nA,B\n", encoding="utf-8")
    with pytest.raises(BadParameters, match=r"broken\.csv breaks this at 'latitude'"):
        load_geography(str(table), 3)
    with pytest.raises(BadParameters, match="nowhere"):
        load_geography("nowhere", 3)
