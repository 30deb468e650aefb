"""Order routing on anybody's files: reading them into a problem, keeping a run in a folder.

Does not belong here: the solver (ml.core.routing), the command (orchestration.cli.route), assets (orchestration.defs).
"""
