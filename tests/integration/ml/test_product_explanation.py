"""`oi master explain product`: what each feature adds, packs and contents in one unit, and why a person must decide."""

import json
from pathlib import Path

import numpy as np
import pytest

from ml.core.matching.products.entity import PRODUCT
from ml.core.matching.products.features import MEANINGS
from ml.core.matching.products.matcher import taught_by_labels
from ml.io.matchers import save_matcher
from ml.io.matching import MatchingStore
from ml.jobs.explain import explain_pair
from ml.jobs.explain_products import TOGETHER
from ml.jobs.explanation import NotExplained
from ml.jobs.master import match_entity
from ml.jobs.rescoring_products import table_in
from orchestration.cli.main import main
from tests.support.articles import article
from tests.support.staged_records import stage
from workspace.settings import Settings

COUNT = 60
GTIN = "4006381333931"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two matched catalogues, and a cola that one system sells by six and the other by the piece, under one number."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), company="shops")
    packs = [{"source_system": "a", "code": "six", "title": "Cola 6 x 500 ml", "gtin": GTIN},
             {"source_system": "b", "code": "one", "title": "Cola 0.5 l", "gtin": GTIN}]  # fmt: skip
    stage(settings, product=[*(article(system, n) for system in "ab" for n in range(COUNT)), *packs])
    match_entity(settings, PRODUCT)
    return settings


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["master", "explain", "product", *arguments])
    said = capsys.readouterr()
    assert not ended.value.code, said.err
    return said.out


def test_the_steps_lead_from_the_prior_to_the_score_of_the_run(settings: Settings) -> None:
    pairs = MatchingStore(settings.paths.matching).read("matched_pairs", "product")
    score = {row["left_record"]: row["probability"] for row in pairs.to_dicts() if row["match_rule"] == "model"}
    left = "a|008"
    found = explain_pair(settings, "product", left, "b|008")
    bits = found.prior + sum(step.weight for step in found.steps)
    assert 1 / (1 + 2**-bits) == pytest.approx(found.probability, abs=1e-6)
    assert found.probability == pytest.approx(score.get(left, found.probability), rel=1e-6)
    assert found.is_candidate
    assert [abs(step.weight) for step in found.steps if step.comparison != TOGETHER] == sorted(
        (abs(step.weight) for step in found.steps if step.comparison != TOGETHER), reverse=True
    )
    stranger = explain_pair(settings, "product", left, "b|031")
    assert stranger.probability < 0.1 < found.probability


def test_packs_are_told_in_one_unit_and_go_to_a_person(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OI_HOME", str(settings.home))
    monkeypatch.setenv("OI_COMPANY", settings.company or "")
    found = json.loads(explained(capsys, "b|one", "a|six", "--json"))
    told = {row["field"]: (row["left"], row["right"], row["says"]) for row in found["beside"]}
    assert told["one piece holds"] == ("500 ml", "500 ml", "same")
    assert told["pieces in a pack"] == ("6", None, "unknown")
    assert told["GTIN"][2] == "same"
    assert found["doubts"] == ["pieces in a pack: 6 and not said"]
    assert found["rule"] == "gtin"
    page = tmp_path / "why.html"
    shown = explained(capsys, "b|one", "a|six", "--html", str(page))
    assert "A person must decide: pieces in a pack: 6 and not said." in " ".join(shown.split())
    assert page.read_text(encoding="utf-8").count("<svg") == 1


def test_what_trees_say_only_together_is_a_step_of_its_own(settings: Settings) -> None:
    state = MatchingStore(settings.paths.matching).load("product")
    assert state is not None
    table = table_in(state, np.ones(state.records.height, dtype=bool))
    code = state.records["record_id"].str.slice(2)
    same = (code.gather(table.left) == code.gather(table.right)).to_numpy().astype(np.int64)
    many = np.tile(np.arange(same.size), 4)
    matcher = taught_by_labels(table.features(table.left[many], table.right[many]), same[many])
    save_matcher(settings.paths.matching, "product", matcher)
    with pytest.raises(NotExplained, match="lessons"):
        explain_pair(settings, "product", "a|008", "b|008")
    match_entity(settings, PRODUCT)
    found = explain_pair(settings, "product", "a|008", "b|008")
    bits = found.prior + sum(step.weight for step in found.steps)
    assert 1 / (1 + 2**-bits) == pytest.approx(found.probability, rel=0.02)
    assert {step.comparison for step in found.steps} <= {*MEANINGS.values(), TOGETHER}
