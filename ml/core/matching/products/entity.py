"""What deciding and naming must know about products.

Belongs here: the rules that link two product records of a company without a model, what a steward is told of a pair.
Does not belong here: scoring pairs (matcher).
"""

from dataclasses import replace

from ml.core.matching.model import Certain, Entity
from ml.core.matching.products.records import PRODUCT_ALIASES

PRODUCT = Entity(
    name="product",
    prefix="p",
    aliases=PRODUCT_ALIASES,
    certain=(
        Certain("gtin", ("gtin",)),
        Certain("mapped_code", ("mapped_code",)),
        Certain("model_code", ("article",)),
    ),
    evidence=(
        ("GTIN", "gtin"), ("brand", "brand"), ("model code", "model"), ("pack size", "pieces"), ("title", "title"),
        ("price", "price"), ("weight", "weight_g"),
    ),
)  # fmt: skip

#: In anybody's tables a maker's code is one feature of many: shops give variants the code of their model.
PRODUCT_OF_ANYBODY = replace(PRODUCT, certain=PRODUCT.certain[:2])
