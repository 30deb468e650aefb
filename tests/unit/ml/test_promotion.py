"""The rules of promotion hold for whoever writes an event, in whatever order."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.core.lifecycle import CONFIRMED, FIRST_VERSION_ONLY, GATES_ACTOR, History, Move, MoveRefused, State
from ml.core.promotion import apply, fold

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LATER = (NOW + timedelta(days=14)).isoformat()
HELD = {"ada": {"ml_engineer", "reviewer"}, "grace": {"ml_engineer", "reviewer"}, "olga": {"operator"},
        "rita": {"reviewer"}, "otto": {"viewer", "admin"}}  # fmt: skip


@dataclass(frozen=True)
class Event:
    sequence: int
    kind: str
    subject: str
    actor: str
    payload: dict[str, Any] = field(default_factory=dict)
    reason: str = "because"
    at: str = NOW.isoformat()
    flaw: str = ""
    is_own: bool = True

    @property
    def roles(self) -> set[str]:
        return HELD.get(self.actor, set())


def move(to: State | str, actor: str = "ada", version: str = "1", at: datetime = NOW, **payload: Any) -> Move:
    return Move("risk", version, to, actor, "because", at, payload, HELD.get(actor, set()), True)


def approved(version: str = "1", history: History | None = None) -> History:
    history = history or History("risk")
    for step in (
        move(State.REGISTERED, "system:training", version),
        move(State.EVALUATED, "system:training", version),
        move(State.PROPOSED, "ada", version, dossier=f"d{version}"),
        move(State.APPROVED, "grace", version, dossier=f"d{version}", expires_at=LATER),
    ):
        history = apply(history, step)
    return history


def champion(version: str, history: History | None = None) -> History:
    return apply(approved(version, history), move(State.CHAMPION, "grace", version, dossier=f"d{version}"))


def test_the_whole_way_ends_with_one_champion():
    history = champion("1")
    assert history.champion == "1"
    assert history.version("1").state is State.CHAMPION


def test_a_new_champion_retires_the_old_one_by_the_same_event():
    history = champion("2", champion("1"))
    assert history.champion == "2"
    assert history.version("1").state is State.RETIRED


def test_a_rollback_restores_the_champion_before_it_by_the_same_event():
    history = apply(champion("2", champion("1")), move(State.ROLLED_BACK, "ada", "2", restores="1", due_at=LATER))
    assert history.champion == "1"
    assert history.version("1").state is State.CHAMPION
    assert history.version("2").state is State.ROLLED_BACK


@pytest.mark.parametrize(
    ("history", "asked", "message"),
    [
        (History("risk"), move(State.CHAMPION, dossier="d1"), "from approved, shadow only; it is unknown"),
        (approved(), move(State.PROPOSED, dossier=""), "with a dossier only"),
        (approved(), Move("risk", "1", State.CHAMPION, "ada", "  ", NOW), "needs a reason"),
        (approved(), Move("risk", "1", State.CHAMPION, "", "why", NOW), "needs an actor"),
        (approved(), move(State.CHAMPION, dossier="other"), "stands by dossier d1"),
        (approved(), move(State.CHAMPION, at=NOW + timedelta(days=15), dossier="d1"), "expired"),
        (champion("1"), move(State.ROLLED_BACK, restores="0"), "no champion before it"),
        (champion("2", champion("1")), move(State.ROLLED_BACK, version="2", restores="9"), "restores 1"),
        (champion("2", champion("1")), move(State.ROLLED_BACK, version="1", restores="2"), "it is retired"),
        (champion("1"), move(State.REJECTED), "it is champion"),
    ],
)
def test_a_move_that_breaks_a_rule_is_refused_with_the_rule(history, asked, message):
    with pytest.raises(MoveRefused, match=message):
        apply(history, asked)


def rolled_back() -> History:
    asked = move(State.ROLLED_BACK, "olga", "2", restores="1", due_at=LATER)
    return apply(champion("2", champion("1")), asked)


def test_one_person_rolls_back_alone_and_another_reviewer_confirms_it():
    history = rolled_back()
    assert history.champion == "1"
    assert [duty.what for duty in history.duties] == ["rollback"]
    assert not history.overdue(NOW)
    assert history.overdue(NOW + timedelta(days=15)) == history.duties
    assert apply(history, move(CONFIRMED, "rita", "2")).duties == ()


@pytest.mark.parametrize(
    ("history", "asked", "message"),
    [
        (rolled_back(), move(CONFIRMED, "olga", "2"), "with the role reviewer, and olga is operator"),
        (rolled_back(), move(CONFIRMED, "rita", "1"), "Nothing about risk/1 waits"),
        (rolled_back(), move(CONFIRMED, "ada", "2"), "must be neither who left the duty nor who made or proposed"),
        (champion("2", champion("1")), move(State.ROLLED_BACK, "olga", "2", restores="1"), "by when another person"),
        (champion("1"), move(State.APPROVED, "otto", dossier="d1", expires_at=LATER), "otto is admin, viewer"),
        (approved(), move(State.CHAMPION, "olga", dossier="d1"), "it takes a person with the role ml_engineer or rev"),
        (approved(), move(State.REGISTERED, "ada"), "it takes a person with the role of a program"),
        (approved(), Move("risk", "1", State.CHAMPION, "ada", "why", NOW, {}, HELD["ada"]), "signature of ada"),
    ],
)
def test_a_move_without_the_authority_for_it_is_refused(history, asked, message):
    with pytest.raises(MoveRefused, match=message):
        apply(history, asked)


def test_a_condition_is_a_duty_until_it_is_confirmed_by_another():
    step = move(State.APPROVED, "grace", dossier="d1", expires_at=LATER, condition="watch the south", due_at=LATER)
    history = apply(apply(approved(), move(State.PROPOSED, "ada", dossier="d1")), step)
    assert [duty.text for duty in history.duties] == ["watch the south"]
    served = apply(history, move(State.CHAMPION, "grace", dossier="d1"))
    assert served.duties == history.duties
    with pytest.raises(MoveRefused, match="neither who left the duty"):
        apply(served, move(CONFIRMED, "grace"))
    assert apply(served, move(CONFIRMED, "rita")).duties == ()
    assert apply(history, move(State.PROPOSED, "ada", dossier="d1")).duties == ()


@pytest.mark.parametrize("payload", [{"condition": "watch"}, {"due_at": LATER}])
def test_a_condition_states_what_and_by_when(payload):
    asked = move(State.APPROVED, "grace", dossier="d1", expires_at=LATER, **payload)
    with pytest.raises(MoveRefused, match="must state what is to be met and by when"):
        apply(apply(approved(), move(State.PROPOSED, "ada", dossier="d1")), asked)


@pytest.mark.parametrize("author", ["ada", "system:training"])
def test_nobody_approves_what_they_made_or_proposed(author):
    history = History("risk")
    for step in (
        move(State.REGISTERED, "system:training"),
        move(State.EVALUATED, "system:training"),
        move(State.PROPOSED, "ada", dossier="d"),
    ):
        history = apply(history, step)
    with pytest.raises(MoveRefused, match=r"must not be who made|A program may approve only"):
        apply(history, move(State.APPROVED, author, dossier="d", expires_at=LATER))


def test_an_approval_is_void_after_any_change_of_the_dossier():
    history = apply(approved(), move(State.PROPOSED, "ada", dossier="d1-changed"))
    assert history.version("1").approved_by is None
    with pytest.raises(MoveRefused, match="from approved, shadow only"):
        apply(history, move(State.CHAMPION, "grace", dossier="d1-changed"))


def test_an_evaluation_anew_takes_back_proposal_and_approval():
    history = apply(approved(), move(State.EVALUATED, "system:training"))
    assert history.version("1").dossier is None
    with pytest.raises(MoveRefused):
        apply(history, move(State.CHAMPION, "grace", dossier="d1"))


def by_gates(version: str) -> Move:
    return move(
        State.APPROVED, GATES_ACTOR, version, dossier=f"d{version}", expires_at=LATER, automatic=FIRST_VERSION_ONLY
    )


def proposed(version: str, history: History) -> History:
    for step in (
        move(State.REGISTERED, "system:training", version), move(State.EVALUATED, "system:training", version),
        move(State.PROPOSED, GATES_ACTOR, version, dossier=f"d{version}"),
    ):  # fmt: skip
        history = apply(history, step)
    return history


def test_the_gates_may_approve_the_very_first_version_only():
    history = apply(proposed("1", History("risk")), by_gates("1"))
    assert history.version("1").approved_by == GATES_ACTOR
    history = apply(history, move(State.CHAMPION, GATES_ACTOR, dossier="d1"))
    with pytest.raises(MoveRefused, match="while no champion has ever been"):
        apply(proposed("2", history), by_gates("2"))


def test_another_program_may_not_approve():
    asked = move(State.APPROVED, "system:other", dossier="d1", expires_at=LATER, automatic=FIRST_VERSION_ONLY)
    with pytest.raises(MoveRefused, match="A program may approve only as system:gates"):
        apply(proposed("1", History("risk")), asked)


def test_an_event_written_past_the_rules_is_void_and_named():
    events = [
        Event(1, "registered", "risk/1", "system:training"),
        Event(2, "champion", "risk/1", "mallory", {"dossier": "d"}),
        Event(3, "crowned", "risk/1", "mallory"),
        Event(4, "registered", "other/1", "system:training"),
        Event(5, "evaluated", "risk/1", "system:training", flaw="was changed after it was written"),
    ]
    history = fold("risk", events)
    assert history.champion is None
    assert set(history.void) == {2, 3, 5}
    assert "mallory is none" in history.void[2]
    assert "was changed" in history.void[5]
    assert set(history.versions) == {"1"}


def test_the_challenger_is_the_newest_version_that_waits():
    history = proposed("3", proposed("2", champion("1")))
    assert history.challenger == "3"


Drawn = tuple[str, str, str, str, str]
VERSIONS = st.sampled_from(["1", "2", "3"])
PEOPLE = st.sampled_from(["ada", "grace", "system:training", GATES_ACTOR])
DOSSIERS = st.sampled_from(["a", "b"])
ANY_EVENT = st.tuples(
    st.sampled_from([*(state.value for state in State), CONFIRMED]), VERSIONS, PEOPLE, DOSSIERS, VERSIONS
)


def way_to_the_top(version: str, author: str, approver: str) -> list[Drawn]:
    """Events that crown a version if author and approver may."""
    steps = [
        ("registered", author),
        ("evaluated", author),
        ("proposed", author),
        ("approved", approver),
        ("champion", "ada"),
    ]
    return [(kind, version, actor, "a", version) for kind, actor in steps]


WAYS = st.builds(way_to_the_top, VERSIONS, PEOPLE, PEOPLE)


@given(st.lists(st.one_of(WAYS, ANY_EVENT.map(lambda event: [event])), max_size=12))
def test_no_sequence_of_events_crowns_a_version_that_another_has_not_approved(drawn):
    events = [
        Event(i, kind, f"risk/{version}", actor,
              {"dossier": dossier, "expires_at": LATER, "restores": restores, "automatic": FIRST_VERSION_ONLY,
               "due_at": LATER, "condition": "c"})
        for i, (kind, version, actor, dossier, restores) in enumerate((e for part in drawn for e in part), 1)
    ]  # fmt: skip
    had_champion = False
    for length in range(len(events) + 1):
        history = fold("risk", events[:length])
        crowned = [name for name, version in history.versions.items() if version.state is State.CHAMPION]
        assert crowned == ([history.champion] if history.champion else [])
        assert history.champion or not had_champion, "a champion may be replaced or rolled back, never lost"
        had_champion = history.champion is not None
        if history.champion:
            version = history.version(history.champion)
            assert version.approved_by is not None
            assert version.approved_by not in version.authors or version.approved_by == GATES_ACTOR
