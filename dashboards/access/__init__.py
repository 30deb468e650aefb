"""Who may do what in the console: sessions, form tokens, roles of routes, throttling, sign-in by OpenID Connect.

Does not belong here: what pages show (`dashboards.pages`), or where people and their passwords are kept (`workspace`).
"""
