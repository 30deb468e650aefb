"""How much agreement between two warehouse records says: normalising, keys, Splink's comparisons, certain rules.

Belongs here: everything that is particular to nodes of the network. Does not belong here: running Splink
(ml/jobs/linking), zones and clusters.

Input columns, all optional but `record_id`: `source_system`, `kind`, `name`, `address_line`, `city`, `postal_code`,
`region_code`, `latitude`, `longitude`.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl
import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
from splink import SettingsCreator, block_on
from splink.internals.comparison_creator import ComparisonCreator
from splink.internals.comparison_level_creator import ComparisonLevelCreator

from ml.core.matching.model import Certain, SplinkEntity
from ml.core.matching.records import Key, NothingToCompare, cleaned, folded
from ml.core.matching.romanise import romanised

#: Its columns, each with its usual names in other people's tables.
WAREHOUSE_ALIASES = {
    "source_system": ("source_system", "source", "source_dataset", "system"),
    "kind": ("kind", "type", "warehouse_type", "node_type"),
    "name": ("name", "warehouse_name", "warehouse", "site_name", "site", "facility"),
    "address_line": ("address_line", "address_1", "address1", "address", "street_address", "street"),
    "city": ("city", "town", "suburb"),
    "postal_code": ("postal_code", "postcode", "post_code", "zip", "zip_code", "zipcode"),
    "region_code": ("region_code", "region", "state", "province"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "lng", "long"),
}
WAREHOUSE_COLUMNS = tuple(WAREHOUSE_ALIASES)
#: Decimals of a position that name a place: three are about 100 metres.
POSITION_DECIMALS = 3

WAREHOUSE_KEYS = (
    Key("key_address", ("address", "postal_code"), "the same gate"),
    Key("key_position", ("position",), "the same place on the map"),
    Key("key_name", ("name", "region_code"), "the same name in a region"),
    Key("key_place", ("postal_code", "region_code"), "the same post code: few nodes share one"),
    Key("key_town", ("city", "region_code"), "the same town, for nodes that were renamed"),
)


def prepare_warehouses(frame: pl.DataFrame) -> pl.DataFrame:
    """Normalised columns of warehouse records, one row each, in the order given.

    A marketplace seller's position and post code are those of a post office, which strangers share: they say nothing.
    `only_…` columns hold a value only where no system has two nodes, told apart by their address, that share it.

    Raises:
        NothingToCompare: no column says which node a record is.
    """
    known = [column for column in WAREHOUSE_COLUMNS if column in frame.columns]
    text = frame.select("record_id", *[cleaned(frame[column]).alias(column) for column in known])
    for missing in set(WAREHOUSE_COLUMNS) - set(known):
        text = text.with_columns(pl.lit(None, pl.String).alias(missing))
    is_own_place = pl.col("kind").fill_null("?") != "seller"
    position = pl.concat_str(
        [pl.col(axis).cast(pl.Float64, strict=False).round(POSITION_DECIMALS) for axis in ("latitude", "longitude")],
        separator=" ",
    )
    normal = text.with_columns(
        words=romanised(text["name"]), name=folded("name"), address=folded("address_line"), city=folded("city"),
        position=pl.when(is_own_place).then(position), region_code=pl.col("region_code").fill_null("?"),
        postal_code=pl.when(is_own_place).then(folded("postal_code")),
        street_code=folded("postal_code"),
        latitude=pl.when(is_own_place).then(pl.col("latitude").cast(pl.Float64, strict=False)),
        longitude=pl.when(is_own_place).then(pl.col("longitude").cast(pl.Float64, strict=False)),
    ).with_columns(
        gate=pl.concat_str("address", "street_code", separator="\x1f"),
    )  # fmt: skip
    if normal.height and not any(normal[c].drop_nulls().len() for c in ("name", "address", "position", "postal_code")):
        raise NothingToCompare(
            f"Warehouses are compared by name, address, position and post code; the table has {list(frame.columns)}, "
            f"and none of these columns holds a value. Map its columns with --columns."
        )
    identity = normal.with_columns(local=pl.coalesce("gate", "record_id"))
    return identity.with_columns(
        only_name=_unambiguous("name"), only_position=_unambiguous("position"), only_postal=_unambiguous("postal_code")
    ).select(
        "record_id", "source_system", "local", "name", "words", "address", "gate", "city", "postal_code", "region_code",
        "position", "latitude", "longitude", "only_name", "only_position", "only_postal",
    )  # fmt: skip


def _unambiguous(column: str) -> pl.Expr:
    """The value where each system has one node of it in the region, else null."""
    identity = pl.concat_str(pl.col("source_system").fill_null(""), pl.col("local"), separator="\x1f")
    groups = (column, "region_code")
    is_one_each = identity.n_unique().over(groups) == pl.col("source_system").fill_null("").n_unique().over(groups)
    return pl.when(is_one_each).then(pl.col(column))


def settings_for(columns: Sequence[str]) -> SettingsCreator:
    """Splink settings for a table of warehouses.

    Args:
        columns: Prepared columns (`prepare_warehouses`) that hold any value.
    """
    found = set(columns)
    compared: list[ComparisonCreator | dict[str, Any]] = [
        comparison for needs, comparison in (({"name"}, _NAME), ({"address"}, _ADDRESS),
                                             ({"postal_code"}, _PLACE), ({"latitude", "longitude"}, _POSITION))
        if needs <= found
    ]  # fmt: skip
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=compared,
        blocking_rules_to_generate_predictions=[
            block_on(key.name) for key in WAREHOUSE_KEYS if {key.name, *key.parts} <= found
        ],
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
        probability_two_random_records_match=0.001,
    )


def _level(level: ComparisonLevelCreator, label: str, m: float, u: float) -> ComparisonLevelCreator:
    return level.configure(label_for_charts=label, m_probability=m, u_probability=u)


# A node is renamed more often than it moves, and systems name it in two languages.
_NAME = comparisons.CustomComparison(
    [
        levels.NullLevel("name"),
        _level(levels.ExactMatchLevel("name"), "equal", 0.4, 0.002),
        _level(levels.ExactMatchLevel("words"), "same in another alphabet", 0.1, 0.001),
        _level(levels.JaroWinklerLevel("name", 0.85), "a likeness", 0.2, 0.05),
        _level(levels.ElseLevel(), "different", 0.3, 0.947),
    ],
    output_column_name="name",
)
# Nodes of an industrial park have one street and different gates.
_ADDRESS = comparisons.CustomComparison(
    [
        levels.NullLevel("address"),
        _level(levels.ExactMatchLevel("address"), "equal", 0.75, 0.001),
        _level(levels.JaroWinklerLevel("address", 0.9), "similar street", 0.15, 0.05),
        _level(levels.ElseLevel(), "different", 0.1, 0.949),
    ],
    output_column_name="address",
)
_PLACE = comparisons.CustomComparison(
    [
        levels.NullLevel("postal_code"),
        _level(levels.ExactMatchLevel("postal_code"), "same post code", 0.9, 0.005),
        _level(levels.ElseLevel(), "different", 0.1, 0.995),
    ],
    output_column_name="place",
)
# Positions are measured at the gate, the office or the middle of the site.
_POSITION = comparisons.CustomComparison(
    [
        levels.NullLevel("latitude"),
        _level(levels.DistanceInKMLevel("latitude", "longitude", 0.3), "within 300 m", 0.7, 0.001),
        _level(levels.DistanceInKMLevel("latitude", "longitude", 3), "within 3 km", 0.2, 0.01),
        _level(levels.ElseLevel(), "different", 0.1, 0.989),
    ],
    output_column_name="position",
)

WAREHOUSE = SplinkEntity(
    name="warehouse",
    prefix="w",
    aliases=WAREHOUSE_ALIASES,
    prepare=prepare_warehouses,
    keys=WAREHOUSE_KEYS,
    settings=settings_for,
    training=(
        ("key_address", "address", "postal_code"),
        ("key_position", "latitude", "longitude"),
        ("key_name", "name"),
    ),
    priors=("key_address", "key_position"),
    certain=(
        Certain("address", ("gate",)),
        Certain("position", ("only_position",)),
        Certain("name", ("only_name", "region_code")),
        Certain("postal_code", ("only_postal", "region_code")),
    ),
    evidence=(("name", "name"), ("address", "address"), ("post code", "postal_code"), ("position", "position")),
    told_apart_by="local",
)
