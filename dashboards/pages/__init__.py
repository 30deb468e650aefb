"""One module a page: its routes, and the values that its template shows.

Does not belong here: SQL (`dashboards.queries`), words (`dashboards.texts`), statistics (`dashboards.figures`).
"""
