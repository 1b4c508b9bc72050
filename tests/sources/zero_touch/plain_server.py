"""A plain asyncio server that knows nothing of livewatch; a line on a connection makes it behave badly.

``idle``: nothing. ``busy``: answers itself all the time. ``compute``: a loop in Python for ever. ``sleep``: a blocking
call for ever. ``gil``: a call in C that keeps the interpreter's lock.
"""

import asyncio
import sys
import time


def compute() -> None:
    """Burn a core."""
    while True:
        pass


def hold_the_lock() -> None:
    """Raise a number to a power for minutes, in one call that lets nobody else run."""
    _ = 3 ** (10**9)


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
        case _:
            writer.close()


async def main() -> None:
    """Serve on a free port and print it."""
    server = await asyncio.start_server(behave, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
