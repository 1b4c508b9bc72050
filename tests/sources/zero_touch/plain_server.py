"""A plain asyncio server that knows nothing of livewatch; a line on a connection makes it behave badly.

``idle``: nothing. ``busy``: answers itself all the time. ``compute``: a loop in Python for ever. ``sleep``: a blocking
call for ever. ``gil``: a call in C that keeps the interpreter's lock. ``shared``: computes for ever beside a thread
that does too, so that the lock changes hands. ``naps``: a blocking call that sleeps and wakes. ``spin``: turns without
rest, and serves. ``shut``: closes its port and stays idle.

The first argument is the address to listen at.
"""

import asyncio
import sys
import threading
import time
from typing import NoReturn

SERVERS: list[asyncio.Server] = []


def compute() -> NoReturn:
    """Burn a core."""
    while True:
        pass


def hold_the_lock() -> None:
    """Raise a number to a power for minutes, in one call that lets nobody else run."""
    _ = 3 ** (10**9)


def nap() -> NoReturn:
    """Never return to the loop, asleep most of the time."""
    while True:
        time.sleep(0.1)


def share() -> NoReturn:
    """Compute for ever in two threads."""
    threading.Thread(target=compute, daemon=True).start()
    compute()


def spin() -> None:
    """Give the loop something to do in each of its turns."""
    asyncio.get_running_loop().call_soon(spin)


async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Do what the line says."""
    match (await reader.readline()).strip():
        case b"busy":
            for _ in range(1_000_000):
                await asyncio.sleep(0.01)
        case b"compute":
            compute()
        case b"sleep":
            time.sleep(3600)  # noqa: ASYNC251 -- the fault that is wanted
        case b"gil":
            hold_the_lock()
        case b"shared":
            share()
        case b"naps":
            nap()
        case b"spin":
            spin()
        case b"shut":
            SERVERS.pop().close()
        case _:
            pass
    writer.close()


async def main() -> None:
    """Serve on a free port and print it."""
    server = await asyncio.start_server(behave, sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1", 0)
    SERVERS.append(server)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
