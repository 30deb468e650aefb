"""What the gates of promotion want to know of the present data.

Belongs here: summing up the validations of the published snapshot. Does not belong here: judging them (ml/core/gates).
"""

from expectations.report import latest
from workspace.settings import Settings

#: Boundaries that a model's training data passed through.
BOUNDARIES = ("landing", "master_data", "marts", "features")


def data_checks(settings: Settings) -> dict[str, dict[str, object]] | None:
    """Check → `{"passed": bool, "severity": "fail" | "warn"}` of the newest validations; None if there is none.

    A skipped check says nothing about the data and is left out.
    """
    reports = [report for boundary in BOUNDARIES if (report := latest(settings, boundary)) is not None]
    if not reports:
        return None
    return {
        f"{report.boundary}.{check.id}": {
            "passed": check.status == "passed",
            "severity": "fail" if check.severity == "error" else "warn",
        }
        for report in reports
        for check in report.checks
        if check.status != "skipped"
    }
