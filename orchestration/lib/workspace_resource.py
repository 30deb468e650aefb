"""The Dagster resource through which every asset reaches the settings of the company it works on.

Belongs here: turning resource configuration into `workspace.settings.Settings`. Does not belong here: new settings.
"""

import dagster as dg

from workspace.settings import Settings, load_settings


class WorkspaceResource(dg.ConfigurableResource):
    """Which home and company a run works on. Empty values mean: as the environment and the home say."""

    home: str = ""
    company: str = ""

    @property
    def settings(self) -> Settings:
        """Settings of this run, with every path absolute."""
        named = {key: value for key, value in (("home", self.home), ("company", self.company)) if value}
        settings = load_settings(**named)
        return settings.model_copy(update={"company": settings.paths.company})


def workspace_resource(settings: Settings | None) -> WorkspaceResource:
    """A resource fixed to `settings`, or one that follows the environment when there are none."""
    if settings is None:
        return WorkspaceResource()
    return WorkspaceResource(home=str(settings.home), company=settings.paths.company)
