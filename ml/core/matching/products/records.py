"""Product records made comparable: numbers, names, codes, measures and pack sizes in one spelling each.

Belongs here: everything that is particular to a product record, the rules that link two without a model. Does not
belong here: reading a text (text), what agreement of two records says (features, matcher).

Input columns, all optional but `record_id`: see `PRODUCT_COLUMNS`. Prices and weights may be numbers or texts; a weight
without unit is in kilograms, a price of 0 is an unknown one.
"""

import re
from typing import Any

import polars as pl
from text_unidecode import unidecode

from ml.core.matching.products import text as textual
from ml.core.matching.products.gtin import gtin
from ml.core.matching.records import NothingToCompare

PRODUCT_COLUMNS = (
    "source_system", "gtin", "mapped_code", "title", "brand", "model_code", "description", "price", "weight",
    "pack_size",
)  # fmt: skip
#: Usual names of the columns in other people's tables.
PRODUCT_ALIASES = {
    "gtin": ("gtin", "gtin13", "gtin14", "gtin12", "gtin8", "ean", "ean13", "upc", "upc_a", "barcode", "bar_code",
             "isbn13", "条码", "条形码"),
    "mapped_code": ("mapped_code", "shared_code", "global_code", "master_code"),
    "title": ("title", "name", "product_name", "product_title", "product", "item_name", "item", "label", "名称",
              "品名", "标题", "商品名称"),
    "brand": ("brand", "brand_name", "manufacturer", "maker", "vendor", "marke", "品牌"),
    "model_code": ("model_code", "modelno", "model_no", "model", "model_number", "mpn", "part_number", "partno",
                   "manufacturer_part_number", "型号"),
    "description": ("description", "long_description", "details", "features", "描述"),
    "price": ("price", "list_price", "list_price_amount", "price_amount", "sale_price", "unit_price", "价格", "售价"),
    "weight": ("weight", "weight_kg", "shipweight", "shipping_weight", "gross_weight", "重量"),
    "pack_size": ("pack_size", "units_per_pack", "pack_quantity", "package_quantity", "quantity_per_pack", "count",
                  "包装数量"),
}  # fmt: skip
#: Values that fill a field and say nothing.
FILLERS = frozenset({"", "na", "none", "null", "nan", "unknown", "generic", "unbranded", "other", "various", "tbd"})
#: Kinds of measures that are what a pack holds. A length or a power belongs to the thing itself.
CONTENT_KINDS = ("mass", "volume")
#: Relative difference of two contents that is rounding: 16 oz are sold as 450 g.
SAME_CONTENT = 0.05

#: Records of a system that may share a code or number: what more have is a filler or a family.
MOST_SHARING = 8

_TYPES: dict[str, Any] = {
    **dict.fromkeys(("source_system", "gtin", "mapped_code", "title", "text"), pl.String),
    **dict.fromkeys(("brand", "model", "article", "letters"), pl.String),
    **dict.fromkeys(("price", "weight_g", "content_mass", "content_volume"), pl.Float64),
    **dict.fromkeys(("words", "codes", "numbers", "measures", "colours"), pl.List(pl.String)),
    "pieces": pl.Int64,
}
#: Signs of an amount; what has more is a code.
LONGEST_AMOUNT = 15
_AMOUNT = re.compile(r"\d[\d.,']*")
_DECIMAL_COMMA = re.compile(r",\d{1,2}$")


def prepare_products(frame: pl.DataFrame) -> pl.DataFrame:
    """What is compared of product records, one row each, in the order given.

    Columns: `record_id`, `source_system`, `gtin` (14 digits), `mapped_code`, `title`, `text` (title and description),
    `brand` and `model` (letters and digits in Latin script), `article` (brand, model and pack), `letters` (title and
    brand in Latin script), `price`, `weight_g`, `pieces` (null: not said), `content_mass`, `content_volume` (of one
    piece, g and ml), and the lists `words`, `codes`, `numbers`, `measures`, `colours`.

    Raises:
        NothingToCompare: no column says what the products are.
    """
    given = {column: _texts(frame, column) for column in PRODUCT_COLUMNS}
    titles = [textual.folded(text) for text in given["title"]]
    details = [textual.folded(text) for text in given["description"]]
    brands = [_known(_latin(text)) for text in given["brand"]]
    models = [_known(_latin(text)) for text in given["model_code"]]
    numbers = [gtin(text) for text in given["gtin"]]
    mapped = [text.strip() or None for text in given["mapped_code"]]
    if frame.height and not any(any(values) for values in (titles, models, numbers, mapped)):
        raise NothingToCompare(
            f"Products are compared by title, model code, GTIN or a mapped code; the table has {list(frame.columns)}, "
            f"and none of these columns holds a value. Map its columns with --columns."
        )
    stated = [_whole(text) for text in given["pack_size"]]
    pieces = [number or textual.pack_size(title) for number, title in zip(stated, titles, strict=True)]
    columns = {
        "record_id": frame["record_id"],
        "source_system": [text or None for text in given["source_system"]],
        "gtin": numbers,
        "mapped_code": mapped,
        "title": titles,
        "text": [_joined(*both) for both in zip(titles, details, strict=True)],
        "brand": brands,
        "model": models,
        "article": [_article(*all_three) for all_three in zip(brands, models, pieces, strict=True)],
        "letters": [_latin(f"{brand} {text}") for brand, text in zip(given["brand"], titles, strict=True)],
        "price": [_positive(amount(text)) for text in given["price"]],
        "weight_g": [_weight(text) for text in given["weight"]],
        "pieces": pieces,
        "codes": [_codes(*both) for both in zip(titles, details, models, strict=True)],
        **_named_in(titles),
    }
    prepared = pl.DataFrame(columns, schema_overrides=_TYPES)
    return prepared.with_columns([_telling(column) for column in ("gtin", "mapped_code", "article")])


def _named_in(titles: list[str]) -> dict[str, list[Any]]:
    measured = [textual.measures(title) for title in titles]
    return {
        **{f"content_{kind}": [_content(found, kind) for found in measured] for kind in CONTENT_KINDS},
        "words": [textual.words(title) for title in titles],
        "numbers": [textual.numbers(title) for title in titles],
        "measures": measured,
        "colours": [textual.colours(title) for title in titles],
    }


def _article(brand: str | None, model: str | None, pieces: int | None) -> str | None:
    """What a maker calls an article, by the pack: one where no pack is said; null without brand or code."""
    return f"{brand}|{model}|{pieces or 1}" if brand and model else None


def _telling(column: str) -> pl.Expr:
    """The value, null where so many records of a system have it that it is a filler."""
    return pl.when(pl.len().over("source_system", column) <= MOST_SHARING).then(pl.col(column)).alias(column)


def _texts(frame: pl.DataFrame, column: str) -> list[str]:
    if column not in frame.columns:
        return [""] * frame.height
    return [text or "" for text in frame[column].cast(pl.String).str.slice(0, textual.LONGEST_TEXT)]


def _joined(*texts: str) -> str:
    return " ".join(text for text in texts if text)


def _latin(text: str) -> str:
    """Letters and digits in lower case and Latin script: `海云` → `haiyun`."""
    return textual.compact(text if text.isascii() else unidecode(text))


def _known(text: str) -> str | None:
    return None if text in FILLERS else text


def _codes(title: str, details: str, model: str | None) -> list[str]:
    """Codes that a record names; its own model code first."""
    named = [*textual.codes(title), *textual.codes(details)]
    return list(dict.fromkeys([model, *named] if model else named))


def amount(text: str) -> float | None:
    """The first amount in a text, whichever sign parts its decimals; None where there is none.

    >>> amount("$1,234.50"), amount("1.234,50 €"), amount("12,5"), amount("free")
    (1234.5, 1234.5, 12.5, None)
    """
    found = _AMOUNT.search(textual.folded(text))
    if found is None:
        return None
    number = found[0].rstrip(".,'").replace("'", "")
    if _DECIMAL_COMMA.search(number) and number.count(",") == 1:
        number = number.replace(".", "").replace(",", ".")
    number = number.replace(",", "")
    return float(number) if number.count(".") <= 1 and len(number) <= LONGEST_AMOUNT else None


def _positive(number: float | None) -> float | None:
    return number if number else None


def _weight(text: str) -> float | None:
    """Weight in grams of a text with a unit, or of a number of kilograms."""
    for measure in textual.measures(textual.folded(text)):
        kind, number = measure.split("=")
        if kind == "mass":
            return _positive(float(number))
    kilograms = amount(text)
    return _positive(kilograms * 1000 if kilograms else None)


def _whole(text: str) -> int | None:
    number = amount(text)
    return int(number) if number and number >= 1 else None


def _content(measures: list[str], kind: str) -> float | None:
    """What one piece holds; None where nothing, or more than one thing, is said."""
    found = {float(measure.split("=")[1]) for measure in measures if measure.startswith(f"{kind}=")}
    return _positive(found.pop()) if len(found) == 1 else None
