"""What is done with predictions: policies, thresholds, rules and the decision service.

Does not belong here: models (ml), pages (dashboards).
"""
