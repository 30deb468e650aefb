"""Dagster definitions and the oi command; knows every other room.

Does not belong here: logic; assets and commands read, call a room, write, and report.
"""
