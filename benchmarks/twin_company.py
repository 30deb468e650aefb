"""A twin company landed and staged for real, and how its matched records agree with the twin's truth.

Belongs here: what benchmarks of matching on the twin share. Does not belong here: matching (ml/jobs), the measure
itself (twin/score).
"""

import subprocess

import polars as pl

from ml.io.matching import MatchingStore
from orchestration.defs.transform import STAGING
from orchestration.lib.dbt import EXECUTABLE, PROJECT, dbt_environment
from sources.landing import land
from sources.manifest import load_adapter
from twin.generate import generate_company
from twin.parameters import TwinParameters
from twin.score import MatchScore, pairwise
from workspace.settings import Settings, quiet_environment

#: Entity → the truth's table, and its column of the true thing.
TRUTH = {"customer": ("customers", "customer"), "product": ("products", "product"), "warehouse": ("warehouses", "node")}


def staged_company(settings: Settings, parameters: TwinParameters) -> None:
    """Simulate a company, land its extracts and build what matching reads."""
    generate_company(parameters, settings.paths)
    land(settings, load_adapter("demo"), settings.paths.extracts)
    MatchingStore(settings.paths.ensure().matching).ensure()
    target = str(settings.paths.root / "dbt_bench")
    subprocess.run(
        [str(EXECUTABLE), "--quiet", "build", "--select", *STAGING.split(), "country_calling_codes",
         "--exclude-resource-type", "unit_test", "test", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
         "--target-path", target, "--log-path", target],
        env={**quiet_environment(), **dbt_environment(settings)}, check=True, capture_output=True,
    )  # fmt: skip


def matched_score(settings: Settings, entity: str) -> MatchScore:
    """Pairwise precision and recall of the newest run of matching."""
    table, column = TRUTH[entity]
    # A code that a system gave to two things in turn has no one truth, so it is not scored.
    truth = (
        pl.read_parquet(settings.paths.truth / f"{table}.parquet")
        .group_by("source_system", code=f"{entity}_code")
        .agg(true=pl.col(column).first().cast(pl.Int64), things=pl.col(column).n_unique())
        .filter(pl.col("things") == 1)
    )
    matched = MatchingStore(settings.paths.matching).read("matched_records", entity)
    both = matched.join(truth, on=["source_system", "code"])
    golden = both["golden_id"].rank("dense").cast(pl.Int64).to_numpy()
    return pairwise(table, golden, both["true"].to_numpy(), truth.height - both.height)
