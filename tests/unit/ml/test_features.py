"""Which columns become features, and the shape in which a model is fed."""

import numpy as np
import pandas as pd
import pytest

from ml.core.features import Feature, FeatureSet, Roles, UnusableTable, choose_features, drop_unusable, prepare

ROLES = Roles("order_id", "ordered_at", "is_late", "label_known_at", "promised_at", ("region_code", "segment"))
SCHEMA = {
    "order_id": "VARCHAR", "ordered_at": "TIMESTAMP", "promised_at": "TIMESTAMP", "region_code": "VARCHAR",
    "segment": "VARCHAR", "channel": "VARCHAR", "distance_km": "DOUBLE", "goods_amount": "DECIMAL(18,2)",
    "is_same_region": "BOOLEAN", "planned_warehouse_id": "VARCHAR", "order_date": "DATE", "tags": "VARCHAR[]",
    "is_late": "BOOLEAN", "label_known_at": "TIMESTAMP",
}  # fmt: skip


def test_columns_without_a_role_become_features_by_their_type():
    found = choose_features(SCHEMA, ROLES)
    assert [(f.name, f.kind) for f in found.features] == [
        ("channel", "category"), ("distance_km", "number"), ("goods_amount", "number"), ("is_same_region", "number"),
    ]  # fmt: skip


def test_keys_codes_times_label_and_groups_are_left_out_with_a_reason():
    left_out = choose_features(SCHEMA, ROLES).left_out
    assert set(SCHEMA) - set(choose_features(SCHEMA, ROLES).names) == set(left_out)
    assert left_out["region_code"] == "group column"
    assert "key" in left_out["planned_warehouse_id"]
    assert "VARCHAR[]" in left_out["tags"]


def test_a_region_is_a_feature_only_when_it_is_asked_for():
    asked = Roles("order_id", "ordered_at", "is_late", groups=("region_code",), included=("region_code",))
    assert "region_code" in choose_features(SCHEMA, asked).names


def test_an_absent_role_column_is_named_with_the_remedy():
    with pytest.raises(UnusableTable, match=r"label_known_at.* absent"):
        choose_features({name: kind for name, kind in SCHEMA.items() if name != "label_known_at"}, ROLES)


def test_a_table_with_no_feature_is_refused():
    with pytest.raises(UnusableTable, match="At least one column must be a feature"):
        choose_features({name: SCHEMA[name] for name in ROLES.named}, ROLES)


def test_prepared_input_is_float_and_text_with_nan_for_null():
    features = FeatureSet((Feature("flag", "number"), Feature("channel", "category")), {})
    frame = pd.DataFrame({"channel": ["web", None], "flag": pd.array([True, None], dtype="boolean"), "more": [1, 2]})
    prepared = prepare(frame, features)
    assert list(prepared.columns) == ["flag", "channel"]
    np.testing.assert_array_equal(prepared["flag"], [1.0, np.nan])
    assert prepared["channel"].tolist()[0] == "web"
    assert prepared["channel"].isna().tolist() == [False, True]


def test_text_in_a_number_column_names_the_column():
    with pytest.raises(UnusableTable, match="distance_km must be a number"):
        prepare(pd.DataFrame({"distance_km": ["far"]}), FeatureSet((Feature("distance_km", "number"),), {}))


def test_constant_null_and_infinite_features_are_dropped_with_a_note():
    frame = pd.DataFrame({"one": [1.0, 1.0], "none": [np.nan, np.nan], "endless": [1.0, np.inf], "good": [1.0, 2.0]})
    features = FeatureSet(tuple(Feature(name, "number") for name in frame), {})
    kept = drop_unusable(frame, features)
    assert kept.names == ["good"]
    assert kept.left_out["one"] == "always 1.0 in the training rows"
    assert kept.left_out["none"] == "null in all training rows"
    assert "infinite" in kept.left_out["endless"]


def test_a_column_that_is_partly_null_and_otherwise_constant_still_informs():
    frame = pd.DataFrame({"sometimes": [1.0, np.nan]})
    assert drop_unusable(frame, FeatureSet((Feature("sometimes", "number"),), {})).names == ["sometimes"]


def test_nothing_usable_is_refused():
    with pytest.raises(UnusableTable, match="Every feature is constant or null"):
        drop_unusable(pd.DataFrame({"one": [1.0, 1.0]}), FeatureSet((Feature("one", "number"),), {}))
