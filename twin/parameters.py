"""What a simulated company is: one frozen model of parameters, with ranges that say their rule.

Belongs here: every number that shapes the world, its default and its range; loading from YAML; the presets.
Does not belong here: what the numbers do (the module named in each group's docstring does).
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

PRESETS = Path(__file__).parent / "presets"
GEOGRAPHY = Path(__file__).parent / "geography"

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Hours = Annotated[float, Field(ge=0.0, le=240.0)]


class BadParameters(ValueError):
    """Parameters break a rule; the message names the field, the rule and the value met."""


class Group(BaseModel):
    """A group of parameters: unknown names are refused, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Network(Group):
    """Nodes and where they stand (`twin.network`).

    Attributes:
        geography: Name of a table in `twin/geography`, or a path to one with the same columns.
        nodes: Nodes that ship.
        store_share: Share of nodes that are stores; they hold a narrow assortment and open every day.
        hub_home_share: Share of regions whose static home node is the hub of the larger area though a nearer node
            exists, as history grew it.
        capacity_headroom: Daily capacity over mean daily load.
        closed_sunday_share: Share of nodes that rest on Sundays.
        areas_per_region: Post-code areas in a region.
    """

    geography: str = "china"
    nodes: int = Field(default=24, ge=2, le=200)
    store_share: Share = 0.25
    hub_home_share: Share = 0.08
    capacity_headroom: float = Field(default=1.8, ge=0.5, le=10)
    closed_sunday_share: Share = 0.2
    areas_per_region: int = Field(default=10, ge=2, le=90)


class Demand(Group):
    """Orders (`twin.demand`), products (`twin.catalogue`) and customers (`twin.people`).

    Attributes:
        orders_per_day: Mean orders a day over the horizon.
        products: Products sold.
        customers: People and companies who may order.
        zipf_exponent: Popularity of the k-th product is proportional to 1 / (k + 3) ** exponent.
        intermittent_share: Share of products, the least popular, that sell only in some weeks.
        active_share: Share of weeks in which an intermittent product sells.
        lines_per_order: Mean lines of an order; a company's order has 0.6 more than a private one.
        b2b_share: Share of orders from companies.
        promotion_lift: Demand on promotion days (day of month = number of month) over a normal day.
        season_swing: Amplitude of the yearly wave.
        cancel_share: Share of orders that the customer cancels before dispatch.
        return_share: Mean share of delivered lines sent back.
        review_share: Share of delivered orders that are rated.
        gift_share: Share of orders shipped to another region than the customer's own.
    """

    orders_per_day: float = Field(default=400, ge=1, le=2_000_000)
    products: int = Field(default=1_500, ge=10, le=1_000_000)
    customers: int = Field(default=9_000, ge=50, le=50_000_000)
    zipf_exponent: float = Field(default=1.0, ge=0, le=3)
    intermittent_share: Share = 0.5
    active_share: float = Field(default=0.35, ge=0.05, le=1)
    lines_per_order: float = Field(default=1.6, ge=1, le=6)
    b2b_share: Share = 0.08
    promotion_lift: float = Field(default=2.2, ge=1, le=10)
    season_swing: float = Field(default=0.08, ge=0, le=0.9)
    cancel_share: Share = 0.025
    return_share: Share = 0.06
    review_share: Share = 0.35
    gift_share: Share = 0.04


class Supply(Group):
    """Stock and its replenishment (`twin.supply`).

    Attributes:
        core_share: Share of products that every distribution centre holds.
        local_share: Chance that a distribution centre holds a product outside the core.
        store_factor: Assortment of a store as a share of a distribution centre's.
        lead_days: Mean days from purchase order to receipt.
        lead_spread: Log-standard deviation of the lead time.
        cover_days: Days of mean demand that an order-up-to level adds to the reorder level.
        safety: Standard deviations of lead-time demand kept as safety stock.
        transfer_share: Share of replenishments of an outer node that come from its hub when the hub can spare them.
        short_receipt_share: Share of receipts that hold fewer units than expected.
        race_share: Share of picked lines whose unit was sold twice and is not there.
    """

    core_share: Share = 0.16
    local_share: Share = 0.31
    store_factor: float = Field(default=0.5, ge=0, le=1)
    lead_days: float = Field(default=7, ge=1, le=60)
    lead_spread: float = Field(default=0.35, ge=0, le=2)
    cover_days: float = Field(default=12, ge=1, le=180)
    safety: float = Field(default=1.0, ge=0, le=6)
    transfer_share: Share = 0.3
    short_receipt_share: Share = 0.03
    race_share: Share = 0.006


class Dispatch(Group):
    """How orders were dispatched (`twin.dispatch`) and handled (`twin.fulfil`).

    Attributes:
        waves_per_day: Times a day at which orders are given to nodes.
        max_candidates: Nodes looked at beyond the home node before an order is split.
        person_share: Share of orders whose node a person changes.
        hold_share: Share of private orders held for a person to check before dispatch.
        release_minutes: Mean minutes from the choice of the node to the release of the work.
        patience_days: Days after which a line without stock is given up.
        clerks: People who handle orders.
    """

    waves_per_day: int = Field(default=8, ge=1, le=48)
    max_candidates: int = Field(default=12, ge=1, le=200)
    person_share: Share = 0.05
    hold_share: Share = 0.045
    release_minutes: float = Field(default=40, ge=1, le=1440)
    patience_days: int = Field(default=6, ge=1, le=60)
    clerks: int = Field(default=40, ge=1, le=5_000)


class Transit(Group):
    """Promises and the time to the door (`twin.fulfil`).

    Attributes:
        noise: Log-standard deviation of the time on the road.
        tail_share: Share of parcels that go astray for a while.
        tail_days: Mean days that they lose.
        promise_slack: Promised time over planned time.
        promise_handling_hours: Hours for handling in a promise.
        promise_cap_hours: Longest promise; places farther than this allows are late because they are far.
        peak_drag: How much a day of twice the mean load lengthens the road, as a share.
    """

    noise: float = Field(default=0.22, ge=0, le=2)
    tail_share: Share = 0.025
    tail_days: float = Field(default=2.5, ge=0, le=30)
    promise_slack: float = Field(default=1.4, ge=0.2, le=5)
    promise_handling_hours: Hours = 44
    promise_cap_hours: float = Field(default=148, ge=4, le=1000)
    peak_drag: float = Field(default=0.15, ge=0, le=3)


class Signals(Group):
    """The outside world (`twin.signals`); rates are per place and 30 days.

    Attributes:
        weather_rate: Weather events of a region.
        weather_drag: How much the worst weather lengthens the road, as a share.
        outage_rate: Outages of a node.
        market_rate: Shocks of a product category.
        market_lift: Demand under the strongest shock over normal demand.
    """

    weather_rate: float = Field(default=1.5, ge=0, le=30)
    weather_drag: float = Field(default=0.9, ge=0, le=10)
    outage_rate: float = Field(default=0.4, ge=0, le=30)
    market_rate: float = Field(default=0.25, ge=0, le=30)
    market_lift: float = Field(default=2.0, ge=1, le=20)


class Effects(Group):
    """Planted unfairness (`twin.effects`): each has a place, a size and a switch.

    Attributes:
        release_on, release_region, release_hours: Orders of the region are released later, and nothing explains it.
        scan_on, scan_region, scan_hours: Delivery scans of the region reach the carrier's system late; the parcels
            are in time. Mean of the delay, which is never under half of it.
        promise_on, promise_region, promise_hours: Promises in the region are tighter.
        far_region: Region that is late only because it is far (nothing is done to it).
        thin_region: Region with hardly any orders (its weight in the geography is small).
        rule_on, rule_region, rule_areas, rule_hours, rule_day_share: From a day on (share of the horizon) this many
            post-code areas of the region are served by the slower carrier, which needs so many hours more.
    """

    release_on: bool = True
    release_region: str = "CN-SC"
    release_hours: Hours = 10
    scan_on: bool = True
    scan_region: str = "CN-HB"
    scan_hours: Hours = 14
    promise_on: bool = True
    promise_region: str = "CN-HN"
    promise_hours: Hours = 6
    far_region: str = "CN-XJ"
    thin_region: str = "CN-XZ"
    rule_on: bool = True
    rule_region: str = "CN-GD"
    rule_areas: int = Field(default=2, ge=1, le=50)
    rule_hours: Hours = 30
    rule_day_share: Share = 0.5


class Defects(Group):
    """How much the systems disagree and err (`twin.defects`, `twin.systems`): each is a share of records.

    Attributes:
        scale: Multiplies every rate; 0 gives clean systems that still differ in codes and formats.
        typo, latin_name, swapped_fields, changed_phone, shared_address, missing_email, duplicate_customer,
            shared_phone: Customer records.
        missing_gtin, wrong_gtin, unit_mixup, renamed_product, duplicate_product, reused_code: Product records.
        renamed_node, moved_node, duplicate_node: Warehouse records.
        duplicate_row, corrected_row, late_row: Order records: written twice, corrected later,
        delivered in a later file.
        missing_region, unknown_product, zero_quantity, broken_time, wrong_zone, orphan_parcel: Order, line and parcel
            records.
    """

    scale: float = Field(default=1.0, ge=0, le=10)
    typo: Share = 0.03
    latin_name: Share = 0.12
    swapped_fields: Share = 0.004
    changed_phone: Share = 0.05
    shared_address: Share = 0.03
    missing_email: Share = 0.3
    duplicate_customer: Share = 0.03
    shared_phone: Share = 0.015
    missing_gtin: Share = 0.12
    wrong_gtin: Share = 0.01
    unit_mixup: Share = 0.01
    renamed_product: Share = 0.15
    duplicate_product: Share = 0.012
    reused_code: Share = 0.006
    renamed_node: Share = 0.5
    moved_node: Share = 0.15
    duplicate_node: Share = 0.06
    duplicate_row: Share = 0.003
    corrected_row: Share = 0.01
    late_row: Share = 0.004
    missing_region: Share = 0.01
    unknown_product: Share = 0.002
    zero_quantity: Share = 0.0008
    broken_time: Share = 0.0006
    wrong_zone: Share = 0.001
    orphan_parcel: Share = 0.001

    def rate(self, name: str) -> float:
        """The scaled rate of a defect, at most 1."""
        return min(1.0, self.scale * float(getattr(self, name)))


class Targets(Group):
    """What the other numbers were tuned to bring about; nothing but the calibration table reads them.

    Attributes:
        cross_region_share: Delivered orders with a parcel from another region.
        on_time_share: Delivered orders at the door by the promise.
    """

    cross_region_share: Share = 0.47
    on_time_share: Share = 0.82


class TwinParameters(Group):
    """A simulated company.

    Attributes:
        name: Name of the preset or of your own set.
        seed: Seed of the world and of its luck. Same seed, same bytes.
        last_day: Last simulated local day; nothing reads a clock.
        days: Simulated days that end with `last_day`.
        chunk_days: Days in one file of an extract.
    """

    name: str = "demo"
    seed: int = Field(default=7, ge=0, le=2**53)
    last_day: date = date(2026, 10, 31)
    days: int = Field(default=90, ge=1, le=3650)
    chunk_days: int = Field(default=30, ge=1, le=366)
    network: Network = Network()
    demand: Demand = Demand()
    supply: Supply = Supply()
    dispatch: Dispatch = Dispatch()
    transit: Transit = Transit()
    signals: Signals = Signals()
    effects: Effects = Effects()
    defects: Defects = Defects()
    targets: Targets = Targets()

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.demand.customers < self.network.nodes:
            raise ValueError(
                f"demand.customers must not be below network.nodes; got {self.demand.customers} customers for "
                f"{self.network.nodes} nodes. Raise demand.customers."
            )
        if self.effects.rule_areas > self.network.areas_per_region:
            raise ValueError(
                f"effects.rule_areas must not exceed network.areas_per_region ({self.network.areas_per_region}); got "
                f"{self.effects.rule_areas}. Lower it."
            )
        return self

    @property
    def first_day(self) -> date:
        """First simulated local day."""
        return self.last_day - timedelta(days=self.days - 1)


def preset_names() -> list[str]:
    """Names that `load_preset` knows."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def load_preset(name: str, **overrides: Any) -> TwinParameters:
    """A preset, with fields of the top level replaced (`days`, `seed`, …).

    Raises:
        BadParameters: there is no such preset, or an override breaks a rule.
    """
    path = PRESETS / f"{name}.yaml"
    if name not in preset_names():
        raise BadParameters(f"A preset is one of {', '.join(preset_names())}; got {name!r}. Or give a YAML file.")
    return load_parameters(path, **overrides)


def load_parameters(path: Path, **overrides: Any) -> TwinParameters:
    """Parameters from a YAML file; what it leaves out has its default.

    Raises:
        BadParameters: the file cannot be read, names an unknown field, or a value breaks a rule.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadParameters(
            f"Parameters are a readable YAML file; {path} is not: {error}. Mend or rename it."
        ) from error
    if not isinstance(content, dict):
        raise BadParameters(f"Parameters are a mapping of names to values; {path} holds a {type(content).__name__}.")
    return checked({**content, **{key: value for key, value in overrides.items() if value is not None}}, str(path))


def checked(values: dict[str, Any], origin: str = "the given values") -> TwinParameters:
    """Parameters from plain values, or one message that lists every broken rule."""
    try:
        return TwinParameters(**values)
    except ValidationError as error:
        lines = [
            f"- {'.'.join(str(part) for part in item['loc']) or 'parameters'}: {item['msg']}; got {item['input']!r}"
            if item["loc"] else f"- {item['msg']}"
            for item in error.errors()
        ]  # fmt: skip
        raise BadParameters(
            f"The twin's parameters in {origin} break {len(lines)} rule(s); correct these values:\n" + "\n".join(lines)
        ) from error
