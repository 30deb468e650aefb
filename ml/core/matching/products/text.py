"""What a product's text says: words, n-grams, codes, numbers, measures with units, pack sizes.

Belongs here: from one text to the things named in it. Does not belong here: comparing two records (products).

Units are reconciled to one unit a kind (500 g = 0.5 kg), so that different writing is no difference. A pack size is
read apart from measures: "12 x 500 ml" holds 12 pieces of 500 ml, and is not the article of 500 ml.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

#: Longer texts are cut: no product needs more signs, and the cost of a comparison grows with them.
LONGEST_TEXT = 1_000
GRAM = 3
#: Fewest signs of a code: shorter ones are counts and sizes.
SHORTEST_CODE = 3
#: Fewest digits of a code that has no letter: shorter ones are counts and sizes.
SHORTEST_NUMBER_CODE = 4

#: Most letters of a code's first part that stands apart from its digits.
LONGEST_CODE_START = 4

#: Unit → (kind, how many of the kind's base unit it is). Base units: mm, g, ml, MB, W, V, mAh, MHz, s.
UNITS = {
    **dict.fromkeys(("mm", "millimeter", "millimeters", "毫米"), ("length", 1.0)),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "厘米"), ("length", 10.0)),
    **dict.fromkeys(("m", "meter", "meters", "米"), ("length", 1000.0)),
    **dict.fromkeys(("in", "inch", "inches", '"', "''", "”", "英寸", "寸"), ("length", 25.4)),
    **dict.fromkeys(("ft", "foot", "feet", "'"), ("length", 304.8)),
    **dict.fromkeys(("yd", "yard", "yards"), ("length", 914.4)),
    **dict.fromkeys(("mg",), ("mass", 0.001)),
    **dict.fromkeys(("g", "gr", "gram", "grams", "克"), ("mass", 1.0)),
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms", "千克", "公斤"), ("mass", 1000.0)),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), ("mass", 453.592)),
    **dict.fromkeys(("oz", "ounce", "ounces"), ("mass", 28.3495)),
    **dict.fromkeys(("ml", "毫升"), ("volume", 1.0)),
    **dict.fromkeys(("cl",), ("volume", 10.0)),
    **dict.fromkeys(("l", "ltr", "liter", "liters", "litre", "litres", "升"), ("volume", 1000.0)),
    **dict.fromkeys(("floz",), ("volume", 29.5735)),
    **dict.fromkeys(("gal", "gallon", "gallons"), ("volume", 3785.41)),
    **dict.fromkeys(("mb",), ("data", 1.0)),
    **dict.fromkeys(("gb", "gig"), ("data", 1000.0)),
    **dict.fromkeys(("tb",), ("data", 1_000_000.0)),
    **dict.fromkeys(("w", "watt", "watts", "瓦"), ("power", 1.0)),
    **dict.fromkeys(("kw",), ("power", 1000.0)),
    **dict.fromkeys(("匹", "hp"), ("horses", 1.0)),
    **dict.fromkeys(("v", "volt", "volts", "伏"), ("voltage", 1.0)),
    **dict.fromkeys(("mah",), ("charge", 1.0)),
    **dict.fromkeys(("ah",), ("charge", 1000.0)),
    **dict.fromkeys(("mhz",), ("frequency", 1.0)),
    **dict.fromkeys(("ghz",), ("frequency", 1000.0)),
    **dict.fromkeys(("mp", "megapixel", "megapixels"), ("pixels", 1.0)),
    **dict.fromkeys(("rpm",), ("turns", 1.0)),
    **dict.fromkeys(("dpi",), ("dots", 1.0)),
    **dict.fromkeys(("page", "pages"), ("pages", 1.0)),
    **dict.fromkeys(("btu", "btus"), ("heat", 1.0)),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), ("time", 3600.0)),
    **dict.fromkeys(("min", "minute", "minutes"), ("time", 60.0)),
}  # fmt: skip

COLOURS = {
    "black": "black", "blk": "black", "黑色": "black", "white": "white", "wht": "white", "白色": "white", "red": "red",
    "红色": "red", "blue": "blue", "蓝色": "blue", "green": "green", "绿色": "green", "yellow": "yellow",
    "pink": "pink", "粉色": "pink", "purple": "purple", "紫色": "purple", "orange": "orange", "brown": "brown",
    "gray": "grey", "grey": "grey", "灰色": "grey", "silver": "silver", "银色": "silver", "gold": "gold",
    "金色": "gold", "cyan": "cyan", "magenta": "magenta", "clear": "clear", "beige": "beige", "navy": "navy",
}  # fmt: skip

_NUMBER = r"\d{1,12}(?:[.,]\d{1,6})?"
_UNIT = "|".join(sorted((re.escape(unit) for unit in UNITS), key=len, reverse=True))
_NO_CODE_START = frozenset({"x", "of", "and", "or", "for", "to", "with", "in", "by", "at"})
_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
_IDEOGRAPHS = re.compile(r"[\u3400-\u9fff]")
_CHUNK = re.compile(r"[^\s,;|()\[\]{}\u3000-\u303f\u3400-\u9fff]+")
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_NUMBERS = re.compile(rf"(?<![\w.]){_NUMBER}(?![\w])|(?<![a-z\d.]){_NUMBER}")
_FLUID_OUNCES = re.compile(r"\bfl(?:uid)?\.?\s*(?:oz|ounces?)\b")
_MEASURE = re.compile(rf"(?<![\w./])({_NUMBER})[\s-]*({_UNIT})(?![a-z])")
_COUNTED = r"st|nd|rd|th|x|p|k|ct|count|packs?|pks?|pcs?|pieces?"
_ONLY_MEASURE = re.compile(rf"{_NUMBER}-?(?:{_UNIT})|\d+-?(?:{_COUNTED})|x\d+")
_CONTENT_UNIT = r"(?:ml|cl|l|ltr|liters?|litres?|kg|g|oz|floz|lbs?|毫升|升|克|千克|公斤)"
#: A pack size as one says it; the strongest way of saying first.
_PACKS = tuple(re.compile(pattern) for pattern in (
    r"\b(?:pack|set|box|case|bundle|lot|carton)\s*of\s*(\d{1,5})\b",
    rf"\b(\d{{1,4}})\s*[x×*]\s*(?={_NUMBER}\s*{_CONTENT_UNIT}(?![a-z]))",
    rf"\d\s*{_CONTENT_UNIT}\s*[x×*]\s*(\d{{1,4}})(?![\w.])",
    r"\b(\d{1,5})[\s-]*(?:packs?|pks?|pkg|ct|count|pcs?|pieces?|pieza|stück|stk)\b",
    r"(\d{1,5})\s*(?:件|个|只|片|瓶|包|盒|袋|罐|支)(?:装|套|入)?",
))  # fmt: skip


@lru_cache(maxsize=1 << 16)
def folded(text: str) -> str:
    """Text in lower case and Unicode's compatible form (full-width digits become digits), without marks, cut.

    Signs that show nothing and pictures (emoji) become blanks.
    """
    plain = unicodedata.normalize("NFKC", text[:LONGEST_TEXT])
    if not plain.isascii():
        plain = "".join(_shown(sign) for sign in unicodedata.normalize("NFKD", plain))
    return " ".join(plain.lower().split())[:LONGEST_TEXT]


def _shown(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Mn":
        return ""
    return " " if category[0] in "CZ" or category == "So" else sign


def words(text: str) -> list[str]:
    """Words and numbers of a folded text; of a run of ideographs, which has no blanks, each pair of neighbours."""
    found = []
    for word in _WORD.findall(text):
        if len(word) > 2 and _IDEOGRAPHS.match(word):
            found += [word[place : place + 2] for place in range(len(word) - 1)]
        else:
            found.append(word)
    return found


def grams(text: str) -> list[str]:
    """Letters and digits of a folded text in runs of three, within words; words are marked at both ends."""
    return [
        padded[place : place + GRAM]
        for word in _WORD.findall(text)
        for padded in (f" {word} ",)
        for place in range(len(padded) - GRAM + 1)
    ]


def codes(text: str) -> list[str]:
    """What may be a maker's code in a folded text, without separators: `ktc-d320/1g` → `ktcd3201g`.

    Chunks that hold a digit and are no measure; chunks of several parts give each part that would be a code as well,
    and two neighbours are joined, since one writes `kdl 40ex500` where the other writes `kdl40ex500`.
    """
    chunks = _CHUNK.findall(text)
    found = [code for chunk in chunks for code in _codes_of(chunk)]
    joined = [
        _SEPARATORS.sub("", left + right)
        for left, right in pairwise(chunks)
        if _may_begin_code(left) and _may_end_code(right)
    ]  # fmt: skip
    return [*found, *[code for code in joined if _is_code(code)]]


def _may_begin_code(word: str) -> bool:
    return word.isalpha() and len(word) <= LONGEST_CODE_START and word not in _NO_CODE_START


def _may_end_code(word: str) -> bool:
    least = SHORTEST_NUMBER_CODE if word.isdigit() else SHORTEST_CODE
    return word[:1].isdigit() and len(word) >= least and not _ONLY_MEASURE.fullmatch(word)


def _codes_of(chunk: str) -> Iterator[str]:
    if _ONLY_MEASURE.fullmatch(chunk) or not any(sign.isdigit() for sign in chunk):
        return
    whole = _SEPARATORS.sub("", chunk)
    if _is_code(whole):
        yield whole
    parts = _SEPARATORS.split(chunk)
    if len(parts) > 1:
        yield from (part for part in parts if _is_code(part) and not _ONLY_MEASURE.fullmatch(part))


def _is_code(text: str) -> bool:
    digits = sum(sign.isdigit() for sign in text)
    return digits >= SHORTEST_NUMBER_CODE or (0 < digits < len(text) and len(text) >= SHORTEST_CODE)


def compact(text: str) -> str:
    """A code field's letters and digits."""
    return _SEPARATORS.sub("", folded(text))


def numbers(text: str) -> list[str]:
    """Numbers of a folded text, not those inside codes, each in one spelling."""
    return [_spelt(float(number.replace(",", "."))) for number in _NUMBERS.findall(text)]


def measures(text: str) -> list[str]:
    """Measures of a folded text in their kind's base unit, three digits exact: `0.5 kg` and `500g` → `mass=500`."""
    found = []
    for number, unit in _MEASURE.findall(_FLUID_OUNCES.sub("floz", text)):
        kind, factor = UNITS[unit]
        found.append(f"{kind}={_spelt(float(number.replace(',', '.')) * factor)}")
    return found


def colours(text: str) -> list[str]:
    """Colours that a folded text names."""
    return [COLOURS[word] for word in _WORD.findall(text) if word in COLOURS]


def pack_size(text: str) -> int | None:
    """Pieces in one sales unit as a folded text says; None where it says nothing."""
    for pattern in _PACKS:
        found = pattern.search(_FLUID_OUNCES.sub("floz", text))
        if found and int(found[1]) >= 1:
            return int(found[1])
    return None


def _spelt(number: float) -> str:
    """Three digits exact, without an exponent: rounding of a converted unit makes no difference."""
    return f"{float(f'{number:.3g}'):.12g}"
