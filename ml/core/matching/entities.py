"""The entities that are matched, by name, and those of them that Splink scores.

Belongs here: the tables of them. Does not belong here: what is particular to one (customers, products, warehouses).
"""

from ml.core.matching.customers import CUSTOMER
from ml.core.matching.model import Entity, SplinkEntity
from ml.core.matching.products.entity import PRODUCT
from ml.core.matching.warehouses import WAREHOUSE

SPLINK_ENTITIES: dict[str, SplinkEntity] = {entity.name: entity for entity in (CUSTOMER, WAREHOUSE)}
ENTITIES: dict[str, Entity] = {CUSTOMER.name: CUSTOMER, PRODUCT.name: PRODUCT, WAREHOUSE.name: WAREHOUSE}
