"""The difference between two JSON documents, so that a line tells only what changed. Pure.

A change is a table with up to three keys: ``=`` (values that are new or other), ``~`` (changes inside of tables that
both have), ``-`` (names that are gone). No key stands for nothing: an empty change is an empty table.
"""

from typing import Any, cast

Document = dict[str, Any]


def change(before: Document, after: Document) -> Document:
    """Return what leads from one document to the other; tables are compared inside, all other values as a whole."""
    told: Document = {}
    inside: Document = {}
    for key, value in after.items():
        old = before.get(key)
        if key in before and old == value:
            continue
        if isinstance(old, dict) and isinstance(value, dict):
            inside[key] = change(cast("Document", old), cast("Document", value))
        else:
            told[key] = value
    gone = [key for key in before if key not in after]
    return {name: part for name, part in (("=", told), ("~", inside), ("-", gone)) if part}


def apply(before: Document, changed: Document) -> Document:
    """Return the document after a change; parts that did not change are the same objects.

    Raises:
        ValueError: when the change does not fit the document.
    """
    try:
        after = {**before, **changed.get("=", {})}
        for key in changed.get("-", ()):
            del after[key]
        for key, inner in changed.get("~", {}).items():
            after[key] = apply(before[key], inner)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a change that does not fit what was told before: {error!r}") from error
    return after
