"""How much agreement between two customer records says: Splink's comparisons, with a reason each.

Belongs here: which columns are compared at which levels, where training starts, and what counts as certain without a
model. Does not belong here: normalising (records), running Splink (ml/jobs/match), what follows from a score (zones).

The model is that of Fellegi and Sunter (1969): each level of agreement has a probability among true pairs (m) and
among strangers (u), estimated on the table itself; a rare value that agrees weighs more (term frequency). Columns that
say the same twice (address and post code) make one comparison, because the model takes comparisons for independent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
from splink import SettingsCreator, block_on
from splink.internals.comparison_creator import ComparisonCreator
from splink.internals.comparison_level_creator import ComparisonLevelCreator

from ml.core.matching.model import Certain, SplinkEntity
from ml.core.matching.records import CUSTOMER_ALIASES, CUSTOMER_KEYS, Key, prepare_customers

#: Agreement that a chance hit can reach weighs no more than this share of records would let it.
RAREST = 0.00001
#: Where training starts, and what an untrained level keeps: odds m / u of a level that says little more than nothing.
EQUAL, CLOSE, DIFFERENT = (0.8, 0.001), (0.1, 0.004), (0.1, 0.995)


@dataclass(frozen=True)
class Compared:
    """A comparison, the prepared columns of which it needs one, and why it looks as it does."""

    name: str
    columns: tuple[str, ...]
    build: ComparisonCreator
    why: str


def _equal(column: str) -> ComparisonLevelCreator:
    level = levels.ExactMatchLevel(column, term_frequency_adjustments=True)
    return level.configure(
        label_for_charts="equal", tf_minimum_u_value=RAREST, m_probability=EQUAL[0], u_probability=EQUAL[1],
        disable_tf_exact_match_detection=True,
    )  # fmt: skip


def _custom(sql: str, label: str, m: float, u: float, tf: str | None = None) -> ComparisonLevelCreator:
    level = levels.CustomLevel(sql, label)
    if tf is None:
        return level.configure(m_probability=m, u_probability=u)
    # A rare value is weighed against the frequency of its own level, not of another one that compares the same column.
    return level.configure(
        m_probability=m, u_probability=u, tf_adjustment_column=tf, tf_minimum_u_value=RAREST,
        disable_tf_exact_match_detection=True,
    )  # fmt: skip


def _else() -> ComparisonLevelCreator:
    return _is(levels.ElseLevel(), "different", *DIFFERENT)


def _comparison(name: str, *steps: ComparisonLevelCreator) -> ComparisonCreator:
    return comparisons.CustomComparison([*steps, _else()], output_column_name=name)


def _is(level: ComparisonLevelCreator, label: str, m: float, u: float) -> ComparisonLevelCreator:
    return level.configure(label_for_charts=label, m_probability=m, u_probability=u)


NAME = Compared(
    "name", ("name_letters", "name_latin", "name_native"),
    _comparison(
        "name", levels.NullLevel("name_letters"),
        _equal("name_native"),
        _custom("name_letters_l = name_letters_r", "same letters in another order or script", 0.1, 0.0002,
                tf="name_letters"),
        _is(levels.JaroWinklerLevel("name_latin", 0.92), "a slip of the pen", 0.05, 0.002),
        _is(levels.Or(levels.JaroWinklerLevel("name_latin", 0.8), levels.ArrayIntersectLevel("name_words", 1)),
            "a word in common", 0.03, 0.03),
    ),
    "Chinese names are written in either order and either alphabet; sorted letters of the reading are the same in all.",
)  # fmt: skip
GIVEN_AND_SURNAME = Compared(
    "name", ("given", "surname", "name_letters"),
    _comparison(
        "name", levels.NullLevel("name_letters"),
        _custom("given_l = given_r and surname_l = surname_r", "equal", 0.5, 0.0002, tf="name_letters"),
        _custom("name_letters_l = name_letters_r", "same letters in another order", 0.08, 0.0002, tf="name_letters"),
        _is(levels.And(levels.JaroWinklerLevel("given", 0.85), levels.JaroWinklerLevel("surname", 0.85)),
            "slips of the pen", 0.2, 0.0005),
        _is(levels.JaroWinklerLevel("surname", 0.92), "same surname", 0.08, 0.006),
        _is(levels.JaroWinklerLevel("given", 0.92), "same given name", 0.08, 0.012),
        _is(levels.JaroWinklerLevel("name_latin", 0.8), "a likeness", 0.03, 0.01),
    ),
    "Where a table keeps the two apart, one may be wrong, short (a nickname), or in the other's place.",
)  # fmt: skip
OTHERS = (
    Compared(
        "code", ("person_code",),
        _comparison("code", levels.NullLevel("person_code"),
                    _custom("person_code_l = person_code_r", "equal", 0.9, 0.00001),
                    _is(levels.DamerauLevenshteinLevel("person_code", 1), "one sign off", 0.06, 0.0001)),
        "A card's or person's number: two of them rarely belong to one person.",
    ),
    Compared(
        "birth", ("date_of_birth",),
        _comparison("birth", levels.NullLevel("date_of_birth"), _equal("date_of_birth"),
                    _is(levels.DamerauLevenshteinLevel("date_of_birth", 1), "one digit off", 0.12, 0.003),
                    _is(levels.DamerauLevenshteinLevel("date_of_birth", 2), "two digits off", 0.04, 0.02)),
        "A birthday changes by slips of single digits only.",
    ),
    Compared(
        "email", ("email",),
        _comparison("email", levels.NullLevel("email"), _equal("email"),
                    _custom("mailbox_l = mailbox_r", "same local part", 0.05, 0.0001),
                    _is(levels.And(levels.CustomLevel("mailbox_l is not null and mailbox_r is not null"),
                                   levels.DamerauLevenshteinLevel("email", 2)), "a slip of the pen", 0.04, 0.002)),
        "People keep their local part when they change the provider. Namesakes have alike mailboxes, told apart by a "
        "number, and short ones are alike by chance: only a sign or two of a long one may be a slip.",
    ),
    Compared(
        "phone", ("phone",),
        _comparison("phone", levels.NullLevel("phone"), _equal("phone"),
                    _custom("phone_tail_l = phone_tail_r", "same number without its prefix", 0.05, 0.0001)),
        "Numbers are changed, so that a different one says little; families share them, so that the name must confirm.",
    ),
)  # fmt: skip
_NO_PLACE = (
    "coalesce(address_l = address_r, suburb_l = suburb_r, postal_code_l = postal_code_r, region_code_l = region_code_r)"
    " is null"
)
_NEAR = "house_l = house_r and (postal_code_l = postal_code_r or suburb_l = suburb_r)"
#: Levels of agreement of places, most exact first: the columns that a level needs, how often true pairs reach it, and
#: the level with that probability.
_PLACES: tuple[tuple[tuple[str, ...], float, Callable[[float], ComparisonLevelCreator]], ...] = (
    (("address",), 0.5,
     lambda m: _custom("address_l = address_r and coalesce(postal_code_l = postal_code_r, suburb_l = suburb_r, true)",
                       "same door", m, 0.00005, tf="address")),
    (("address",), 0.05,
     lambda m: _custom("address_l = address_r", "same street and number", m, 0.0001, tf="address")),
    (("address", "house"), 0.1,
     lambda m: _is(levels.And(levels.CustomLevel(_NEAR), levels.JaroWinklerLevel("address", 0.85)),
                   "same door, spelt otherwise", m, 0.00005)),
    (("address",), 0.1, lambda m: _is(levels.JaroWinklerLevel("address", 0.88), "similar street", m, 0.003)),
    (("postal_code",), 0.1, lambda m: _custom("postal_code_l = postal_code_r", "same post code", m, 0.003)),
    (("suburb",), 0.06, lambda m: _custom("suburb_l = suburb_r", "same town", m, 0.02)),
    (("region_code",), 0.05, lambda m: _custom("region_code_l = region_code_r", "same region", m, 0.1)),
)  # fmt: skip


def place_of(columns: Sequence[str]) -> Compared:
    """The comparison of places that these prepared columns allow.

    Who lives at the same door lives in the same town: what a level is taken to reach passes to the next one where the
    table lacks its columns.
    """
    steps, passed = [], 0.0
    for needed, m, level in _PLACES:
        passed += m
        if set(needed) <= set(columns):
            steps.append(level(passed))
            passed = 0.0
    return Compared(
        "place", ("address", "suburb", "postal_code", "region_code"),
        _comparison("place", levels.CustomLevel(_NO_PLACE, "unknown").configure(is_null_level=True), *steps),
        "Address, post code, town and region say the same thing more or less exactly, so they are one comparison.",
    )  # fmt: skip


#: Pairs on which Splink learns: those of a key, together with the columns that the key fixes, so that their comparison
#: is left out. Each leaves the others free.
TRAINING = (
    ("key_phone", "phone"), ("key_email", "email"), ("key_code", "person_code"), ("key_address", "address"),
    ("key_name_place", "name_letters", "postal_code"), ("key_birth", "date_of_birth"),
)  # fmt: skip


def comparisons_for(columns: Sequence[str]) -> list[Compared]:
    """The comparisons that a table with these prepared columns allows."""
    name = GIVEN_AND_SURNAME if {"given", "surname"} <= set(columns) else NAME
    candidates = (name, *OTHERS, place_of(columns))
    return [compared for compared in candidates if set(compared.columns) & set(columns)]


def keys_for(columns: Sequence[str]) -> list[Key]:
    """The blocking keys whose columns the table has."""
    return [key for key in CUSTOMER_KEYS if set(key.parts) <= set(columns)]


def settings_for(columns: Sequence[str]) -> SettingsCreator:
    """Splink settings for a table of customers.

    Args:
        columns: Prepared columns (`records.prepare_customers`) that hold any value.
    """
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=[compared.build for compared in comparisons_for(columns)],
        blocking_rules_to_generate_predictions=[block_on(key.name) for key in keys_for(columns)],
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
        probability_two_random_records_match=0.0001,
    )


CUSTOMER = SplinkEntity(
    name="customer",
    prefix="c",
    aliases=CUSTOMER_ALIASES,
    prepare=prepare_customers,
    keys=CUSTOMER_KEYS,
    settings=settings_for,
    training=TRAINING,
    priors=("key_code", "key_email", "key_phone", "key_name_place"),
    telling=("person_code", "date_of_birth", "email", "phone"),
    names=("name_native", "name_letters"),
    certain=(
        Certain("person_code", ("person_code", "name_letters")),
        Certain("email", ("email", "name_letters")),
        Certain("phone", ("phone", "name_letters")),
    ),
    evidence=(
        ("code", "person_code"), ("name", "name_letters"), ("birthday", "date_of_birth"), ("e-mail", "email"),
        ("phone", "phone"), ("address", "address"), ("post code", "postal_code"), ("region", "region_code"),
    ),
)  # fmt: skip
