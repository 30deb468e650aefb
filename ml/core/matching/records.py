"""Records made comparable: one spelling for what differs only in writing, and the keys that bring candidates together.

Belongs here: normalising the columns of customer records, blocking keys. Does not belong here: how much agreement says
(customers), recognising the columns of a foreign table (columns).

Input columns, all optional but `record_id`: `source_system`, `person_code`, `full_name` or `given_name` and `surname`,
`date_of_birth`, `email`, `phone`, `street_number`, `address_line`, `suburb`, `city`, `postal_code`, `region_code`.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ml.core.matching.romanise import romanised

#: Longer values are cut: nobody's name or address has more signs, and a comparison's cost grows with the square.
LONGEST_VALUE = 200
#: Candidate pairs that one key may bring per record. Values that more records share are left out, largest first: a
#: hundred thousand equal names bring together strangers, and their pairs would never end.
PAIRS_PER_RECORD = 5
#: Records that may share a value in any case, so that a table of a hundred rows is compared as a whole.
SMALLEST_LIMIT = 8
#: Signs from which on a person's code is taken for one that systems share (a card's number), not a local counter.
SHARED_CODE_LENGTH = 7

#: Last digits of a number that tell lines apart without country and trunk prefix.
TELLING_DIGITS = 9

#: Usual names of these columns in other people's tables.
CUSTOMER_ALIASES = {
    "source_system": ("source_system", "source", "source_dataset", "system"),
    "person_code": ("person_code", "soc_sec_id", "ssn", "national_id", "tax_id", "loyalty_code", "card_number",
                    "身份证号", "会员卡号"),
    "full_name": ("full_name", "name", "customer_name", "contact_name", "姓名", "客户名称"),
    "given_name": ("given_name", "first_name", "firstname", "forename", "fname", "vorname", "名"),
    "surname": ("surname", "last_name", "lastname", "family_name", "lname", "nachname", "familienname", "姓"),
    "date_of_birth": ("date_of_birth", "dob", "birth_date", "birthdate", "birthday", "geburtsdatum", "出生日期",
                      "生日"),
    "email": ("email", "e_mail", "email_address", "mail", "mail_address", "邮箱", "电子邮箱"),
    "phone": ("phone", "phone_number", "telephone", "tel", "mobile", "mobile_number", "mobile_phone", "cell",
              "cell_phone", "telefon", "telefonnummer", "handy", "电话", "手机", "手机号"),
    "street_number": ("street_number", "house_number"),
    "address_line": ("address_line", "address_1", "address1", "address", "street_address", "street", "strasse",
                     "straße", "地址"),
    "suburb": ("suburb", "district"),
    "city": ("city", "town", "municipality", "ort", "stadt", "城市"),
    "postal_code": ("postal_code", "postcode", "post_code", "zip", "zip_code", "zipcode", "plz", "postleitzahl",
                    "邮编", "邮政编码"),
    "region_code": ("region_code", "region", "state", "province"),
}  # fmt: skip
CUSTOMER_COLUMNS = tuple(CUSTOMER_ALIASES)

_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"


class NothingToCompare(ValueError):
    """A table has no column that says who its records are."""


@dataclass(frozen=True)
class Key:
    """A blocking key: records that share its value are compared.

    Attributes:
        name: Column that holds it.
        parts: Normalised columns that it is made of; a record that lacks one has no key.
        why: What it finds that others do not.
    """

    name: str
    parts: tuple[str, ...]
    why: str


CUSTOMER_KEYS = (
    Key("key_code", ("person_code",), "the number of a card or of a person"),
    Key("key_email", ("email",), "the same mailbox"),
    Key("key_phone", ("phone",), "the same line; a changed phone is found by the others"),
    Key("key_address", ("address", "postal_code"), "the same door, for people who changed phone and mailbox"),
    Key("key_street", ("address",), "the same door where the post code is wrong"),
    Key("key_name_place", ("name_letters", "postal_code"), "the same name in the same post code, any script or order"),
    Key("key_name_suburb", ("name_letters", "suburb"), "the same name in the same suburb where the post code is wrong"),
    Key("key_birth_surname", ("date_of_birth", "surname_start"), "the same birthday and surname, mistyped given name"),
    Key("key_birth_given", ("date_of_birth", "given_start"), "the same birthday and given name, changed surname"),
    Key("key_birth_place", ("date_of_birth", "postal_code"), "the same birthday nearby, both names mistyped"),
    Key("key_name", ("name_letters",), "the same rare name, nothing else in common"),
    Key("key_surname", ("surname",), "the same rare surname"),
    Key("key_given", ("given", "suburb"), "the same given name in the same town"),
    Key("key_birth", ("date_of_birth",), "the same birthday, in tables where few people share one"),
    Key("key_mailbox", ("mailbox",), "the same local part at another provider"),
)


def prepare_customers(frame: pl.DataFrame) -> pl.DataFrame:
    """Normalised columns of customer records, one row each, in the order given; only columns that can be known.

    Raises:
        NothingToCompare: no column names or reaches anybody.
    """
    known = [column for column in CUSTOMER_COLUMNS if column in frame.columns]
    text = frame.select("record_id", *[cleaned(frame[column]).alias(column) for column in known])
    for missing in set(CUSTOMER_COLUMNS) - set(known):
        text = text.with_columns(pl.lit(None, pl.String).alias(missing))
    prepared = _named(_reached(text)).select(
        "record_id", "source_system", "person_code", "name_native", "name_latin", "name_words", "name_letters", "given",
        "surname", "given_start", "surname_start", "date_of_birth", "email", "mailbox", "phone", "phone_tail",
        "address", "house", "suburb", "postal_code", "postal_start", "region_code",
    )  # fmt: skip
    usable = [column for column in prepared.columns[2:] if prepared[column].null_count() < prepared.height]
    if prepared.height and not {"person_code", "name_letters", "email", "phone", "date_of_birth"} & set(usable):
        raise NothingToCompare(
            f"Customers are compared by name, e-mail, phone, birthday or a code; the table has {list(frame.columns)}, "
            f"and none of these columns holds a value. Map its columns with --columns."
        )
    return prepared


def with_keys(prepared: pl.DataFrame, keys: Sequence[Key] = CUSTOMER_KEYS) -> pl.DataFrame:
    """The records with one column a key: null where a part is unknown, or shared by so many that it says nothing."""
    made = prepared.with_columns(
        [pl.concat_str([pl.col(part) for part in key.parts], separator="\x1f").alias(key.name) for key in keys]
    )
    sizes = made.select(pl.len().over(key.name).cast(pl.Int64).alias(key.name) for key in keys)
    limited = [
        pl.when(pl.lit(sizes[key.name] <= _largest_block(sizes[key.name], made[key.name])))
        .then(pl.col(key.name))
        .alias(key.name)
        for key in keys
    ]
    return made.with_columns(limited)


def _largest_block(sizes: pl.Series, key: pl.Series) -> int:
    """Most records that may share a value of the key, so that it brings `PAIRS_PER_RECORD` pairs a record at most.

    Args:
        sizes: Records that share each record's value.
        key: The values.
    """
    blocks = pl.DataFrame({"size": sizes.filter(key.is_not_null())}).group_by("size").len().sort("size")
    # As many records as it has are in a block of a size.
    pairs = ((blocks["size"] - 1) * blocks["len"].cast(pl.Int64) // 2).cum_sum()
    within = blocks["size"].filter(pairs <= PAIRS_PER_RECORD * key.len())
    return max([SMALLEST_LIMIT, *within.to_list()])


def cleaned(values: pl.Series) -> pl.Series:
    """Text in Unicode's compatible form (full-width digits become digits), without signs that show nothing, cut."""
    text = values.cast(pl.String).str.slice(0, LONGEST_VALUE)
    # Most values need nothing: what does is looked for once, and each such value is put right once.
    odd = text.filter(text.str.contains(r"[^\x21-\x7e ]|^ |  | $")).unique()
    if odd.len():
        plain = pl.Series([unicodedata.normalize("NFKC", value) for value in odd], dtype=pl.String)
        text = text.replace(odd, plain.str.replace_all(r"[\p{C}\s]+", " ").str.strip_chars())
    return text.set(text == "", None)


def _reached(text: pl.DataFrame) -> pl.DataFrame:
    """Adds e-mail and phone by their shape (systems swap them), address, house number and places."""
    mail, call = pl.col("email").str.to_lowercase(), pl.col("phone").str.to_lowercase()
    # A number that was typed where the mailbox belongs has no other letter in it.
    number = (
        pl.coalesce(_phone(pl.col("phone")), _phone(pl.col("email")))
        if text["email"].null_count() < text.height else _phone(pl.col("phone"))
    )  # fmt: skip
    mailbox = pl.coalesce(pl.when(mail.str.contains(_EMAIL)).then(mail), pl.when(call.str.contains(_EMAIL)).then(call))
    places = [folded(column).alias(column) for column in ("suburb", "postal_code", "region_code")]
    line = pl.concat_str([pl.col("street_number"), pl.col("address_line")], separator=" ", ignore_nulls=True)
    reached = text.with_columns(
        phone=number, email=mailbox.str.replace(r"\+[^@]*@", "@"), suburb=pl.coalesce("suburb", "city"),
        person_code=folded("person_code"), date_of_birth=pl.col("date_of_birth").str.replace_all(r"[^0-9]", ""),
        phone_tail=pl.when(number.str.len_chars() >= TELLING_DIGITS).then(number.str.tail(TELLING_DIGITS)),
        house=line.str.extract_all(r"\d+").list.join(" "),
        address=pl.when(pl.col("address_line").is_not_null()).then(line),
    )  # fmt: skip
    return reached.with_columns(
        *places, mailbox=pl.col("email").str.extract(r"^([^@]{5,})@"), address=folded("address"), house=_some("house"),
        date_of_birth=_some("date_of_birth"), postal_start=pl.col("postal_code").str.slice(0, 3),
        # A short code may be a counter that two systems run on their own.
        person_code=pl.when(pl.col("person_code").str.len_chars() < SHARED_CODE_LENGTH)
        .then(pl.concat_str([pl.col("source_system"), pl.col("person_code")], separator=":", ignore_nulls=True))
        .otherwise("person_code"),
    )  # fmt: skip


def _named(reached: pl.DataFrame) -> pl.DataFrame:
    """Adds the name as written, in Latin words, and as sorted letters, which no order and no spacing changes."""
    parts = pl.concat_str([pl.col("given_name"), pl.col("surname")], separator=" ", ignore_nulls=True)
    named = reached.with_columns(full_name=pl.coalesce("full_name", pl.when(parts != "").then(parts)))
    latin = romanised(named["full_name"])
    words = latin.str.split(" ")
    has_parts = reached["surname"].null_count() < reached.height
    return named.with_columns(
        name_native=folded("full_name"),
        name_words=words,
        name_latin=_words_in_order(latin, words),
        name_letters=letters_in_order(latin.str.replace_all(r"[^a-z0-9]", "")),
        given=romanised(reached["given_name"]) if has_parts else pl.lit(None, pl.String),
        surname=romanised(reached["surname"]) if has_parts else pl.lit(None, pl.String),
    ).with_columns(
        name_letters=_some("name_letters"), name_latin=_some("name_latin"), given=_some("given"),
        given_start=pl.col("given").str.slice(0, 3), surname_start=pl.col("surname").str.slice(0, 4),
    )  # fmt: skip


def _words_in_order(names: pl.Series, words: pl.Series) -> pl.Series:
    """The names with their words in order. Polars takes twenty times as long to sort lists of words."""
    count = words.list.len()
    first, second, third = (words.list.get(place, null_on_oob=True) for place in range(3))
    least, most = pl.min_horizontal(first, second, third), pl.max_horizontal(first, second, third)
    middle = pl.max_horizontal(
        pl.min_horizontal(first, second), pl.min_horizontal(pl.max_horizontal(first, second), third)
    )
    short = pl.select(
        pl.when(count == 1).then(first)
        .when(count == 2).then(pl.concat_str(least, most, separator=" "))
        .when(count == 3).then(pl.concat_str(least, middle, most, separator=" "))
    ).to_series()  # fmt: skip
    long = names.filter(count > 3).unique()
    return (
        short
        if not long.len()
        else pl.select(
            pl.when(count > 3)
            .then(names.replace(long, [" ".join(sorted(name.split(" "))) for name in long]))
            .otherwise(short)
        ).to_series()
    )


def letters_in_order(names: pl.Series) -> pl.Series:
    """The signs of each name in order, empty where it has none: no order of words and no spacing changes them.

    Args:
        names: Texts of ASCII signs.

    >>> letters_in_order(pl.Series(["idahill", "hillida", "", None])).to_list()
    ['adhiill', 'adhiill', '', None]
    """
    distinct = names.drop_nulls().unique()
    lengths = distinct.str.len_bytes().to_numpy().astype(np.int64)
    order = np.argsort(lengths, kind="stable")
    distinct, lengths = distinct[order], lengths[order]
    ends = np.cumsum(lengths)
    signs = np.frombuffer("".join(distinct.to_list()).encode("ascii"), dtype=np.uint8).copy()
    for length in np.unique(lengths[lengths > 0]):
        of_length = np.flatnonzero(lengths == length)
        block = signs[ends[of_length[0]] - length : ends[of_length[-1]]].reshape(-1, length)
        block.sort(axis=1)
    arranged = signs.tobytes().decode("ascii")
    starts = ends - lengths
    return names.replace(
        distinct, [arranged[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    )


def _phone(column: pl.Expr) -> pl.Expr:
    # A mailbox has no digits to look for: taking its letters away would take most of the time.
    number = pl.when(~column.str.contains(r"[A-Za-z@]")).then(column)
    digits = number.str.replace_all(r"[^0-9]", "").str.strip_chars_start("0")
    return pl.when(digits.str.len_chars().is_between(6, 15)).then(digits)


def folded(column: str) -> pl.Expr:
    """The column in lower case, letters and digits only; null where nothing is left."""
    return _some(pl.col(column).str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", ""))


def _some(column: str | pl.Expr) -> pl.Expr:
    """The text, null where empty."""
    text = pl.col(column) if isinstance(column, str) else column
    return pl.when(text != "").then(text)
