"""Where the rows of each file went, from the file to the mart, in numbers that add up.

Belongs here: bringing together what landings counted, what quarantine holds and what the last build made of the rest.
Does not belong here: counting any of these (record, quarantine, dbt's `fct_landed_rows` and `landed_records`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from sources.record import LandingReport


@dataclass(frozen=True)
class BuiltRows:
    """What the published build made of the landed rows of one table, file and landing (one row of the dbt models)."""

    table_name: str
    source_file: str
    count_landed: int
    count_in_mart: int
    count_superseded: int
    count_apart: int


@dataclass(frozen=True)
class FileFate:
    """Rows of one file for one table of the contract.

    Attributes:
        read: Rows that landings read, each delivery of the file anew.
        landed: Of these, rows that landed at once.
        quarantined: Of these, refused rows; they are `open`, `replayed` or `read_again`.
        in_mart: Landed or replayed rows that a mart shows.
        superseded: Landed rows whose key has a newer record.
        apart: Landed rows whose order or parcel never came.
        waiting: Landed rows whose day was not built since. Later than the look-back of the daily run, they stay here
            until somebody builds their day.
    """

    table: str
    file: str
    read: int
    landed: int
    quarantined: int
    open: int
    replayed: int
    read_again: int
    in_mart: int
    superseded: int
    apart: int
    waiting: int

    @property
    def adds_up(self) -> bool:
        """Whether every row that was read has one place, and none has two."""
        return (
            self.read == self.landed + self.quarantined
            and self.quarantined == self.open + self.replayed + self.read_again
            and self.landed + self.replayed == self.in_mart + self.superseded + self.apart + self.waiting
            and min(self.landed, self.open, self.in_mart, self.superseded, self.apart, self.waiting) >= 0
        )


def reconcile(
    reports: Sequence[LandingReport], states: Mapping[tuple[str, str], Mapping[str, int]], built: Iterable[BuiltRows]
) -> list[FileFate]:
    """The fate of every file's rows, by table and file.

    Args:
        reports: All landings of the company.
        states: Refused rows by state, for each table and file (`sources.quarantine.count_states`).
        built: Rows of the published `fct_landed_rows` and `landed_records`; none before the first build.
    """
    counts: dict[tuple[str, str], Counter[str]] = {}
    for report in reports:
        for table, found in report.tables.items():
            for file, rows in found.files.items():
                sums = counts.setdefault((table, file), Counter())
                if report.status == "replayed":
                    sums["replayed"] += rows.landed
                else:
                    sums.update(read=rows.read, landed=rows.landed, quarantined=rows.quarantined)
    for row in built:
        counts.setdefault((row.table_name, row.source_file), Counter()).update(
            built=row.count_landed, in_mart=row.count_in_mart, superseded=row.count_superseded, apart=row.count_apart
        )
    return [_fate(*key, sums, states.get(key, {})) for key, sums in sorted(counts.items())]


def _fate(table: str, file: str, sums: Counter[str], states: Mapping[str, int]) -> FileFate:
    return FileFate(
        table=table, file=file, read=sums["read"], landed=sums["landed"], quarantined=sums["quarantined"],
        open=states.get("open", 0), replayed=sums["replayed"], read_again=states.get("read_again", 0),
        in_mart=sums["in_mart"], superseded=sums["superseded"], apart=sums["apart"],
        waiting=sums["landed"] + sums["replayed"] - sums["built"],
    )  # fmt: skip


def add_up(table: str, fates: Sequence[FileFate], file: str = "") -> FileFate:
    """The sum of several files' fates."""
    numbers = [f.name for f in fields(FileFate) if f.name not in ("table", "file")]
    return FileFate(table, file, **{name: sum(getattr(fate, name) for fate in fates) for name in numbers})
