"""Order routing: which node and service level ships each line, at what cost, how far from the best possible, and why.

Does not belong here: reading tables (orchestration, ml/io), learning lateness or costs (ml/jobs), carrying a choice out
(decisions). Import from the modules: `problem`, `parameters`, `solve`, `realtime`, `regional`, `explain`.
"""
