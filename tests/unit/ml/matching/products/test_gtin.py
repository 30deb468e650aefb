"""Global trade item numbers."""

import pytest

from ml.core.matching.products.gtin import gtin


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("4006381333931", "04006381333931"),  # the example of GS1's own documents
        ("4006381333932", None),  # a misprint
        ("73513537", "00000073513537"),  # GTIN-8
        ("0 36000 29145 2", "00036000291452"),  # UPC-A
        ("36000291452", "00036000291452"),  # the same after a spreadsheet took the zero
        ("36000291452.0", "00036000291452"),  # and made it a number
        ("４００６３８１３３３９３１", "04006381333931"),  # full-width digits
        ("14006381333938", "14006381333938"),  # the case has a number of its own
        ("0000000000000", None),
        ("4.00638E+12", None),
        ("B00004TQP1", None),
        ("", None),
        ("4006381333931" * 80_000, None),
    ],
)
def test_a_number_has_one_spelling_or_none(written: str, number: str | None) -> None:
    assert gtin(written) == number
