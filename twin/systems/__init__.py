"""The company's systems: each writes what it knows in its own codes, formats and errors.

One module a system,
or a family that shares its shape. Does not belong here: what truly happened (`twin.engine`) and how
it is mapped back (`sources/adapters/demo`).
"""
