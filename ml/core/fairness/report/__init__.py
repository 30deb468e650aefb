"""The fairness report: one self-contained HTML page per language, made from an audit and its context.

Belongs here: texts, tables, charts and the order of the page. Does not belong here: any number that is not already in
the audit or its context; writing files (the caller); printing to PDF (ml/io).
"""
