"""A certificate authority of one collector, made by the openssl command for as long as a test runs."""

import ssl
import subprocess
from pathlib import Path


class Authority:
    """Signs its own certificate for 127.0.0.1 and localhost."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.file, self._key = folder / "certificate.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=collector", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
             "-keyout", str(self._key), "-out", str(self.file)],
            check=True, capture_output=True, timeout=30,
        )  # fmt: skip

    def server_context(self) -> ssl.SSLContext:
        """Return what a server with this certificate speaks TLS with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self._key)
        return context
