"""The light form gives the registered model's own numbers, for one row and for many, and reasons that hold."""

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from ml.core.calibration import calibrate
from ml.core.features import Feature, FeatureSet, UnusableTable, prepare
from ml.core.forest import expected_score, flatten, reasons, scores
from ml.core.light_model import LightModel, lighten
from ml.core.risk_model import BoostingParameters, Plan, build, one_thread, positive_probability

FEATURES = FeatureSet(
    (Feature("backlog", "number"), Feature("channel", "category"), Feature("slack", "number"),
     Feature("node", "category"), Feature("noise", "number")), {})  # fmt: skip
TREES = BoostingParameters(trees=40, leaves=15, leaf_rows=10)


def table(rows: int = 3000) -> tuple[pd.DataFrame, np.ndarray]:
    luck = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "noise": luck.normal(size=rows),
            "channel": luck.choice(np.array(["shop", "pos", "social", None], dtype=object), rows),
            "backlog": np.where(luck.random(rows) < 0.1, np.nan, luck.normal(size=rows)),
            "node": luck.choice([f"n{i}" for i in range(40)], rows),
            "slack": luck.integers(0, 5, rows),
        }
    )
    pull = (
        np.nan_to_num(frame["backlog"]) + (frame["channel"] == "shop") - 0.4 * frame["slack"] * (frame["node"] < "n2")
    )
    return frame, (pull + luck.normal(size=rows) > 0).to_numpy(dtype=float)


@pytest.fixture(scope="module", params=["none", "sigmoid", "isotonic"])
def pair(request: pytest.FixtureRequest) -> tuple[object, LightModel, pd.DataFrame]:
    frame, outcome = table()
    inputs = prepare(frame, FEATURES)
    with one_thread():
        model = build(FEATURES, TREES, Plan(), 0).fit(inputs, outcome)
        whole = calibrate(model, model.decision_function(inputs) * 1.5, outcome, request.param)
    return whole, lighten(whole, FEATURES), frame


def odd_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows as they come in service: unseen and absent categories, absent numbers, far values."""
    odd = pd.DataFrame(
        {"noise": [np.nan, 1e12, -1e12, 0.0], "channel": ["fax", None, "shop", "pos"], "backlog": [np.nan] * 4,
         "node": [None, "n99", "n3", "n0"], "slack": [0, 4, 99, -1]})  # fmt: skip
    return pd.concat([frame, odd], ignore_index=True)


def test_the_number_of_threads_changes_no_number(pair):
    _model, light, frame = pair
    rows = odd_rows(frame)
    np.testing.assert_array_equal(light.probabilities(rows, threads=3), light.probabilities(rows))
    assert light.probabilities(rows.head(1), threads=3).shape == (1,)


def test_many_rows_get_the_models_own_probabilities_to_the_last_bit(pair) -> None:
    whole, light, frame = pair
    rows = odd_rows(frame)
    np.testing.assert_array_equal(light.probabilities(rows), positive_probability(whole, prepare(rows, FEATURES)))


def test_one_row_gets_the_number_that_it_gets_among_many(pair) -> None:
    _, light, frame = pair
    rows = odd_rows(frame.head(50))
    one_by_one = [light.probability(row) for row in rows.to_dict(orient="records")]
    np.testing.assert_array_equal(one_by_one, light.probabilities(rows))


def test_reasons_lead_from_the_mean_to_the_score(pair) -> None:
    _, light, frame = pair
    rows = odd_rows(frame.head(200))
    found = light.reasons(rows)
    assert list(found.columns) == FEATURES.names
    total = light.starting_score + found.sum(axis=1).to_numpy()
    np.testing.assert_allclose(total, scores(light.forest, light._rows(rows)), atol=1e-10)


def test_reasons_are_the_shapley_values_worked_out_over_all_sets() -> None:
    """Small trees, so that the definition itself can be summed: every set of features, weighted by its orders."""
    frame, outcome = table(800)
    inputs = prepare(frame, FEATURES)
    with one_thread():
        model = build(FEATURES, BoostingParameters(trees=5, leaves=6, leaf_rows=20), Plan(), 1).fit(inputs, outcome)
    light = lighten(model, FEATURES)
    forest, rows = light.forest, light._rows(odd_rows(frame).tail(6))
    count = rows.shape[1]
    for row, found in zip(rows, reasons(forest, rows), strict=True):
        value = {chosen: mean_score(forest, row, chosen) for size in range(count + 1)
                 for chosen in combinations(range(count), size)}  # fmt: skip
        for feature in range(count):
            expected = sum(
                factorial(len(chosen)) * factorial(count - 1 - len(chosen)) / factorial(count)
                * (value[tuple(sorted((*chosen, feature)))] - value[chosen])
                for chosen in value if feature not in chosen
            )  # fmt: skip
            assert found[feature] == pytest.approx(expected, abs=1e-12)


def mean_score(forest, row: np.ndarray, known: tuple[int, ...]) -> float:
    """Mean score when only some features are known and the other splits are decided by the training's shares."""

    def below(node: int) -> float:
        if forest.feature[node] < 0:
            return forest.value[node]
        left, right = forest.left[node], forest.right[node]
        if forest.feature[node] in known:
            lone = flat_step(forest, node, row)
            return below(left) if lone else below(right)
        share = forest.cover[left] / forest.cover[node]
        return share * below(left) + (1 - share) * below(right)

    return forest.base + sum(below(root) for root in forest.first[:-1])


def flat_step(forest, node: int, row: np.ndarray) -> bool:
    from ml.core.forest import _goes_left

    return bool(_goes_left.py_func(forest, node, row[forest.feature[node]]))


def test_what_a_model_ignores_is_no_reason_and_what_decides_is_the_first() -> None:
    """Faithful: the column named first is the one whose true value changes the score most when it is taken away."""
    frame, outcome = table()
    inputs = prepare(frame, FEATURES)
    constant = inputs.assign(noise=0.0)
    with one_thread():
        light = lighten(build(FEATURES, TREES, Plan(), 0).fit(constant, outcome), FEATURES)
    rows = frame.head(400).assign(noise=0.0)
    found = light.reasons(rows)
    assert (found["noise"] == 0).all()
    base = scores(light.forest, light._rows(rows))
    change = pd.DataFrame({
        name: np.abs(base - np.mean([scores(light.forest, light._rows(rows.assign(**{name: value})))
                                     for value in frame[name].head(40)], axis=0))
        for name in ("backlog", "channel", "slack", "node")
    })  # fmt: skip
    agreement = found.drop(columns="noise").abs().idxmax(axis=1).to_numpy() == change.idxmax(axis=1).to_numpy()
    assert agreement.mean() > 0.8


@pytest.mark.parametrize(
    ("row", "words"),
    [({"backlog": 1.0}, "lacks"), (dict.fromkeys(FEATURES.names, "far"), "must be a number; got 'far'")],
)
def test_rows_without_a_column_or_with_a_text_for_a_number_are_refused(pair, row: dict, words: str) -> None:
    with pytest.raises(UnusableTable, match=words):
        pair[1].probability(row)


def test_a_model_of_another_make_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Only models of ml\.core\.risk_model"):
        lighten(DummyClassifier(), FEATURES)


def test_mean_of_the_scores_over_the_training_is_where_reasons_start() -> None:
    frame, outcome = table()
    inputs = prepare(frame, FEATURES)
    with one_thread():
        model = build(FEATURES, TREES, Plan(), 0).fit(inputs, outcome)
        mean = float(model.decision_function(inputs).mean())
    assert expected_score(flatten(model.named_steps["boost"])) == pytest.approx(mean, abs=1e-9)
