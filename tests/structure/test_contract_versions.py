"""The landing contract has the version that its changes ask for, and what is kept of it is what it says."""

from sources.contract_versions import changes_of, faults_of_versions, read_versions
from sources.contracts import load_contract


def test_no_change_of_the_contract_lacks_its_version() -> None:
    assert faults_of_versions(load_contract(), read_versions()) == []


def test_every_table_is_kept_as_it_is_now() -> None:
    kept = read_versions()
    stale = [n for n, t in load_contract().items() if n not in kept or changes_of(kept[n], t)]
    assert stale == [], "run `oi contract --keep`"
