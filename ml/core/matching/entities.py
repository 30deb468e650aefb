"""The entities that Splink matches, by name.

Belongs here: the table of them. Does not belong here: what is particular to one (customers, warehouses). Products are
not among them: they are matched by a matcher of our own (products).
"""

from ml.core.matching.customers import CUSTOMER
from ml.core.matching.model import Entity
from ml.core.matching.warehouses import WAREHOUSE

ENTITIES: dict[str, Entity] = {entity.name: entity for entity in (CUSTOMER, WAREHOUSE)}
