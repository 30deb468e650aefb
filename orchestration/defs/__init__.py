"""Dagster instances: assets, checks, jobs, schedules, sensors, loaded by definitions.py.

Does not belong here: logic of the rooms.
"""
