"""Small documents that others write: locks, holds, a lease's note, OpenClaw's configuration and token."""

import json

from livewatch.locks import LockInspector, LockSettings
from livewatch.recovery.holds_file import HoldsFile
from livewatch.recovery.lease import holder_of
from livewatch.sources.openclaw.discovery import DiscoveryError, find_gateway
from livewatch_classifiers.blindtime import BlindTime
from tests.fuzz.target import Finding, Target
from tests.fuzz.targets.config import one_line
from tests.fuzz.targets.rounds import Patience

_LOCK = {"pid": 1, "starttime": 5, "createdAt": "2026-11-21T00:00:00Z", "pid_namespace": "pid:[1]", "run_id": "r"}
_HOLDS = {"holds": [{"glob": "agent:*", "until": None, "by": "ann"}, {"glob": "x", "until": 1e12, "by": "bob"}]}
_HOLDER = {"pid": 1, "start_ticks": 5, "host": "h", "version": "1"}
_OPENCLAW = {"gateway": {"port": 18789, "auth": {"token": "secret"}}}

_JSON5 = (
    b"\xef\xbb\xbf{gateway: {port: 0x4869, auth: {token: '${HOME}-secret-of-mine',},}, // c\n}",
    b"{$include: ['openclaw.json', 'token'], gateway: {tls: {enabled: true}}}",
    (
        b"{gateway: {auth: {mode: 'password', password: {source: 'file', provider: 'f', id: '/a~1b/0'}}},"
        b" secrets: {providers: {f: {source: 'file', path: 'token'}}}, env: {vars: {A: 'b'}}}"
    ),
    b"{gateway: {mode: 'remote', remote: {url: 'wss://h:1', token: '$A', tlsFingerprint: 'ab:cd'}}}",
)


class SmallFilesTarget(Target):
    """The same bytes as each of the files."""

    name = "small-files"
    tokens = (
        b"1e999",
        b"-1",
        b"9" * 5000,
        b"\\ud800",
        b"null",
        b"\0",
        b"//",
        b"9" * 400,
        b"$include",
        b"${",
        b"/*",
        b"0x",
        b"'",
    )
    brief = 500

    def seeds(self) -> list[bytes]:
        """Return one of each."""
        more = [
            {**_LOCK, "createdAt": 1e12, "start_time": "b:5"},
            {**_LOCK, "pid": 2**40},
            {**_LOCK, "starttime": 1e308},
        ]
        return [
            *(json.dumps(one).encode() for one in (_LOCK, _HOLDS, _HOLDER, _OPENCLAW, *more)),
            *_JSON5,
            b"token",
            b"",
        ]

    def run(self, data: bytes) -> str:
        """Read it as everything that it might be."""
        return " ".join((self._locks(data), self._holds(data), self._lease(data), self._openclaw(data)))

    def _locks(self, data: bytes) -> str:
        folder = self.folder / "locks"
        folder.mkdir(exist_ok=True)
        (folder / "a.jsonl.lock").write_bytes(data)
        (verdict,) = LockInspector(LockSettings(folder), Patience()).inspect_now(BlindTime())
        return verdict.condition.value

    def _holds(self, data: bytes) -> str:
        path = self.folder / "holds"
        path.write_bytes(data)
        file = HoldsFile(path, Patience())
        try:
            holds = file.load()
        except OSError as error:
            return one_line(error)[:20]
        file.save(holds)
        if [hold.glob for hold in file.load()] != [hold.glob for hold in holds]:
            raise Finding("holds that were written down are not read again")
        return f"{len(holds)} holds"

    def _lease(self, data: bytes) -> str:
        path = self.folder / "lease"
        path.write_bytes(data)
        holder = holder_of(path)
        return "nobody" if holder is None else f"{holder.alive} {bool(str(holder))}"

    def _openclaw(self, data: bytes) -> str:
        config, token = self.folder / "openclaw.json", self.folder / "token"
        for path in (config, token):
            path.write_bytes(data)
            path.chmod(0o600)
        environ = {"OPENCLAW_CONFIG_PATH": str(config), "HOME": str(self.folder)}
        words: list[str] = []
        for given in (None, token):
            try:
                found = find_gateway(None, given, environ)
            except DiscoveryError as error:
                words.append(one_line(error)[:20])
            else:
                if found.token and len(found.token) > 12 and found.token in found.said.replace(str(self.folder), ""):
                    raise Finding("the token is in the log")
                words.append(found.url[:15])
        return " ".join(words)
