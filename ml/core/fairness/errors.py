"""The one error of an audit that cannot start.

Belongs here: its type. Does not belong here: verdicts about evidence, which are results and not errors.
"""


class UnusableTable(ValueError):
    """The table or the parameters break a rule; the message states the rule, the value met and the remedy."""
