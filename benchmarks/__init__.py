"""Measurements: one `bench_<subject>.py` a subject, each run as a script that prints its figures as markdown.

Does not belong here: tests of behaviour; those are in `tests/`.
"""
