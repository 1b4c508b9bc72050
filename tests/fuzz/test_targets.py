"""The short pass: everything in the corpus, and some hundred mutations of it, the same ones each time."""

from pathlib import Path

import pytest

from tests.fuzz.engine import Fuzzer
from tests.fuzz.target import CORPUS, Finding, Target
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("kind", TARGETS, ids=lambda kind: kind.name)
def test_only_the_documented_errors_come_out(kind: type[Target], tmp_path: Path) -> None:
    target = kind(tmp_path)
    try:
        fuzzer = Fuzzer(target, seed=1)
        fuzzer.corpus()
        tally = fuzzer.mutations(count=kind.brief)
    finally:
        target.close()

    assert not tally.found, "\n".join(found.text for found in tally.found.values())
    assert tally.executions >= kind.brief
    assert len(tally.outcomes) > 1, "whatever goes in, the same comes out: it is not reached"


def test_every_folder_of_the_corpus_belongs_to_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= {kind.name for kind in TARGETS}


class _Broken(Target):
    name = "broken"

    def seeds(self) -> list[bytes]:
        return [b"aaaaaaaa=1\nbbbbbbbbbb"]

    def run(self, data: bytes) -> str:
        if b"b" not in data:
            raise Finding("no b")
        return "b"


def test_a_defect_is_found_made_small_and_found_again_with_the_same_seed(tmp_path: Path) -> None:
    tallies = []
    for _ in range(2):
        fuzzer = Fuzzer(_Broken(tmp_path), seed=3)
        fuzzer.corpus()
        tallies.append(fuzzer.mutations(count=500))

    (found,) = tallies[0].found.values()
    assert found.data == b""
    assert tallies[0].found == tallies[1].found
