"""Quality numbers: the rates that are shown are those of the newest run, and what verdicts say of the machine."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from ml.core.matching.clusters import Clusters
from ml.core.matching.decisions import Decided
from ml.core.matching.quality import newest_rates, steward_estimates
from ml.core.matching.zones import Zones


def test_the_rates_shown_are_of_each_entitys_newest_run() -> None:
    old, new = datetime(2026, 1, 1), datetime(2026, 1, 2)
    rows = [
        ("customer", old, "match_rate", "script", "latin", 0.1),
        ("customer", new, "match_rate", "script", "latin", 0.5),
        ("customer", new, "match_rate", "script", "chinese", 0.4),
        ("customer", new, "records", "all", "all", 9.0),
        ("warehouse", old, "match_rate", "all", "all", 0.7),
    ]
    quality = pl.DataFrame(
        rows, schema=["entity", "measured_at", "measure", "segment_kind", "segment", "value"], orient="row"
    )
    assert newest_rates(quality).select("entity", "segment", "value").rows() == [
        ("customer", "chinese", 0.4), ("customer", "latin", 0.5), ("warehouse", "all", 0.7),
    ]  # fmt: skip


def test_verdicts_estimate_precision_and_recall_of_what_the_machine_would_link() -> None:
    none = np.array([], dtype=np.int64)
    judged = pl.DataFrame({"probability": [0.9, 0.9, 0.8, 0.2], "is_same": [True, True, False, True]})
    decided = Decided(
        pl.DataFrame(), Zones(0.5, 0.1, 1.0, 1.0, 4), Clusters(none, none), pl.Series(), pl.Series(), judged
    )
    found = {name: (value, count, low, high) for name, _, _, value, count, low, high in steward_estimates(decided)}

    # Three would be linked, two of them are the same; three are the same, two of them would be linked. Wilson's 95 %
    # interval of 2 of 3 is 0.208 to 0.939.
    for name in ("steward_precision", "steward_recall"):
        assert found[name] == pytest.approx((2 / 3, 3, 0.208, 0.939), abs=0.001)
    assert steward_estimates(replace(decided, judged=judged.clear())) == []
