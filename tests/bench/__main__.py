"""Measures what probe, tick, start-up and simulator cost, and how soon a stall is seen: a table, or ``--json``."""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
import uvloop

from livewatch.probe import Probe
from livewatch.probe.board import BoardWriter
from livewatch.probe.layout import SLOT_BYTES, bucket_middle_s, bucket_of
from livewatch.probe.loop import LoopSampler
from tests.bench.blocks import seen_blocks
from tests.bench.detection import detection_latency
from tests.bench.figures import Figure, figure
from tests.bench.growth_plot import write_plot
from tests.bench.many import many_boards, resident, start_up
from tests.bench.simulator import simulator_speed
from tests.bench.tick import SIZES, tick_costs
from tests.bench.workday import working_day

ROUNDS = 15
CALLS = 20_000
TURNS = 600
TOKENS = 20


def per_call(name: str, call: Callable[[], object]) -> Figure:
    """Return the cost of one call in nanoseconds, against a clock read.

    Each round reads the clock just before it: a machine that changes its speed meanwhile changes both.
    """
    costs_ns: list[float] = []
    ratios: list[float] = []
    for _ in range(ROUNDS):
        clock_ns = _each_ns(time.monotonic_ns)
        costs_ns.append(_each_ns(call))
        ratios.append(costs_ns[-1] / clock_ns)
    middle_ns = statistics.median(costs_ns)
    return Figure(name, middle_ns, min(costs_ns), max(costs_ns), "ns", "time.monotonic_ns()", statistics.median(ratios))


def _each_ns(call: Callable[[], object]) -> float:
    began_ns = time.perf_counter_ns()
    for _ in range(CALLS):
        call()
    return (time.perf_counter_ns() - began_ns) / CALLS


async def probe_costs(folder: Path) -> list[Figure]:
    """Return what each report of the gateway costs, against a bare clock read."""
    table: dict[str, int] = {}
    figures = [
        per_call("time.monotonic_ns()", time.monotonic_ns),
        per_call("a bare dict update", partial(table.__setitem__, "k", 1)),
        Figure("memory of a session slot", SLOT_BYTES, SLOT_BYTES, SLOT_BYTES, "B", "512 bytes", SLOT_BYTES / 512),
    ]
    async with Probe.open(folder / "board", capacity=8) as probe:
        session = probe.session("s")
        async with session.run("r") as run:

            def tool_call() -> None:
                with run.tool_call("t"):
                    pass

            cases: list[tuple[str, Callable[[], object]]] = [
                ("progress()", run.progress),
                ("state change", lambda: session.state("processing")),
                ("tool call, open and close", tool_call),
                ("queue depth", lambda: session.queued(3)),
            ]
            figures += [per_call(name, call) for name, call in cases]
    sampler = LoopSampler(BoardWriter(folder / "other", 1))
    figures.append(per_call("loop-delay sample (50 a second)", sampler._sample))
    return figures


async def turns(folder: Path | None) -> float:
    """Return how many turns a second go through one loop, with a probe or without.

    A turn asks a server on the loopback, reads twenty tokens as they come, and parses each, as a gateway does.
    """

    async def provider(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            for number in range(TOKENS):
                writer.write(json.dumps({"token": "word", "index": number}).encode() + b"\n")
                await writer.drain()
        writer.close()
        ended.set()

    async def turn(progress: Callable[[], object]) -> None:
        asking.write(b"{}\n")
        for _ in range(TOKENS):
            json.loads(await answers.readline())
            progress()

    ended = asyncio.Event()
    server = await asyncio.start_server(provider, "127.0.0.1", 0)
    answers, asking = await asyncio.open_connection(*server.sockets[0].getsockname())
    began_s = time.perf_counter()
    if folder is None:
        for _ in range(TURNS):
            await turn(lambda: None)
    else:
        async with Probe.open(folder / "board", capacity=8) as probe:
            session = probe.session("s")
            began_s = time.perf_counter()
            for _ in range(TURNS):
                async with session.run("r", timeout=60) as run:
                    with run.model_call("m"):
                        await turn(run.progress)
    took_s = time.perf_counter() - began_s
    asking.close()
    await ended.wait()
    server.close()
    return TURNS / took_s


def throughput(folder: Path) -> list[Figure]:
    """Return turns per second without and with the probe, on both loops, alternating."""
    figures: list[Figure] = []
    for name, factory in (("asyncio", asyncio.new_event_loop), ("uvloop", uvloop.new_event_loop)):
        bare: list[float] = []
        probed: list[float] = []
        for _ in range(3):
            for found, where in ((bare, None), (probed, folder)):
                with asyncio.Runner(loop_factory=factory) as runner:
                    found.append(runner.run(turns(where)))
        base = statistics.median(bare)
        figures.append(figure(f"turns/s on {name}, bare", bare, "1/s", f"{name}, bare", base))
        figures.append(figure(f"turns/s on {name}, probe", probed, "1/s", f"{name}, bare", base))
        extra_us = [(1 / with_probe - 1 / base) * 1e6 for with_probe in probed]
        figures.append(figure(f"probe's cost of a turn on {name}", extra_us, "µs", f"{name}, a bare turn", 1e6 / base))
    return figures


async def blocked(folder: Path) -> list[Figure]:
    """Return what is said of blocks of known length: by the board, and by well-known means in the same run."""
    figures: list[Figure] = []
    for true_s, seen in await seen_blocks(folder):
        for means, seen_s in seen.items():
            ms = seen_s * 1e3
            name = f"block of {true_s * 1e3:.0f} ms: {means}"
            figures.append(Figure(name, ms, ms, ms, "ms", "true length", seen_s / true_s))
    return figures


def histogram_error() -> Figure:
    """Return the histogram's worst relative error from 1 ms to 10 min."""
    delays_s = [0.001 * 1.01**step for step in range(1338)]
    errors = [abs(bucket_middle_s(bucket_of(round(s * 1e9))) - s) / s for s in delays_s if s <= 600]
    worst = max(errors)
    return Figure("histogram, worst relative error", worst * 100, 0.0, worst * 100, "%", "5 %", worst / 0.05)


def _of_the_probe(folder: Path) -> list[Figure]:
    costs, blocks = asyncio.run(probe_costs(folder)), asyncio.run(blocked(folder))
    return [*costs, *throughput(folder), *blocks, histogram_error()]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quick", is_flag=True, help="A smoke run: few sessions, nothing that takes long.")
@click.option("--probe", is_flag=True, help="Only what a gateway pays for the probe.")
@click.option("--million", is_flag=True, help="Let the tick grow to 1,000,000 sessions (6 GiB, minutes).")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the growth of a tick into this SVG file.")
def main(*, as_json: bool, quick: bool, probe: bool, million: bool, plot: Path | None) -> None:
    """Run every benchmark once; two minutes on a small machine."""
    figures = _of_the_probe_alone() if probe else _of_everything(quick=quick, million=million, plot=plot)
    if as_json:
        click.echo(json.dumps({"schema_version": 1, "figures": [asdict(f) for f in figures]}, indent=2))
        return
    click.echo(f"{'what':<44} {'median':>12} {'spread':>25} {'ratio':>8}  to")
    for f in figures:
        spread = f"{f.lowest:,.1f} .. {f.highest:,.1f}"
        click.echo(f"{f.name:<44} {f.median:>10,.1f} {f.unit:<3} {spread:>22} {f.ratio:>8.2f}  {f.baseline}")


def _of_the_probe_alone() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="lw") as name:
        return _of_the_probe(Path(name))


def _of_everything(*, quick: bool, million: bool, plot: Path | None) -> list[Figure]:
    sizes = (1_000,) if quick else (*SIZES, 1_000_000) if million else SIZES
    with tempfile.TemporaryDirectory(prefix="lw") as name:
        folder = Path(name)
        figures = [] if quick else _of_the_probe(folder)
        ticks = asyncio.run(tick_costs(folder, sizes, 1 if quick else 7))
        day = asyncio.run(working_day(folder, *((600, 5) if quick else (100_000, 60))))
        figures += [*ticks, *day, *asyncio.run(many_boards(folder, 3 if quick else 50))]
    figures += detection_latency(100 if quick else 1_000)
    figures += simulator_speed(1 if quick else 5)
    figures += [*start_up(1 if quick else 5), *resident(1 if quick else 3)]
    if plot is not None:
        write_plot(plot, ticks, sizes)
    return figures


if __name__ == "__main__":
    sys.exit(main())
