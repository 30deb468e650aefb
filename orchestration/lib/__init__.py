"""Types and helpers of the Dagster instances in defs: the workspace resource, partitions, metadata, checks, runs.

Does not belong here: assets, jobs and sensors themselves (defs), logic of the rooms.
"""
