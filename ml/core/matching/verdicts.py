"""What stewards decided about pairs of records, and whether it fits together.

Belongs here: the present verdicts, finding a contradiction and its chain. Does not belong here: keeping them
(ml/io/matching, in the ledger), asking a person (orchestration/cli, dashboards).

`linked` is transitive, `apart` is not: a contradiction is two records that a chain of `linked` joins and one `apart`
separates. A verdict that contradicts those before it is refused, and void if it got into the ledger all the same.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LINKED, APART, WITHDRAWN = "linked", "apart", "withdrawn"
Pair = tuple[str, str]


class VerdictRefused(ValueError):
    """A verdict contradicts others, or is not about a pair."""


@dataclass
class Verdicts:
    """The verdicts that hold: verdict of each pair (ids in order), and the void events by their sequence."""

    of_pair: dict[Pair, str] = field(default_factory=dict)
    void: dict[int, str] = field(default_factory=dict)

    def pairs(self, verdict: str) -> list[Pair]:
        """Pairs with this verdict, in the order they were given it."""
        return [pair for pair, held in self.of_pair.items() if held == verdict]


def ordered(left: str, right: str) -> Pair:
    """The pair with its ids in order.

    Raises:
        VerdictRefused: both are the same record.
    """
    if left == right:
        raise VerdictRefused(f"A verdict is about two records; {left!r} was named twice. Name the other one.")
    return (left, right) if left < right else (right, left)


def give(verdicts: Verdicts, verdict: str, left: str, right: str) -> Verdicts:
    """The verdicts after one more.

    Raises:
        VerdictRefused: it contradicts those that hold; the message holds the chain.
    """
    pair = ordered(left, right)
    if verdict == WITHDRAWN:
        if pair not in verdicts.of_pair:
            raise VerdictRefused(f"There is no verdict on {pair[0]} and {pair[1]} to withdraw.")
        return Verdicts({p: v for p, v in verdicts.of_pair.items() if p != pair}, dict(verdicts.void))
    if verdict not in (LINKED, APART):
        raise VerdictRefused(f"A verdict is linked, apart or withdrawn, not {verdict!r}.")
    after = {**{p: v for p, v in verdicts.of_pair.items() if p != pair}, pair: verdict}
    contradiction = _contradiction(after, pair, verdict)
    if contradiction:
        raise VerdictRefused(
            f"{pair[0]} and {pair[1]} cannot be {verdict}: {contradiction}. Withdraw one of these verdicts first."
        )
    return Verdicts(after, dict(verdicts.void))


def fold(events: Iterable[Mapping[str, object]]) -> Verdicts:
    """What events add up to: `sequence`, `verdict`, `left`, `right` each, oldest first."""
    held = Verdicts()
    for event in events:
        try:
            held = give(held, str(event["verdict"]), str(event["left"]), str(event["right"]))
        except VerdictRefused as refused:
            held.void[int(str(event["sequence"]))] = str(refused)
    return held


def _contradiction(of_pair: Mapping[Pair, str], pair: Pair, verdict: str) -> str:
    """The chain that contradicts, in words; empty when there is none."""
    friends: dict[str, list[str]] = defaultdict(list)
    for (a, b), held in of_pair.items():
        if held == LINKED:
            friends[a].append(b)
            friends[b].append(a)
    if verdict == APART:
        chain = _path(friends, *pair)
        return f"{_words(chain)} are linked by verdicts" if chain else ""
    reached = _reached(friends, pair[0])
    for (a, b), held in of_pair.items():
        if held == APART and a in reached and b in reached:
            return f"then {_words(_path(friends, a, b))} would be one, and {a} and {b} are apart by a verdict"
    return ""


def _reached(friends: Mapping[str, list[str]], start: str) -> dict[str, str]:
    """Records that links reach from `start`, each with the record it was reached from."""
    came_from, waiting = {start: start}, deque([start])
    while waiting:
        one = waiting.popleft()
        for other in friends.get(one, []):
            if other not in came_from:
                came_from[other] = one
                waiting.append(other)
    return came_from


def _path(friends: Mapping[str, list[str]], start: str, end: str) -> list[str]:
    came_from = _reached(friends, start)
    if end not in came_from:
        return []
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]


def _words(chain: list[str]) -> str:
    return " = ".join(chain)
