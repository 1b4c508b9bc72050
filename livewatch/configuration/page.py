"""``docs/configuration.md`` from the schema: ``python -m livewatch.configuration.page > docs/configuration.md``."""

import sys

from livewatch.configuration.schema import Key, about, schema
from livewatch.configuration.sections import SECTIONS
from livewatch.configuration.values import toml

_HEAD = """# Configuration

Generated from the settings themselves by `python -m livewatch.configuration.page > docs/configuration.md`; do not edit.

A flag wins over a variable, a variable over the file, the file over the default. The file is `--config FILE`, else
`$LIVEWATCH_CONFIG`, else `~/.config/livewatch/livewatch.toml` (`$XDG_CONFIG_HOME`), else
`/etc/livewatch/livewatch.toml`. The variable of `warn_after` is `LIVEWATCH_WARN_AFTER`, and so for each key but tables
and lists of tables; a list of words is JSON there. OTLP is switched on by the standard `OTEL_*` variables, which are
not keys.

```console
$ livewatch config init                    # write a first file: every key, commented out, with its default
$ livewatch config init --from-openclaw ~/.openclaw/openclaw.json     # with the limits that OpenClaw had
$ livewatch config check                   # may it be used? names file, line, key and the nearest valid key
$ livewatch config show --origin           # what is in force, and where each value comes from
$ livewatch config schema > schema.json    # JSON Schema, for your editor
```

**Durations** are written with their unit: `500ms`, `30s`, `5m`, `1h30m`, `2d`. A bare number is refused.

**Changes**: the agent looks at the file every {look:g} s, and at SIGHUP at once. `[thresholds]`, `[recovery]` and the
shadow's file change while it runs, all at once between two looks; what a file changes elsewhere is told, and waits for
the next start. A file that cannot be used changes nothing and is told in one line with its file and line; so is one
that was taken away. Editors that write a new file and rename it, and Kubernetes ConfigMaps, whose link is swapped, are
seen. Each change is in `livewatch audit`, and counted in `livewatch.config.reloads`.

**A part of the sessions** has limits of its own by overrides; every selector that is set must match, and the most
specific override wins (session, then tool or model, then activity, then lane):

```toml
[[thresholds.overrides]]
session = "agent:research:*"    # glob over the session key
warn_after = "10m"
abort_after = "45m"

[[thresholds.overrides]]
activity = "tool_call"
name = "video-*"                # glob over the tool or model
abort_after = "2h"

[[thresholds.overrides]]
lane = "cron"
warn_after = "5m"
```
"""


def page() -> str:
    """Return the whole page as Markdown."""
    from livewatch.configuration.reload import LOOK_EVERY_S  # noqa: PLC0415 -- only the page needs asyncio

    return "\n".join([_HEAD.format(look=LOOK_EVERY_S), *(_section(name) for name in SECTIONS)])


def _section(name: str) -> str:
    keys = [key for key in schema() if key.section == name]
    when = "Changes while the agent runs." if keys[0].live else "Changes with the next start of the agent."
    head = [f"## `[{name}]`", "", f"{about(name)} {when}", ""]
    return "\n".join(
        [*head, "| key | form | default | meaning |", "|---|---|---|---|", *(_row(key) for key in keys), ""]
    )


def _row(key: Key) -> str:
    default = "" if key.default in (None, []) else f"`{toml(key.default)}`"
    meaning = " ".join(key.about.split()).replace("|", "\\|")
    return f"| `{key.name}` | {key.form.replace('|', ',')} | {default} | {meaning} |"


if __name__ == "__main__":
    sys.stdout.write(page())
