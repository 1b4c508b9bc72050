"""What `make release-check` takes for wrong; the whole check needs a package index and is run by itself."""

from email.message import Message

from livewatch import __version__
from tests.supply.release import IN_SOURCES, faults_of_metadata, faults_of_names

PROJECT = {
    "name": "livewatch",
    "description": "words",
    "license": "MIT",
    "requires-python": ">=3.11",
    "classifiers": ["Operating System :: POSIX :: Linux"],
}


def metadata(**changed: str) -> Message:
    said = Message()
    for name, value in {
        "Name": "livewatch",
        "Version": __version__,
        "Summary": "words",
        "License-Expression": "MIT",
        "License-File": "LICENSE",
        "Requires-Python": ">=3.11",
        "Description-Content-Type": "text/markdown",
        "Classifier": "Operating System :: POSIX :: Linux",
    }.items():
        said[name] = changed.get(name.replace("-", "_"), value)
    return said


def test_an_archive_with_everything_and_nothing_else_has_no_fault() -> None:
    assert faults_of_names([*IN_SOURCES, "livewatch/__init__.py"], IN_SOURCES) == []


def test_a_missing_license_and_a_stray_file_are_faults() -> None:
    names = [*(IN_SOURCES - {"LICENSE"}), "livewatch/__pycache__/agent.cpython-311.pyc"]

    assert faults_of_names(names, IN_SOURCES) == [
        "lacks: LICENSE",
        "does not belong there: livewatch/__pycache__/agent.cpython-311.pyc",
    ]


def test_what_an_index_is_told_is_what_the_project_says() -> None:
    assert faults_of_metadata(metadata(), PROJECT) == []
    assert faults_of_metadata(metadata(Version="9.9"), PROJECT) == [f"Version is '9.9', not '{__version__}'"]
    assert faults_of_metadata(metadata(Classifier="x"), PROJECT) == ["the classifiers differ"]
