"""A program on a terminal of its own: its keys, its output, and how it leaves the terminal behind."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping

from tests.waiting import until

LEFT_SCREEN = "\x1b[?1049l"
"""What a full-screen program writes when it gives the screen back."""

_CONTROL = re.compile(r"\x1b\[[0-9;?<>$=]*[@-~]")
_BEGUN = re.compile(r"\x1b(\[[0-9;?<>$=]*)?$")


class Terminal:
    """Runs `livewatch` under a pseudo-terminal."""

    def __init__(
        self, *arguments: object, size: tuple[int, int] = (80, 24), env: Mapping[str, str] | None = None
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._theirs = theirs
        self.before = termios.tcgetattr(theirs)
        self.output = ""
        """What can be read of what was written since the text that was waited for last."""
        self._held = ""
        """A control sequence of which only the beginning has come."""
        self.written = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "livewatch", *map(str, arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color", **(env or {})},
            start_new_session=True,
        )

    def close(self) -> None:
        """End whatever still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._ours, keys.encode())

    def until(self, text: str) -> None:
        """Wait until a text has been written since the last call; what came before it is forgotten."""
        until(lambda: text in self._read(), f"{text!r} on the terminal")
        self.output = self.output.partition(text)[2]

    def press_until(self, keys: str, text: str) -> None:
        """Type again and again until a text is written: what is typed while a screen goes away is lost."""

        def typed() -> bool:
            self.press(keys)
            return text in self._read()

        until(typed, f"{text!r} on the terminal")
        self.output = self.output.partition(text)[2]

    def end(self) -> int:
        """Wait for the end; return the exit code."""

        def ended() -> bool:
            self._read()  # nobody else empties the terminal
            return self.process.poll() is not None

        until(ended, "the end")
        self._read()
        return self.process.returncode

    def restored(self) -> bool:
        """Return whether the terminal is as it was: its settings, and the screen that was there before."""
        return termios.tcgetattr(self._theirs) == self.before and LEFT_SCREEN in self.written

    def _read(self) -> str:
        while select.select([self._ours], [], [], 0)[0]:
            said = os.read(self._ours, 65536).decode(errors="replace")
            self.written += said
            whole = _BEGUN.sub("", held := self._held + said)
            self._held = held[len(whole) :]
            self.output += _CONTROL.sub("", whole)
        return self.output
