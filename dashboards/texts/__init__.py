"""Every word that the console shows, one file a language, and how it is read.

Belongs here: the texts. Does not belong here: values and their formats (`dashboards.formats`).
"""
