"""The compiled heart of the solver: pricing an order exactly, placing it, and improving a whole assignment.

Belongs here: every routine that calls another compiled one. They share a file because numba's cache on disk watches
only the file of the function itself, so a change of a callee elsewhere would leave stale machine code behind. Does
not belong here: the order of the steps (`ascent`, `solve`), cost tables (`tables`).
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

compiled = njit(nogil=True, cache=True)
#: For routines that only compiled ones call: without the wrappers for Python, a third of the time to compile is saved.
inner = njit(nogil=True, cache=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)

EPS = 1e-9
#: Fixed-point one: parcels of pieces are counted in whole 1/ONE so that sums do not depend on their order.
ONE = 1 << 20


class State(NamedTuple):
    """An assignment in progress. `stock` and `load` are what is left and what is used; users of a cell form a list."""

    stock: NDArray[np.int64]
    load: NDArray[np.int64]
    capacity: NDArray[np.int64]
    target: NDArray[np.int64]
    balance: float
    line_cell: NDArray[np.int32]
    line_service: NDArray[np.int8]
    head: NDArray[np.int32]
    after: NDArray[np.int32]
    before: NDArray[np.int32]
    current: NDArray[np.float64]
    random: NDArray[np.uint64]


class Scratch(NamedTuple):
    """Working memory of one call; `mask` and `cand` hold the parcels of the last choice."""

    best: NDArray[np.float64]
    arg: NDArray[np.int64]
    sums: NDArray[np.float64]
    rest: NDArray[np.float64]
    how: NDArray[np.int64]
    mask: NDArray[np.int64]
    cand: NDArray[np.int64]


@compiled
def scratch():  # type: ignore[no-untyped-def]
    """Fresh working memory for `choose`."""
    return Scratch(
        np.empty(512), np.empty(512, np.int64), np.zeros(512), np.zeros(512), np.empty(512, np.int64),
        np.empty(16, np.int64), np.empty(16, np.int64),
    )  # fmt: skip


@inner
def next_random(state):  # type: ignore[no-untyped-def]
    """Uniform number in [0, 1) by xorshift64*; `state` holds one non-zero uint64. Vigna 2016."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.float64((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@compiled
def choose(u, t, s, stock_price, node_price, check, w):  # type: ignore[no-untyped-def]
    """Cheapest way to ship unit u at these prices: exact, by dynamic programming over subsets of its lines.

    With `check` only what stock and capacity still allow counts, and parcels over a node's target pay the balance cost.
    Leaves the parcels in `w.mask`, `w.cand`; returns the cost and the number of parcels. The cost is a bound from below
    when two parcels of one node had to be joined; `put` gives what the choice really costs.
    """
    first = t.line[u]
    k = t.line[u + 1] - first
    share = t.share[u]
    split = t.split * share
    full = (1 << k) - 1
    base = t.cand[u]
    count = t.cand[u + 1] - base
    at_cell, at_cost = t.cells[u], t.costs[u]
    # Local names: reading a field of a tuple inside a loop counts references, which costs more than the arithmetic.
    node, cell, cost, quantity = t.node, t.cell, t.cost, t.quantity
    stock, load, capacity, target = s.stock, s.load, s.capacity, s.target
    if k == 1:
        cheapest, who = np.inf, -1
        q = quantity[first]
        for j in range(count):
            n = node[base + j]
            c = cell[at_cell + j]
            price = cost[at_cost + j] + node_price[n] * share + stock_price[c] * q
            if price >= cheapest:
                continue
            if check:
                if stock[c] < q or load[n] >= capacity[n]:
                    continue
                if load[n] >= target[n]:
                    price += s.balance
                    if price >= cheapest:
                        continue
            cheapest = price
            who = j
        nowhere = t.unfilled[first] - (split if share < 1.0 else 0.0)
        if who < 0 or nowhere < cheapest:
            return nowhere, 0
        w.mask[0] = 1
        w.cand[0] = who
        return cheapest, 1
    best, arg, sums = w.best, w.arg, w.sums
    for mask in range(1, full + 1):
        best[mask] = np.inf
        arg[mask] = -1
    for j in range(count):
        n = node[base + j]
        open_price = node_price[n] * share
        if check:
            if load[n] >= capacity[n]:
                continue
            if load[n] >= target[n]:
                open_price += s.balance
        for i in range(k):
            c = cell[at_cell + j * k + i]
            if c >= 0 and (not check or stock[c] >= quantity[first + i]):
                sums[1 << i] = stock_price[c] * quantity[first + i]
            else:
                sums[1 << i] = np.inf
        row = at_cost + j * full - 1
        for mask in range(1, full + 1):
            rest = mask & (mask - 1)
            if rest:
                sums[mask] = sums[rest] + sums[mask ^ rest]
            price = open_price + cost[row + mask] + sums[mask]
            if price < best[mask]:
                best[mask] = price
                arg[mask] = j
    return _partition(u, t, s, check, split, full, w)


@inner
def _partition(u, t, s, check, split, full, w):  # type: ignore[no-untyped-def]
    """Cheapest cover of all lines by parcels (`w.best` by subset) and lines left unfilled; fills `w.mask`, `w.cand`."""
    first = t.line[u]
    unfilled = t.unfilled
    best, rest, how = w.best, w.rest, w.how
    rest[0] = 0.0
    none = 0.0
    line = 0
    for mask in range(1, full + 1):
        low = mask & -mask
        line = 0
        while (low >> line) != 1:
            line += 1
        cheapest = unfilled[first + line] + rest[mask ^ low]
        chosen = 0
        others = mask ^ low
        sub = others
        while True:
            price = best[sub | low] + split + rest[others ^ sub]
            if price < cheapest:
                cheapest = price
                chosen = sub | low
            if sub == 0:
                break
            sub = (sub - 1) & others
        rest[mask] = cheapest
        how[mask] = chosen
        if low == mask:
            none += unfilled[first + line]
    total = none
    lead = 0
    for mask in range(1, full + 1):
        price = best[mask] + rest[full ^ mask]
        if price < total:
            total = price
            lead = mask
    if t.share[u] < 1.0:
        # A piece of a larger order: another piece may hold the parcel that is free of the split cost.
        total = min(total, none - split)
    if lead == 0:
        return total, 0
    w.mask[0] = lead
    w.cand[0] = w.arg[lead]
    parts = 1
    left = full ^ lead
    while left:
        chosen = how[left]
        if chosen == 0:
            left ^= left & -left
            continue
        w.mask[parts] = chosen
        w.cand[parts] = w.arg[chosen]
        parts += 1
        left ^= chosen
    if check and parts > 1:
        parts = _merge(parts, w)
    return total, parts


@inner
def _merge(parts, w):  # type: ignore[no-untyped-def]
    """Join parcels from the same node: a node sends one parcel an order."""
    a = 0
    while a < parts:
        b = a + 1
        while b < parts:
            if w.cand[b] == w.cand[a]:
                w.mask[a] |= w.mask[b]
                parts -= 1
                w.mask[b] = w.mask[parts]
                w.cand[b] = w.cand[parts]
            else:
                b += 1
        a += 1
    return parts


@compiled
def price_units(first, last, t, s, stock_price, node_price, value, line_cell, load):  # type: ignore[no-untyped-def]
    """Price units first … last−1 without limits: fills `value` and `line_cell`, adds parcels (1/ONE) to `load`."""
    w = scratch()
    line, cand, cells, costs, node, cell = t.line, t.cand, t.cells, t.costs, t.node, t.cell
    cost, quantity, unfilled, share = t.cost, t.quantity, t.unfilled, t.share
    for u in range(first, last):
        begin = line[u]
        k = line[u + 1] - begin
        if k == 1 and share[u] == 1.0:
            # The same as `choose`, without a call: most orders have one line.
            cheapest, who = unfilled[begin], -1
            q = quantity[begin]
            base, at_cell, at_cost = cand[u], cells[u], costs[u]
            for j in range(cand[u + 1] - base):
                price = cost[at_cost + j] + node_price[node[base + j]] + stock_price[cell[at_cell + j]] * q
                if price < cheapest or (who < 0 and price == cheapest):
                    cheapest, who = price, j
            value[u] = cheapest
            line_cell[begin] = -1
            if who >= 0:
                line_cell[begin] = cell[at_cell + who]
                load[node[base + who]] += ONE
            continue
        value[u], parts = choose(u, t, s, stock_price, node_price, False, w)
        for i in range(k):
            line_cell[begin + i] = -1
        for part in range(parts):
            j = w.cand[part]
            load[node[cand[u] + j]] += np.int64(ONE * share[u])
            for i in range(k):
                if (w.mask[part] >> i) & 1:
                    line_cell[begin + i] = cell[cells[u] + j * k + i]


@inner
def _link(line, cell, t, s):  # type: ignore[no-untyped-def]
    s.line_cell[line] = cell
    s.stock[cell] -= t.quantity[line]
    follower = s.head[cell]
    s.head[cell] = line
    s.after[line] = follower
    s.before[line] = -1
    if follower >= 0:
        s.before[follower] = line


@inner
def _unlink(line, t, s):  # type: ignore[no-untyped-def]
    cell = s.line_cell[line]
    s.stock[cell] += t.quantity[line]
    if s.before[line] >= 0:
        s.after[s.before[line]] = s.after[line]
    else:
        s.head[cell] = s.after[line]
    if s.after[line] >= 0:
        s.before[s.after[line]] = s.before[line]
    s.line_cell[line] = -1


@inner
def clear(begin, end, t, s, cell_node):  # type: ignore[no-untyped-def]
    """Take lines begin … end−1, all of one order, off their nodes; returns the balance cost that this frees."""
    refund = 0.0
    for i in range(begin, end):
        cell = s.line_cell[i]
        if cell < 0:
            continue
        n = cell_node[cell]
        alone = True
        for other in range(i + 1, end):
            if s.line_cell[other] >= 0 and cell_node[s.line_cell[other]] == n:
                alone = False
        if alone:
            s.load[n] -= 1
            if s.load[n] >= s.target[n]:
                refund += s.balance
        _unlink(i, t, s)
    return refund


@inner
def remove(u, t, s, cell_node):  # type: ignore[no-untyped-def]
    """Take unit u out of the assignment; returns what it cost, balance included."""
    refund = s.current[u] + clear(t.line[u], t.line[u + 1], t, s, cell_node)
    s.current[u] = 0.0
    return refund


@compiled
def put(u, parts, t, s, w):  # type: ignore[no-untyped-def]
    """Carry out the choice in `w`; returns what it costs in money, balance included, prices not."""
    begin = t.line[u]
    k = t.line[u + 1] - begin
    full = (1 << k) - 1
    cost = 0.0
    for i in range(k):
        cost += t.unfilled[begin + i]
    extra = 0.0
    for part in range(parts):
        j, mask = w.cand[part], w.mask[part]
        n = t.node[t.cand[u] + j]
        cost += t.cost[t.costs[u] + j * full + mask - 1]
        if part > 0:
            cost += t.split
        if s.load[n] >= s.target[n]:
            extra += s.balance
        s.load[n] += 1
        for i in range(k):
            if (mask >> i) & 1:
                cost -= t.unfilled[begin + i]
                _link(begin + i, t.cell[t.cells[u] + j * k + i], t, s)
                s.line_service[begin + i] = t.service[t.costs[u] + j * full + mask - 1]
    s.current[u] = cost
    return cost + extra


@inner
def recall(u, cells, t, s, cell_node, w):  # type: ignore[no-untyped-def]
    """Put unit u back to the stock cells `cells[:k]` (−1: unfilled); returns its cost."""
    k = t.line[u + 1] - t.line[u]
    parts = 0
    for i in range(k):
        if cells[i] < 0:
            continue
        n = cell_node[cells[i]]
        found = -1
        for part in range(parts):
            if t.node[t.cand[u] + w.cand[part]] == n:
                found = part
        if found >= 0:
            w.mask[found] |= 1 << i
            continue
        for j in range(t.cand[u + 1] - t.cand[u]):
            if t.node[t.cand[u] + j] == n:
                w.cand[parts] = j
                w.mask[parts] = 1 << i
        parts += 1
    return put(u, parts, t, s, w)


@compiled
def construct(sequence, t, s, stock_price, node_price):  # type: ignore[no-untyped-def]
    """Place units one after the other, each where it is cheapest at these prices among what is left."""
    w = scratch()
    for index in range(len(sequence)):
        u = sequence[index]
        _, parts = choose(u, t, s, stock_price, node_price, True, w)
        put(u, parts, t, s, w)


@compiled
def reinsert(sequence, t, s, cell_node, nothing_cell, nothing_node, slack):  # type: ignore[no-untyped-def]
    """Take out each unit that pays more than `slack[u]` and place it anew at true cost; returns the money won."""
    w = scratch()
    old = np.empty(16, np.int32)
    won = 0.0
    for index in range(len(sequence)):
        u = sequence[index]
        if s.current[u] <= slack[u] + EPS:
            continue
        begin = t.line[u]
        for i in range(t.line[u + 1] - begin):
            old[i] = s.line_cell[begin + i]
        before = remove(u, t, s, cell_node)
        _, parts = choose(u, t, s, nothing_cell, nothing_node, True, w)
        now = put(u, parts, t, s, w)
        if now > before - EPS:
            remove(u, t, s, cell_node)
            now = recall(u, old, t, s, cell_node, w)
        won += before - now
    return won


@inner
def _shift(u, sign, t, s, cell_node):  # type: ignore[no-untyped-def]
    """Give back (+1) or take (−1) the stock and load of unit u without touching the lists: for a look ahead only."""
    begin, end = t.line[u], t.line[u + 1]
    for i in range(begin, end):
        c = s.line_cell[i]
        if c < 0:
            continue
        s.stock[c] += sign * t.quantity[i]
        alone = True
        for other in range(i + 1, end):
            if s.line_cell[other] >= 0 and cell_node[s.line_cell[other]] == cell_node[c]:
                alone = False
        if alone:
            s.load[cell_node[c]] -= sign


@inner
def priced(u, t, s, cell_node, stock_price, node_price):  # type: ignore[no-untyped-def]
    """What unit u pays now at these prices."""
    paid = s.current[u]
    begin, end = t.line[u], t.line[u + 1]
    for i in range(begin, end):
        c = s.line_cell[i]
        if c < 0:
            continue
        paid += stock_price[c] * t.quantity[i]
        alone = True
        for other in range(i + 1, end):
            if s.line_cell[other] >= 0 and cell_node[s.line_cell[other]] == cell_node[c]:
                alone = False
        if alone:
            paid += node_price[cell_node[c]]
    return paid


@compiled
def swap(  # type: ignore[no-untyped-def]
    sequence, t, s, cell_node, stock_price, node_price, nothing_cell, nothing_node, value, reach
):
    """Give a unit a better node whose stock another unit holds, when that one loses less; returns the money won.

    Only whole moves to one node that lack one cell and pay at the prices are tried, against at most `reach` holders.
    """
    w = scratch()
    old = np.empty(16, np.int32)
    other_old = np.empty(16, np.int32)
    wish = np.empty(16, np.int32)
    won = 0.0
    for index in range(len(sequence)):
        u = sequence[index]
        paid = priced(u, t, s, cell_node, stock_price, node_price)
        if paid <= value[u] + 1e-6:
            continue
        begin = t.line[u]
        k = t.line[u + 1] - begin
        full = (1 << k) - 1
        for j in range(t.cand[u + 1] - t.cand[u]):
            gain = s.current[u] - t.cost[t.costs[u] + j * full + full - 1]
            if gain <= 1e-6:
                continue
            n = t.node[t.cand[u] + j]
            short, missing = -1, 0
            at_price = node_price[n] - gain + s.current[u]
            for i in range(k):
                c = t.cell[t.cells[u] + j * k + i]
                wish[i] = c
                at_price += stock_price[c] * t.quantity[begin + i]
                if s.line_cell[begin + i] != c and s.stock[c] < t.quantity[begin + i]:
                    short = i
                    missing += 1
            if missing != 1 or at_price >= paid - 1e-6:
                continue
            cell = wish[short]
            need = t.quantity[begin + short] - s.stock[cell]
            _shift(u, 1, t, s, cell_node)
            for i in range(k):
                s.stock[wish[i]] -= t.quantity[begin + i]
            s.load[n] += 1
            holder, found, tries = s.head[cell], -1, 0
            while holder >= 0 and tries < reach:
                tries += 1
                v = t.line_unit[holder]
                if v >= 0 and v != u and t.quantity[holder] >= need:
                    _shift(v, 1, t, s, cell_node)
                    if s.load[n] <= s.capacity[n]:
                        cost, _ = choose(v, t, s, nothing_cell, nothing_node, True, w)
                        if cost - s.current[v] < gain - 1e-6:
                            found = v
                    _shift(v, -1, t, s, cell_node)
                    if found >= 0:
                        break
                holder = s.after[holder]
            s.load[n] -= 1
            for i in range(k):
                s.stock[wish[i]] += t.quantity[begin + i]
            _shift(u, -1, t, s, cell_node)
            if found < 0:
                continue
            for i in range(k):
                old[i] = s.line_cell[begin + i]
            for i in range(t.line[found + 1] - t.line[found]):
                other_old[i] = s.line_cell[t.line[found] + i]
            before = remove(u, t, s, cell_node) + remove(found, t, s, cell_node)
            now = recall(u, wish, t, s, cell_node, w)
            _, parts = choose(found, t, s, nothing_cell, nothing_node, True, w)
            now += put(found, parts, t, s, w)
            if now < before - EPS:
                won += before - now
                break
            remove(u, t, s, cell_node)
            remove(found, t, s, cell_node)
            recall(u, old, t, s, cell_node, w)
            recall(found, other_old, t, s, cell_node, w)
    return won


@compiled
def ruin_and_recreate(  # type: ignore[no-untyped-def]
    visits, member, start, t, s, cell_node, stock_price, node_price, no_stock, no_node, value, group, threshold, heat
):
    """Visit groups of rival units: take out a few that pay over their priced optimum and place them anew.

    Group g has the units `member[start[g]:start[g+1]]`. Two of three visits place by price, the third at true cost.
    Accepts a dearer result with probability exp(−loss / heat). Returns the money won.
    """
    w = scratch()
    picked = np.empty(group, np.int64)
    order = np.empty(group)
    old = np.empty((group, 16), np.int32)
    won = 0.0
    for index in range(len(visits)):
        low, high = start[visits[index]], start[visits[index] + 1]
        size = high - low
        count = 0
        begin = int(next_random(s.random) * size)
        for step in range(size):
            if count == group:
                break
            u = member[low + (begin + step) % size]
            if u < 0:
                continue
            excess = priced(u, t, s, cell_node, stock_price, node_price) - value[u]
            if excess > threshold or next_random(s.random) < 0.25:
                picked[count] = u
                order[count] = next_random(s.random)
                count += 1
        if count < 2:
            continue
        before = 0.0
        for x in range(count):
            u = picked[x]
            for i in range(t.line[u + 1] - t.line[u]):
                old[x, i] = s.line_cell[t.line[u] + i]
            before += remove(u, t, s, cell_node)
        plain = next_random(s.random) < 1.0 / 3.0
        now = 0.0
        for x in np.argsort(order[:count]):
            u = picked[x]
            if plain:
                _, parts = choose(u, t, s, no_stock, no_node, True, w)
            else:
                _, parts = choose(u, t, s, stock_price, node_price, True, w)
            now += put(u, parts, t, s, w)
        if now <= before + EPS or next_random(s.random) < np.exp((before - now) / max(heat, 1e-12)):
            won += before - now
            continue
        for x in range(count):
            remove(picked[x], t, s, cell_node)
        for x in range(count):
            recall(picked[x], old[x], t, s, cell_node, w)
    return won


class Large(NamedTuple):
    """Orders with more lines than are priced exactly: `unit` is the first of each, lines `low` … `high`−1."""

    unit: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    region: NDArray[np.int32]
    opening: NDArray[np.float64]
    per_kg: NDArray[np.float64]
    product: NDArray[np.int32]
    kg: NDArray[np.float64]
    cell_unit: NDArray[np.float64]
    cell_start: NDArray[np.int64]


@compiled
def place_large(b, t, s, g, cell_node, stock_price, node_price):  # type: ignore[no-untyped-def]
    """Place large order b, now unplaced: open the parcel that saves most until none saves; returns its cost.

    The add heuristic of facility location (Kuehn & Hamburger 1963), then parcels are closed where that saves.
    """
    low, high = g.low[b], g.high[b]
    nodes, services = g.opening.shape[1], g.opening.shape[2]
    lines = high - low
    slot = np.full((nodes, lines), -1, np.int32)
    for i in range(lines):
        p = g.product[low + i]
        for c in range(g.cell_start[p], g.cell_start[p + 1]):
            if s.stock[c] >= t.quantity[low + i] and s.load[cell_node[c]] < s.capacity[cell_node[c]]:
                slot[cell_node[c], i] = c
    paid = t.unfilled[low:high].copy()
    at = np.full(lines, -1, np.int64)
    used = np.full(nodes, -1, np.int64)
    parcels = 0
    while True:
        most, node, service = EPS, -1, -1
        for n in range(nodes):
            if used[n] >= 0:
                continue
            for v in range(services):
                saving = -_open_price(b, n, v, parcels, t, s, g, node_price)
                if saving == -np.inf:
                    continue
                for i in range(lines):
                    if slot[n, i] >= 0:
                        saving += max(0.0, paid[i] - _line_price(b, low + i, n, v, slot[n, i], t, g, stock_price))
                if saving > most:
                    most, node, service = saving, n, v
        if node < 0:
            break
        used[node] = service
        parcels += 1
        for i in range(lines):
            if slot[node, i] >= 0:
                price = _line_price(b, low + i, node, service, slot[node, i], t, g, stock_price)
                if price < paid[i]:
                    paid[i], at[i] = price, node
    _close_parcels(b, slot, paid, at, used, parcels, t, s, g, stock_price, node_price)
    return _commit_large(b, slot, at, used, t, s, g)


@inner
def _open_price(b, n, v, parcels, t, s, g, node_price):  # type: ignore[no-untyped-def]
    price = g.opening[b, n, v] + node_price[n] + (t.split if parcels > 0 else 0.0)
    return price + (s.balance if s.load[n] >= s.target[n] else 0.0)


@inner
def _line_price(b, line, n, v, cell, t, g, stock_price):  # type: ignore[no-untyped-def]
    return g.per_kg[g.region[b], n, v] * g.kg[line] + (g.cell_unit[cell] + stock_price[cell]) * t.quantity[line]


@inner
def _close_parcels(b, slot, paid, at, used, parcels, t, s, g, stock_price, node_price):  # type: ignore[no-untyped-def]
    """Close each parcel whose lines cost less elsewhere than the parcel itself."""
    g.low[b]
    for n in range(len(used)):
        if used[n] < 0:
            continue
        loss = -_open_price(b, n, used[n], parcels - 1, t, s, g, node_price)
        for i in range(len(at)):
            if at[i] == n:
                loss += _elsewhere(b, i, n, slot, used, t, g, stock_price)[0] - paid[i]
        if loss < -EPS or not np.any(at == n):
            for i in range(len(at)):
                if at[i] == n:
                    paid[i], at[i] = _elsewhere(b, i, n, slot, used, t, g, stock_price)
            used[n] = -1
            parcels -= 1


@inner
def _elsewhere(b, i, without, slot, used, t, g, stock_price):  # type: ignore[no-untyped-def]
    """Cheapest price and node (−1: unfilled) of line i among the open parcels other than `without`."""
    low = g.low[b]
    price, node = t.unfilled[low + i], -1
    for n in range(len(used)):
        if n != without and used[n] >= 0 and slot[n, i] >= 0:
            other = _line_price(b, low + i, n, used[n], slot[n, i], t, g, stock_price)
            if other < price:
                price, node = other, n
    return price, node


@inner
def _commit_large(b, slot, at, used, t, s, g):  # type: ignore[no-untyped-def]
    low = g.low[b]
    cost, extra, parcels = 0.0, 0.0, 0
    for n in range(len(used)):
        if used[n] < 0 or not np.any(at == n):
            continue
        cost += g.opening[b, n, used[n]] + (t.split if parcels > 0 else 0.0)
        parcels += 1
        if s.load[n] >= s.target[n]:
            extra += s.balance
        s.load[n] += 1
    for i in range(len(at)):
        if at[i] < 0:
            cost += t.unfilled[low + i]
            continue
        cell = slot[at[i], i]
        cost += g.per_kg[g.region[b], at[i], used[at[i]]] * g.kg[low + i] + g.cell_unit[cell] * t.quantity[low + i]
        _link(low + i, cell, t, s)
        s.line_service[low + i] = used[at[i]]
    s.current[g.unit[b]] = cost
    return cost + extra


@compiled
def construct_large(sequence, t, s, g, cell_node, stock_price, node_price):  # type: ignore[no-untyped-def]
    """Place large orders one after the other at these prices."""
    for b in sequence:
        place_large(b, t, s, g, cell_node, stock_price, node_price)


@compiled
def reinsert_large(sequence, t, s, g, cell_node, nothing_cell, nothing_node):  # type: ignore[no-untyped-def]
    """Take out each large order and place it anew at true cost, back as it was when that is not cheaper."""
    won = 0.0
    for b in sequence:
        low, high = g.low[b], g.high[b]
        old = s.line_cell[low:high].copy()
        services = s.line_service[low:high].copy()
        paid = s.current[g.unit[b]]
        before = paid + clear(low, high, t, s, cell_node)
        now = place_large(b, t, s, g, cell_node, nothing_cell, nothing_node)
        if now < before - EPS:
            won += before - now
            continue
        clear(low, high, t, s, cell_node)
        for i in range(high - low):
            if old[i] < 0:
                continue
            n = cell_node[old[i]]
            fresh = True
            for other in range(i):
                if old[other] >= 0 and cell_node[old[other]] == n:
                    fresh = False
            if fresh:
                s.load[n] += 1
            _link(low + i, old[i], t, s)
            s.line_service[low + i] = services[i]
        s.current[g.unit[b]] = paid
    return won
