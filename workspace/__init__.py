"""Ground floor: settings, paths, the warehouse connection, published snapshots and the append-only ledger.

Belongs here: what every other room needs to find or open a store. Knows no table of the business by name.
Does not belong here: what is written into those stores (that is the room that writes it).
"""
