"""The oi command: one module a command group, imported only when that command runs.

Does not belong here: logic of the rooms.
"""
