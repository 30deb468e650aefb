"""Stores that models meet: MLflow tracking and registry, data sets with digests, the promotion ledger.

Does not belong here: methods (ml/core) and steps (ml/jobs).
"""
