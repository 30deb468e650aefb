"""The audit of the public orders agrees with the rates that are published with them."""

from benchmarks.bench_fairness import OLIST_RATES, audit_olist


def test_late_rates_are_those_stated_and_thin_states_are_not_judged(real_data, tmp_path):
    late = audit_olist(real_data / "olist", tmp_path / "late.parquet").metrics["base_rate"]
    assert late.verdict == "gap"
    assert {g.group for g in late.groups if g.status != "judged"} == {"AC", "AM", "AP", "RR"}
    for state, stated in OLIST_RATES.items():
        rate = late.group(state).rate
        assert rate is not None
        assert round(100 * rate, 1) == stated
    assert all(late.group(state).rate is None for state in ("AC", "AM", "AP", "RR"))
