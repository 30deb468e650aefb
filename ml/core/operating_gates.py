"""Gates on how a version runs: how fast it answers, whether it can be made again, whether it agrees with the champion.

Belongs here: the verdict of each on plain values. Does not belong here: measuring (ml/jobs/trial, ml/jobs/shadow),
gates on how good a version is (ml/core/gates).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.core.gates import Gate, Limits, Verdict, judge, worst
from ml.core.intervals import Estimate


def latency(measured: Mapping[str, Any] | None, limits: Limits, *, answers_singly: bool = True) -> Gate:
    """The 99th percentile of the processor time that one order takes lies at or below the limit.

    Args:
        measured: `p99_ms` as value, low, high; `calls`, and the digest of the sample. None: nobody measured it.
        limits: The limit, in milliseconds.
        answers_singly: Whether a single order ever waits for an answer of this model.
    """
    threshold = {"highest_latency_ms": limits.highest_latency_ms}
    if not answers_singly:
        return Gate("latency", "not_applicable", "it answers in batches; no single order waits for it", threshold, {})
    if measured is None:
        return Gate("latency", "insufficient_evidence", "the time of an answer was not measured", threshold, {})
    found = Estimate(**measured["p99_ms"])
    reason = (
        f"99 % of {measured['calls']:,} answers within {found} ms of a processor; at most {limits.highest_latency_ms:g}"
    )
    verdict = judge(found, limits.highest_latency_ms, is_upper=True)
    return Gate("latency", verdict, reason, threshold, dict(measured))


def reproduction(repeated: Mapping[str, Any] | None, limits: Limits) -> Gate:
    """Trained again from its snapshot with its seed, the version gives the same numbers, or numbers within a tolerance.

    Args:
        repeated: `problem`, why it could not be trained again, empty if it was; then `rows`, `recorded` and `again`
            (SHA-256 of the answers to those rows) and `largest_difference`. None: nobody tried.
        limits: The tolerance, in the unit of the answer.
    """
    threshold = {"reproduction_tolerance": limits.reproduction_tolerance}
    if repeated is None or repeated["problem"]:
        why = repeated["problem"] if repeated else "it was not trained again"
        return Gate("reproduction", "insufficient_evidence", why, threshold, dict(repeated or {}))
    difference = float(repeated["largest_difference"])
    reason = f"trained again, {repeated['rows']:,} answers differ by at most {difference:.2g}"
    if repeated["recorded"] == repeated["again"]:
        reason = f"trained again, {repeated['rows']:,} answers are the same to the last bit"
    verdict: Verdict = "pass" if difference <= limits.reproduction_tolerance else "fail"
    return Gate("reproduction", verdict, reason, threshold, dict(repeated))


def shadow_agreement(champion: str | None, shadow: Mapping[str, Any] | None, limits: Limits) -> Gate:
    """What the challenger said in shadow lies near what the champion said of the same rows, in each region.

    Args:
        champion: The champion's version, None if there is none.
        shadow: `scored` and `both`, answers of the champion and those that both gave; `difference` and `by_region`,
            mean absolute differences of probabilities, or of hours as shares of the champion's, as value, low, high;
            `rows` by region. None: nothing was scored.
        limits: The largest difference, and the fewest orders of a verdict.
    """
    name = "shadow_agreement"
    threshold = {"highest_shadow_difference": limits.highest_shadow_difference, "minimum_rows": limits.minimum_rows,
                 "minimum_region_rows": limits.minimum_region_rows}  # fmt: skip
    if champion is None:
        return Gate(name, "not_applicable", "there is no champion to go beside", threshold, {"champion": None})
    if shadow is None or shadow["both"] < limits.minimum_rows:
        count = shadow["both"] if shadow else 0
        reason = f"{count} answers in shadow beside version {champion}; a verdict needs {limits.minimum_rows}"
        return Gate(name, "insufficient_evidence", reason, threshold, {"champion": champion, **(shadow or {})})
    left_out = shadow["scored"] - shadow["both"]
    judged = {"overall": judge(Estimate(**shadow["difference"]), limits.highest_shadow_difference, is_upper=True)} | {
        region: judge(Estimate(**estimate), limits.highest_shadow_difference, is_upper=True)
        for region, estimate in shadow["by_region"].items()
        if shadow["rows"][region] >= limits.minimum_region_rows
    }
    reason = f"{shadow['both']:,} answers, which differ by {Estimate(**shadow['difference'])} in the mean"
    reason += f"; at most {limits.highest_shadow_difference:g}, {_beyond(judged)}"
    if left_out:
        reason += f"; {left_out} that the champion gave were left out"
    verdict = "fail" if left_out else worst(list(judged.values()))
    return Gate(name, verdict, reason, threshold, {"champion": champion, **shadow})


def _beyond(judged: Mapping[str, Any]) -> str:
    named: Sequence[str] = [name for name, verdict in judged.items() if verdict == "fail"]
    return f"exceeded in {', '.join(named)}" if named else "shown to be exceeded nowhere"
