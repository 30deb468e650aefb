"""What is done with predictions: policies, thresholds, rules and the decision service.

Holds no module yet: nothing decides by itself in this version. Does not belong here: models (ml), pages (dashboards).
"""
