"""One order at a time from JSON to JSON: on the pipe's path in this process, and over HTTP from another.

Belongs here: the load, and its times by the wall and by the processor. Does not belong here: `route_one` alone
(`bench_routing`). Server and client are pinned to a core each, so that one core's throughput is one core's.
"""

import asyncio
import json
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from multiprocessing.connection import Connection

import numpy as np
import pandas as pd

from benchmarks.routing_instances import InstanceSpec, generate
from decisions.routing.endpoint import Endpoint
from decisions.routing.live import LiveModel
from decisions.routing.service import LiveRouter, read_order
from ml.core.routing.problem import RoutingProblem
from ml.core.routing.ranker import NEWS
from ml.core.routing.shipping import ShippingCost
from ml.core.routing.solve import solve_batch

SPEC = InstanceSpec(orders=10_000, products=1_778, nodes=24, tightness=2.0)
REQUESTS, CONNECTIONS = 4_000, 4
_TOKEN = "benchmark"


@dataclass(frozen=True)
class Times:
    """Seconds of each answer, orders a second by the wall, and processor seconds of the server an order."""

    seconds: np.ndarray
    rate: float
    processor: float


def live_router() -> tuple[LiveRouter, list[bytes]]:
    """A router over what a batch of 10,000 orders left, and requests like them."""
    problem = generate(SPEC)
    nodes, regions, services = problem.shape
    problem = replace(
        problem, node_names=tuple(f"node-{n}" for n in range(nodes)),
        region_names=tuple(f"region-{n}" for n in range(regions)), service_names=("ground", "express")[:services],
    )  # fmt: skip
    products = np.array([f"product-{n}" for n in range(len(problem.product_weight_kg))])
    model = LiveModel(
        ShippingCost((), np.zeros((0, 1)), np.zeros((0, 1)), np.zeros(0), {}, 0.0), {"standard": 1.0}, None
    )
    news = pd.DataFrame(columns=list(NEWS))
    router = LiveRouter(problem, solve_batch(problem), products, model, news, "plan", datetime(2026, 11, 26))
    return router, _requests(problem, products)


def _requests(problem: RoutingProblem, products: np.ndarray) -> list[bytes]:
    found = []
    for order in range(REQUESTS):
        lines = slice(problem.order_line_start[order], problem.order_line_start[order + 1])
        asked = zip(problem.line_product[lines], problem.line_quantity[lines], strict=True)
        found.append(
            json.dumps(
                {
                    "order_id": order, "region": f"region-{problem.order_region[order]}", "slack_hours": 48,
                    "lines": [{"product_id": str(products[p]), "quantity": int(q)} for p, q in asked],
                }
            ).encode()
        )  # fmt: skip
    return found


def by_pipe() -> Times:
    """Line of JSON in, line of JSON out, in this process."""
    router, requests = live_router()
    router.route(read_order(requests[0]))
    spent, begin, cpu = [], time.perf_counter(), time.process_time()
    for request in requests:
        at = time.perf_counter()
        json.dumps(router.route(read_order(request)), ensure_ascii=False)
        spent.append(time.perf_counter() - at)
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    return Times(np.array(spent), len(requests) / wall, cpu / len(requests))


def _serve(ready: Connection, core: int) -> None:
    """Child: the endpoint on a free port; tells it, then its processor seconds whenever it is asked."""
    import uvicorn

    os.sched_setaffinity(0, {core})
    router, _ = live_router()
    endpoint = Endpoint(router, lambda _plan: None, _TOKEN)
    listener = socket.create_server(("127.0.0.1", 0))
    ready.send(listener.getsockname()[1])
    config = uvicorn.Config(endpoint, log_level="warning", access_log=False, lifespan="on")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(ready.fileno(), lambda: (ready.recv(), ready.send(time.process_time())))
        await uvicorn.Server(config).serve(sockets=[listener])

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:  # the loop that uvicorn itself would take
        runner.run(run())


@contextmanager
def _server(core: int) -> Iterator[tuple[int, Connection]]:
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, core))
    child.start()
    try:
        yield ours.recv(), ours
    finally:
        child.kill()
        child.join()


async def _load(port: int, requests: list[bytes], connections: int) -> np.ndarray:
    """Seconds of each answer; every connection asks anew as soon as it has its answer."""

    async def ask(own: list[bytes]) -> list[float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        spent = []
        for body in own:
            head = f"POST /route HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {_TOKEN}\r\n"
            begin = time.perf_counter()
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            found = await reader.readexactly(length)
            spent.append(time.perf_counter() - begin)
            assert answer.startswith(b"HTTP/1.1 200"), found
        writer.close()
        return spent

    found = await asyncio.gather(*(ask(requests[at::connections]) for at in range(connections)))
    return np.array([seconds for own in found for seconds in own])


def by_http(connections: int) -> Times:
    """One order a request on connections that stay open, from another process on another core."""
    cores = sorted(os.sched_getaffinity(0))
    _, requests = live_router()
    with _server(cores[-1]) as (port, control):
        os.sched_setaffinity(0, {cores[0]})
        try:
            asyncio.run(_load(port, requests[:200], 1))
            control.send(None)
            cpu = control.recv()
            begin = time.perf_counter()
            spent = asyncio.run(_load(port, requests, connections))
            wall = time.perf_counter() - begin
            control.send(None)
            cpu = control.recv() - cpu
        finally:
            os.sched_setaffinity(0, cores)
    return Times(spent, len(requests) / wall, cpu / len(requests))


def report() -> None:
    """Print the table."""
    print(f"\n### One order from JSON to JSON (load average {os.getloadavg()[0]:.1f})\n")
    print(
        "| way | median ms | p99 ms (≤ 5) | orders/s by the wall (≥ 2,000) | per processor second |\n"
        "|---|---|---|---|---|"
    )
    rows = [("pipe", by_pipe())]
    rows += [(f"HTTP, {n} connection{'s' * (n > 1)}", by_http(n)) for n in (1, CONNECTIONS)]
    for name, found in rows:
        p50, p99 = np.percentile(found.seconds, [50, 99]) * 1e3
        print(f"| {name} | {p50:.2f} | {p99:.2f} | {found.rate:,.0f} | {1 / found.processor:,.0f} |", flush=True)
