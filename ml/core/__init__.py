"""Pure functions on arrays and frames: features, metrics, calibration, fairness, routing. Imports nothing of ours.

Does not belong here: files, databases, MLflow (ml/io), the order of steps (ml/jobs).
"""
