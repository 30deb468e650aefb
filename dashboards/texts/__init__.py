"""Every word that the console shows: a folder a language, in it a file a page.

Belongs here: the texts, and how they are read. Does not belong here: values and their formats (`dashboards.formats`).
"""
