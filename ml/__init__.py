"""Models and their evidence: pure methods in core, stores in io, typed jobs in jobs.

Does not belong here: what is done with a prediction (decisions).
"""
