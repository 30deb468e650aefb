"""The label layer recovers what the twin planted, from its histories and without its truth of effects."""

from datetime import timedelta

import pytest

from benchmarks.delivery_history import FACTORS, delivery_history
from ml.core.fairness.changes import find_changes
from ml.core.fairness.labels import decompose_delay
from twin.generate import generate
from twin.parameters import load_preset

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    folder = tmp_path_factory.mktemp("twin")
    generate(load_preset("demo"), folder / "extracts", folder / "truth")
    return delivery_history(folder / "extracts", folder / "truth")


@pytest.fixture(scope="module")
def found(history):
    return decompose_delay(
        history, group="region_code", actual_hours="actual", promise_hours="promise", recording_lag_hours="lag",
        factors=FACTORS, cluster="day", tolerance_hours=4.0, resamples=500,
    )  # fmt: skip


def test_delay_scans_and_promise_are_called_by_their_names(found):
    assert found.named("unexplained") == ("CN-SC",)
    assert found.named("measurement") == ("CN-HB",)
    assert found.named("policy") == ("CN-HN",)


def test_the_far_region_is_not_blamed_and_the_tiny_one_not_judged(found):
    far = found.group("CN-XJ")
    assert far.parts is not None
    assert not any(part.named for part in far.parts.values())
    assert found.group("CN-XZ").status == "insufficient"


def test_the_rule_change_is_found_at_its_date_and_place(history):
    changes = find_changes(history, group="post_area", period="date", kind="carrier")
    parameters = load_preset("demo")
    changed_on = parameters.first_day + timedelta(days=round(parameters.effects.rule_day_share * parameters.days))
    assert {(c.group, c.since) for c in changes} == {("CN-GD/0", str(changed_on)), ("CN-GD/1", str(changed_on))}
