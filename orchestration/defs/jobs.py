"""The jobs: which part of the graph runs together.

Belongs here: selections with a name. Does not belong here: when they run (automation).
"""

import dagster as dg

from orchestration.lib.partitions import CHANGES_TAG

LANDING = dg.AssetSelection.groups("landing")
MODELS = dg.AssetSelection.groups("models")
PREDICTIONS = dg.AssetSelection.groups("predictions")
ROUTING = dg.AssetSelection.groups("routing")
BUILD = dg.AssetSelection.all() - LANDING - MODELS - PREDICTIONS - ROUTING

land = dg.define_asset_job("land", LANDING, description="Land what is new in every known extract, and validate it.")
build = dg.define_asset_job(
    "build", BUILD, description="dbt models, their tests and expectations, then one atomic publication."
)
train_and_audit = dg.define_asset_job(
    "train_and_audit", MODELS, description="Train on the published snapshot, audit by region, decide on promotion."
)
score = dg.define_asset_job("score", PREDICTIONS, description="Score with the champion, validate and publish.")
train_routing = dg.define_asset_job(
    "train_routing", dg.AssetSelection.assets("order_routing_model", "order_routing_promotion"),
    description="Train order routing on the published snapshot, audit it by region, decide on promotion.",
)  # fmt: skip
plan_routing = dg.define_asset_job(
    "plan_routing", dg.AssetSelection.assets("routing_plan"), description="Decide on the open orders as of now."
)
everything = dg.define_asset_job(
    "everything", dg.AssetSelection.all(), description="The whole way from extracts to published predictions."
)
refresh = dg.define_asset_job(
    "refresh", BUILD | PREDICTIONS, tags=CHANGES_TAG,
    description="Marts and predictions for what a landing touched; the champion stays who it is.",
)  # fmt: skip
