"""Customer records: the same people under five codes, with what each system knows and gets wrong.

Belongs here: shop accounts, social buyers, till members, CRM contacts, ERP business partners.
Does not belong here: who they are (`twin.people`, `twin.systems.names`).
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.luck import uniform
from twin.people import TIERS
from twin.systems.codes import ORDER_SYSTEMS, SYSTEM_NUMBER, code
from twin.systems.defects import DefectLog, mistyped
from twin.systems.files import CSV, GBK, JSONL, SEMICOLON, Files
from twin.systems.frames import named, repeated
from twin.systems.names import true_fields
from twin.systems.times import dotted, iso, millis, slashed
from twin.tables import Columns
from twin.world import World

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

#: Share of people known to the CRM, by value tier (standard to platinum).
_CRM_SHARE = np.array([0.45, 0.7, 0.9, 0.97])
_LATIN_FACTOR = {"shop": 1.0, "social": 2.0, "pos": 0.0, "crm": 1.5, "erp": 0.0}
_TABLES = {"shop": "accounts", "social": "buyers", "pos": "members", "crm": "contacts", "erp": "partners"}
#: Codes of second records of the same person lie beyond all first ones.
SECOND = 10**9


@dataclass
class CustomerBook:
    """Which system knows whom, and the truth about every record."""

    world: World
    log: DefectLog
    known: dict[str, Mask] = field(init=False)

    def __post_init__(self) -> None:
        self.known = {system: np.zeros(self.world.people.count, dtype=bool) for system in _TABLES}

    def newcomers(self, system: str, customer: Ints, at: Ints) -> tuple[Ints, Ints]:
        """Customers whom the system did not know, each once, with the time of their first order there."""
        fresh = ~self.known[system][customer]
        who, first = np.unique(customer[fresh], return_index=True)
        self.known[system][who] = True
        return who, at[fresh][first]

    def write(self, files: Files, orders: Columns) -> pl.DataFrame:
        """Add the records that a day's orders make; returns their truth: source_system, customer_code, customer."""
        truth = []
        for number, system in enumerate(ORDER_SYSTEMS):
            mine = SYSTEM_NUMBER[orders["channel"]] == number
            truth += self._register(
                files, system, *self.newcomers(system, orders["customer"][mine], orders["ordered_at"][mine])
            )
        customer, at = orders["customer"], orders["ordered_at"]
        company = customer < self.world.people.companies
        tier = self.world.people.tier[customer]
        joins = uniform(self.world.parameters.seed, "member", customer) < _CRM_SHARE[tier]
        truth += self._register(files, "crm", *self.newcomers("crm", customer[joins], at[joins] + 900))
        truth += self._register(files, "erp", *self.newcomers("erp", customer[company], at[company] + 1800))
        return pl.concat(truth) if truth else pl.DataFrame()

    def _register(self, files: Files, system: str, who: Ints, at: Ints) -> list[pl.DataFrame]:
        if not len(who):
            return []
        twice = self.log.chosen("duplicate_customer", system, who)
        record = np.r_[who, who[twice] + SECOND]
        who, at = np.r_[who, who[twice]], np.r_[at, at[twice] + 7 * 86_400]
        frame = self._fields(system, who, at, record)
        codes = frame["code"]
        second = record >= SECOND
        self.log.note(system, _TABLES[system], codes.filter(second), "code", "duplicate_customer",
                      code(system, "customer", who[second]), codes.filter(second))  # fmt: skip
        _WRITERS[system](files, self.world, frame)
        return [pl.DataFrame({"source_system": repeated(system, len(who)), "customer_code": codes, "customer": who})]

    def _fields(self, system: str, who: Ints, at: Ints, record: Ints) -> pl.DataFrame:
        """True fields with the system's errors, and code, name, loyalty, is_company, tier and at."""
        world, log = self.world, self.log
        fields = true_fields(world.parameters.seed, world.people, world.network.geography, who)
        latin = log.chosen("latin_name", system, who, _LATIN_FACTOR[system])
        company = who < world.people.companies
        frame = fields.with_columns(
            code=_codes(system, record), name=fields["latin_name"].zip_with(pl.Series(latin), fields["local_name"]),
            loyalty="L" + pl.Series(who * 17 + 5_000_011).cast(pl.String), is_company=pl.Series(company),
            tier=named(TIERS, world.people.tier[who]), at=pl.Series(at),
        )  # fmt: skip
        place = (system, _TABLES[system], "code")
        log.note(system, _TABLES[system], frame["code"].filter(latin), "name", "latin_name",
                 frame["local_name"].filter(latin), frame["name"].filter(latin))  # fmt: skip
        frame = log.spoil(frame, log.chosen("typo", system, record), "name", "typo", place, mistyped)
        old = log.chosen("changed_phone", system, record)
        frame = log.spoil(frame, old, "phone", "changed_phone", place,
                          lambda _: frame["old_phone"].filter(old))  # fmt: skip
        # Families and dormitories: an address is shared in every system, a phone where somebody gave it.
        frame = self._share(frame, log.chosen("shared_phone", system, record), "phone", who, place)
        frame = self._share(frame, log.chosen("shared_address", "household", who), "address", who, place)
        frame = log.spoil(frame, log.chosen("missing_email", system, record), "email", "missing_email", place,
                          lambda email: pl.Series([None] * len(email), dtype=pl.String))  # fmt: skip
        swapped = log.chosen("swapped_fields", system, record)
        phone, email = frame["phone"].filter(swapped), frame["email"].filter(swapped)
        frame = log.spoil(frame, swapped, "phone", "swapped_fields", place, lambda _: email)
        return log.spoil(frame, swapped, "email", "swapped_fields", place, lambda _: phone)

    def _share(
        self, frame: pl.DataFrame, mask: Mask, column: str, who: Ints, place: tuple[str, str, str]
    ) -> pl.DataFrame:
        """Private customers of `mask` get the neighbour's value, the neighbour being the one before in number."""
        world = self.world
        mask = mask & (who > world.people.companies)
        near = true_fields(world.parameters.seed, world.people, world.network.geography, who[mask] - 1)
        return self.log.spoil(frame, mask, column, f"shared_{column}", place, lambda _: near[column])


def _codes(system: str, record: Ints) -> pl.Series:
    """Codes of records; a second record has the first one's code with a trailing letter, which no first code has."""
    first = code(system, "customer", record % SECOND)
    return (first + "D").zip_with(pl.Series(record >= SECOND), first)


def _shop(files: Files, world: World, frame: pl.DataFrame) -> None:
    files.add("shop/accounts", frame.select(
        account_no="code", name="name", email="email", mobile="phone", address="address", city="local_city",
        zip="postal_code", province=_local_region(world, frame),
        segment=pl.when("is_company").then(pl.lit("company")).otherwise(pl.lit("private")),
        level="tier", registered=iso("at"), changed=iso("at"),
    ), CSV)  # fmt: skip


def _social(files: Files, world: World, frame: pl.DataFrame) -> None:
    files.add("social/buyers", frame.select(
        buyer_id="code", nick="name", phone="phone",
        address=pl.struct(line="address", city="city", province=_latin_region(world, frame), post="postal_code"),
        first_seen=millis("at"),
    ), JSONL)  # fmt: skip


def _pos(files: Files, world: World, frame: pl.DataFrame) -> None:
    files.add("pos/members", frame.select(
        会员号="code", 姓名="name", 手机="phone", 城市="local_city", 省份=_local_region(world, frame), 积分卡="loyalty",
        登记时间=slashed("at"),
    ), GBK)  # fmt: skip


def _crm(files: Files, world: World, frame: pl.DataFrame) -> None:
    files.insert("crm/crm", "contacts", frame.select(
        contact_id="code", loyalty_no="loyalty", full_name="name", email="email", phone="phone", street="address",
        city="local_city", post_code="postal_code", region="region_code", lat="latitude", lon="longitude",
        kind=pl.when("is_company").then(pl.lit("B2B")).otherwise(pl.lit("B2C")), tier=pl.col("tier").str.to_uppercase(),
        created=iso("at"), modified=iso("at"),
    ))  # fmt: skip


def _erp(files: Files, world: World, frame: pl.DataFrame) -> None:
    files.add("erp/partners", frame.select(
        partner="code", name1="name", tel="phone", email="email", street="address", ort="local_city", plz="postal_code",
        region=pl.col("region_code").str.slice(3), angelegt=dotted("at"),
    ), SEMICOLON)  # fmt: skip


def _local_region(world: World, frame: pl.DataFrame) -> pl.Series:
    geography = world.network.geography
    return frame["region_code"].replace_strict(geography.codes, geography.local_names)


def _latin_region(world: World, frame: pl.DataFrame) -> pl.Series:
    geography = world.network.geography
    return frame["region_code"].replace_strict(geography.codes, geography.names)


_WRITERS = {"shop": _shop, "social": _social, "pos": _pos, "crm": _crm, "erp": _erp}
