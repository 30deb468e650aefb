"""Global trade item numbers: one spelling of 14 digits for GTIN-8, UPC-A (GTIN-12), EAN-13 and GTIN-14.

Belongs here: reading a number, its check digit. Does not belong here: what a shared number says (products).
"""

import re
import unicodedata

DIGITS = 14
#: Longer texts are no number.
LONGEST_NUMBER = 40

_SPREADSHEET_DECIMALS = re.compile(r"\.0+$")
_SEPARATORS = re.compile(r"[\s-]+")
_NUMBER = re.compile(r"\d{8,14}")


def gtin(text: str) -> str | None:
    """The number as 14 digits; None where it is none: other signs, wrong length or check digit, all zeros.

    Nine to eleven digits are read as well: spreadsheets take leading zeros away. The check digit is that of the GS1
    General Specifications, 7.9: weighted 1, 3, 1, … from the right, the digits add up to a multiple of 10. A case and
    the piece in it have numbers of their own and stay apart.

    >>> gtin("4006381333931"), gtin("0 36000 29145 2"), gtin("36000291452.0"), gtin("4006381333932")
    ('04006381333931', '00036000291452', '00036000291452', None)
    """
    if len(text) > LONGEST_NUMBER:
        return None
    plain = unicodedata.normalize("NFKC", text).strip()
    digits = _SEPARATORS.sub("", _SPREADSHEET_DECIMALS.sub("", plain))
    if not _NUMBER.fullmatch(digits) or not digits.isascii() or not int(digits):
        return None
    padded = digits.zfill(DIGITS)
    total = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(padded))
    return padded if total % 10 == 0 else None
