"""What Dagster shows of a plan: its trade-off, solved once, and how its confidence held."""

import pytest

from decisions.routing.plan import PlanJob
from orchestration.lib import tradeoff
from orchestration.lib.reliability import reliability_report
from workspace.published import Snapshot
from workspace.settings import Settings


def test_the_curve_of_a_plan_is_solved_once_and_kept_with_it(
    settings: Settings, champion: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = PlanJob().run(settings, champion).folder
    first = tradeoff.trade_off(folder)
    assert first.image.startswith(b"\x89PNG")
    assert first.markdown.count("\n") == 1 + 1 + len(tradeoff.LIMITS)

    def again(*_: object) -> None:
        raise AssertionError("a point of the curve takes as long as the plan")

    monkeypatch.setattr(tradeoff, "fairness_curve", again)
    assert tradeoff.trade_off(folder).markdown == first.markdown


def test_the_report_names_bands_regions_and_the_certificate(settings: Settings, champion: Snapshot) -> None:
    trusted = PlanJob().run(settings, champion).summary["reliability"]
    told = reliability_report(trusted)
    assert "![Confidence said and held](data:image/png;base64," in told
    assert f"Of {trusted['certain']} decisions at 85% or more" in told
    assert "| R1 | 2 |" in told
