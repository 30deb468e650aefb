"""Doubtful pairs of the console's test company, left where a run of matching leaves them."""

import json

import polars as pl

from ml.io.matching import MatchingStore
from workspace.settings import Settings

HOSTILE = "pos|<script>alert(1)</script>"
#: Pairs that wait, in no order, and one that matching was sure of.
PAIRS = [
    ("crm|5", "shop|4", 0.8, "queue"), ("crm|2", "shop|1", 0.9, "queue"), ("crm|5", HOSTILE, 0.7, "queue"),
    ("crm|9", "shop|9", 0.999, "linked"),
]  # fmt: skip


def leave_pairs(settings: Settings) -> None:
    """Let three pairs of customers and one of warehouses wait for a steward."""
    store = MatchingStore(settings.paths.ensure().matching)
    evidence = json.dumps({"agrees": ["phone", "e-mail"], "differs": ["name"]})
    for entity, pairs in (("customer", PAIRS), ("warehouse", [("erp|w1", "wms|w2", 0.6, "queue")])):
        store.publish("matched_pairs", entity, pl.DataFrame(
            pairs, schema=["left_record", "right_record", "probability", "zone"], orient="row",
        ).with_columns(entity=pl.lit(entity), match_rule=pl.lit("model"), evidence=pl.lit(evidence)))  # fmt: skip
        names = sorted({record for pair in pairs for record in pair[:2]})
        store.publish("matched_records", entity, pl.DataFrame(
            [(entity, *name.split("|"), name.split("|")[1], "single", 1.0) for name in names],
            schema=["entity", "source_system", "code", "golden_id", "match_rule", "match_probability"], orient="row",
        ))  # fmt: skip
