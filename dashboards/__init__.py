"""The web console: pages over published snapshots, reports and ledgers.

Does not belong here: computing what it shows; that is a mart or a job.
"""
