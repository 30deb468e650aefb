"""The demo company: its extracts are generated once, then landed like any other company's.

Belongs here: generating and landing the demo. Does not belong here: the network itself (twin), landing (sources).
"""

from collections.abc import Callable

from sources.landing import land
from sources.manifest import load_adapter
from sources.record import LandingReport
from twin.generate import generate_company, is_company_generated
from twin.parameters import load_preset
from workspace.settings import Settings

PRESET = "demo"


def land_demo(settings: Settings, tell: Callable[[str], None], **overrides: object) -> LandingReport:
    """Generate the demo extracts unless they are there whole, and land what is new in them.

    Args:
        settings: The company.
        tell: Told what is being done.
        overrides: Parameters of the twin to replace in the preset, such as `days`.
    """
    extracts = settings.paths.extracts
    parameters = load_preset(PRESET, **overrides)
    if not is_company_generated(parameters, settings.paths):
        tell("Generating the demo company's extracts")
        made = generate_company(parameters, settings.paths)
        tell(f"  {made.orders:,} orders over {made.days} days in {made.seconds:.0f} s")
    tell("Landing the demo company's extracts")
    return land(settings, load_adapter(PRESET), extracts)
