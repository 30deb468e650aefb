"""The extracts that were ever landed for a company.

Belongs here: which they are, and landing all of them again. Does not belong here: landing one (sources/landing).
"""

from pathlib import Path

from sources.history import landing_history
from sources.landing import land
from sources.manifest import Adapter, load_adapter
from sources.record import LandingReport
from workspace.settings import Settings


def known_extracts(settings: Settings) -> list[tuple[Adapter, Path]]:
    """Adapter and folder of every extract that was ever landed for the company, in order of first landing."""
    extracts = [report for report in landing_history(settings) if report.status != "replayed"]
    known = {(report.adapter, report.extract): report.adapter_folder for report in extracts}
    return [(load_adapter(folder or adapter), Path(extract)) for (adapter, extract), folder in known.items()]


def land_known_extracts(settings: Settings) -> list[LandingReport]:
    """Land what is new in each of them; what has landed before with the same mapping and contract is skipped."""
    return [land(settings, adapter, extract) for adapter, extract in known_extracts(settings)]
