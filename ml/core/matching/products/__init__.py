"""Which product records are the same article: from records to scored pairs, as pure functions.

Belongs here: reading product texts and numbers, candidates, features, labels without people, the matcher, doubts. Does
not belong here: zones, clusters and verdicts, which all entities share (ml/core/matching), running (ml/jobs/products).
"""
