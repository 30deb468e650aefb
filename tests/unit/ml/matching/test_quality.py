"""Quality numbers: the rates that are shown are those of the newest run."""

from datetime import datetime

import polars as pl

from ml.core.matching.quality import newest_rates


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
