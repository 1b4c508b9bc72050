"""One JSON document at the end, nothing before."""

import json
from typing import TextIO

from livewatch.demo.demo_result import DemoResult
from livewatch.demo.demo_state import DemoState


class JsonView:
    """For scripts."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def refresh(self, state: DemoState) -> None:
        """Show nothing."""

    def finish(self, result: DemoResult) -> None:
        """Write the document."""
        self._stream.write(json.dumps(result.as_json(), indent=2) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing to give back."""
