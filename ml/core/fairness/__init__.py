"""Regional bias audits: what differs between groups, whether chance explains it, and what cannot be judged.

Belongs here: counts by group, metrics, inference, verdicts, label decomposition, proxies, mitigation, the report's
pages. Does not belong here: reading files and databases (ml/io), which model or table is audited when (ml/jobs), the
command line.
"""
