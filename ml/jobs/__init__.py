"""Frozen, typed jobs: train, evaluate, audit, promote, score.

Does not belong here: methods (ml/core), stores (ml/io), scheduling (orchestration).
"""
