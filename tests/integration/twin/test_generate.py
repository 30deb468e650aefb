"""Generating: the same bytes for the same seed, whole or not at all, and nothing of others' is lost."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from twin.generate import MARKER, GenerationFailed, GenerationReport, generate, is_generated
from twin.parameters import load_preset
from workspace.files import sha256_of_tree

ROOT = Path(__file__).parents[3]


def test_same_seed_same_bytes_other_seed_other_world(tmp_path: Path) -> None:
    digests = {}
    for name, seed in (("one", 7), ("same", 7), ("other", 8)):
        made = generate(load_preset("demo", days=5, seed=seed), tmp_path / name / "x", tmp_path / name / "truth")
        digests[name] = (sha256_of_tree(made.extracts), sha256_of_tree(made.truth))
    assert digests["one"] == digests["same"]
    assert digests["one"][0] != digests["other"][0]
    formats = {path.suffix for path in (tmp_path / "one" / "x").rglob("*") if path.is_file()}
    assert formats == {".csv", ".jsonl", ".parquet", ".sqlite", ".json"}


def test_the_marker_lists_every_file_and_nothing_of_the_truth(company: GenerationReport) -> None:
    marker = json.loads((company.extracts / MARKER).read_text(encoding="utf-8"))
    files = {p.relative_to(company.extracts).as_posix() for p in company.extracts.rglob("*") if p.is_file()}
    assert {name.split(":")[0] for name in marker["rows"]} == files - {MARKER}
    assert set(marker) == {"name", "digest", "days", "rows"}
    assert marker["rows"]["reference/regions.csv"] == 31


def test_a_generation_is_known_by_its_parameters(company: GenerationReport) -> None:
    assert is_generated(load_preset("demo", days=42), company.extracts, company.truth)
    assert not is_generated(load_preset("demo", days=42, seed=1), company.extracts, company.truth)
    assert not is_generated(load_preset("demo", days=42), company.extracts, company.extracts.parent / "elsewhere")


def test_a_new_generation_replaces_the_old_whole(tmp_path: Path) -> None:
    for days in (3, 2):
        generate(load_preset("demo", days=days), tmp_path / "x", tmp_path / "truth")
    assert [p.name for p in sorted((tmp_path / "x" / "shop").glob("orders_*"))] == ["orders_2026-10-31.csv"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["truth", "x"]


def test_folders_of_others_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(GenerationFailed, match="files that the twin did not write"):
        generate(load_preset("demo", days=1), tmp_path / "mine", tmp_path / "truth")
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"
    with pytest.raises(GenerationFailed, match="must not lie with the extracts"):
        generate(load_preset("demo", days=1), tmp_path / "x", tmp_path / "x" / "truth")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(GenerationFailed, match="is a file"):
        generate(load_preset("demo", days=1), tmp_path / "file", tmp_path / "truth")


_LIMITED = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from twin.generate import GenerationFailed, generate
from twin.parameters import load_preset
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
try:
    generate(load_preset("demo", days=4), Path(sys.argv[2]) / "x", Path(sys.argv[2]) / "truth")
except GenerationFailed as error:
    print(error)
    raise SystemExit(7)
"""


@pytest.mark.parametrize("room", [2_000, 60_000])
def test_when_there_is_no_room_nothing_is_left(tmp_path: Path, room: int) -> None:
    """A limit on the size of files stands for a full disk: the same calls fail, in the same places."""
    child = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(room), str(tmp_path)], capture_output=True, text=True, cwd=ROOT,
        timeout=120, check=False,
    )  # fmt: skip
    assert child.returncode == 7, child.stderr
    assert "Nothing of it is left; make room in" in child.stdout
    assert list(tmp_path.iterdir()) == []


def test_when_killed_nothing_looks_whole(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\nfrom twin.generate import generate\nfrom twin.parameters import load_preset\n"
        f"root = Path({str(tmp_path)!r})\n"
        "generate(load_preset('demo', days=60), root / 'x', root / 'truth', lambda d, n: print(d, flush=True))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait(timeout=60)
    child.stdout.close()
    assert not (tmp_path / "x").exists()
    assert not is_generated(load_preset("demo", days=60), tmp_path / "x", tmp_path / "truth")
    generate(load_preset("demo", days=1), tmp_path / "x", tmp_path / "truth")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["truth", "x"], "what was half-written is cleared away"


def test_systems_disagree_as_real_ones_do(company: GenerationReport) -> None:
    root = company.extracts
    sales = sorted(root.glob("pos/sales_*.csv"))[0].read_bytes()
    with pytest.raises(UnicodeDecodeError):
        sales.decode("utf-8")
    assert "小票号" in sales.decode("gb18030").splitlines()[0]
    headers = [path.read_text(encoding="utf-8").splitlines()[0] for path in sorted(root.glob("shop/orders_*.csv"))]
    assert ["coupon" in header for header in headers] == [False, True], "the column appears one day"
    codes = pl.read_parquet(company.truth / "products.parquet")
    assert codes["source_system"].n_unique() == 5
    shared = (
        codes.group_by("source_system", "product_code")
        .agg(pl.col("product").n_unique().alias("n"))
        .filter(pl.col("n") > 1)
    )
    assert set(shared["source_system"]) == {"pos"}, "re-used codes"


def test_every_defect_is_there_and_in_the_truth(company: GenerationReport) -> None:
    from twin.parameters import Defects

    log = pl.read_parquet(company.truth / "defects.parquet")
    assert set(log["defect"]) == set(Defects.model_fields) - {"scale"}
    accounts = pl.concat(
        [pl.read_csv(p, infer_schema=False) for p in sorted(company.extracts.glob("shop/accounts_*.csv"))]
    )
    typos = log.filter(
        (pl.col("source_system") == "shop") & (pl.col("table") == "accounts") & (pl.col("defect") == "typo")
    )
    written = typos.join(accounts, left_on="code", right_on="account_no")
    assert written.height == typos.height > 20
    assert (written["written_value"] == written["name"]).all()
    assert (written["true_value"] != written["written_value"]).mean() > 0.95


def test_clean_systems_make_no_errors(tmp_path: Path) -> None:
    parameters = load_preset("demo", days=2, defects={"scale": 0.0})
    made = generate(parameters, tmp_path / "x", tmp_path / "truth")
    assert pl.read_parquet(made.truth / "defects.parquet").height == 0
