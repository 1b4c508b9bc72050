"""``make boards-types``: the dashboards against Grafana's own types, by the TypeScript compiler.

`@grafana/schema` comes from npm into ``.cache``. A board is written as a literal of the type `Dashboard`, and of each
panel the options and the custom part of its field configuration as literals of the panel's own types, so that an
option that this Grafana does not have is an error and not merely unread. The exit code is 0 when all fit, 1 when
something does not, and 3 when npm or its registry cannot be had.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BOARDS = ROOT / "dashboards" / "grafana"
CACHE = ROOT / ".cache" / "grafana-types"
SCHEMA, TYPESCRIPT = "13.2.3", "5.9.3"
FIT, UNFIT, NOT_RUN = 0, 1, 3

_ENUM = re.compile(r"export (?:declare )?enum (\w+) \{(.*?)\n\}", re.DOTALL)
_MEMBER = re.compile(r"""^\s*\w+ = ("[^"]*"|'[^']*'|-?\d+)""", re.MULTILINE)
_IMPORTS = """\
import type { AnnotationQuery, Dashboard, DataQuery, VariableModel } from "@grafana/schema";
type Query = Omit<DataQuery, "datasource"> & { expr: string; instant: boolean; range: boolean };
type Annotation = AnnotationQuery<Query> & { expr?: string; step?: string; titleFormat?: string };
type Variable = VariableModel & { definition?: string };
"""
"""With what the package has no types of: an annotation of the Prometheus data source, a variable that is queried."""
_OPTIONS = {
    "strict": True,
    "noEmit": True,
    "skipLibCheck": True,
    "module": "esnext",
    "moduleResolution": "bundler",
    "target": "es2022",
    "types": [],
    "paths": {"@grafana/schema": ["./types/index.d.ts"]},
}


class NotInstalled(Exception):  # noqa: N818 -- reads as what is wrong
    """The types or the compiler cannot be had; the text says what to do."""


def install() -> Path:
    """Return the folder of the pinned packages, after fetching them from npm if they are not there yet.

    Raises:
        NotInstalled: when npm is missing or fails.
    """
    modules = CACHE / "node_modules"
    pinned = {"@grafana/schema": SCHEMA, "typescript": TYPESCRIPT}
    if all(_version(modules / name) == version for name, version in pinned.items()):
        return modules
    CACHE.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", "--fetch-retries=1"]
    packages = [f"{name}@{version}" for name, version in pinned.items()]
    command = ["npm", "install", *quiet, "--prefix", str(CACHE), *packages]
    try:
        subprocess.run(command, check=True, cwd=CACHE, stdout=subprocess.DEVNULL, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotInstalled(
            f"{' '.join(packages)} cannot be installed ({error}); npm and its registry are needed"
        ) from error
    return modules


def _version(package: Path) -> str | None:
    manifest = package / "package.json"
    return json.loads(manifest.read_text(encoding="utf-8"))["version"] if manifest.exists() else None


def with_literal_unions(text: str) -> str:
    """Return a declaration file with each enum as the union of its values: JSON holds values and not members."""

    def union(found: re.Match[str]) -> str:
        name, body = found.groups()
        return f"export type {name} = {' | '.join(_MEMBER.findall(body))};"

    return _ENUM.sub(union, text)


def source(board: Mapping[str, Any]) -> str:
    """Return the TypeScript that is valid when the board is."""
    panels = list(_panels(board))
    kinds = sorted({panel["type"] for panel in panels if panel["type"] != "row"})
    annotations, variables = board["annotations"]["list"], board["templating"]["list"]
    lines = [_IMPORTS]
    for kind in kinds:
        name = _identifier(kind)
        lines.append(f'import type * as {name} from "./types/raw/composable/{name}/panelcfg/x/types.gen";')
    rest = {**board, "annotations": {"list": []}, "templating": {"list": []}}
    lines.append(f"export const board: Dashboard = {json.dumps(rest, indent=1)};")
    lines.append(f"export const annotations: Annotation[] = {json.dumps(annotations, indent=1)};")
    lines.append(f"export const variables: Variable[] = {json.dumps(variables, indent=1)};")
    for panel in panels:
        kind, number = _identifier(panel["type"]), panel["id"]
        if kind == "row":
            continue
        lines.append(f"// {panel['title']}")
        lines.append(f"export const options{number}: Partial<{kind}.Options> = {json.dumps(panel.get('options', {}))};")
        custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom")
        if custom is not None:
            lines.append(f"export const custom{number}: Partial<{kind}.FieldConfig> = {json.dumps(custom)};")
    return "\n".join(lines) + "\n"


def _panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", ())


def _identifier(kind: str) -> str:
    return kind.replace("-", "")


def check(modules: Path, boards: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what the compiler says about boards by name; nothing when all fit."""
    folder = CACHE / "checked"
    shutil.rmtree(folder, ignore_errors=True)
    declared = modules / "@grafana" / "schema" / "dist" / "types"
    for path in declared.rglob("*.d.ts"):
        written = folder / "types" / path.relative_to(declared)
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(with_literal_unions(path.read_text(encoding="utf-8")), encoding="utf-8")
    for name, board in boards.items():
        (folder / f"{name}.ts").write_text(source(board), encoding="utf-8")
    project = {"compilerOptions": _OPTIONS, "files": [f"{name}.ts" for name in boards]}
    (folder / "tsconfig.json").write_text(json.dumps(project), encoding="utf-8")
    command = ["node", str(modules / "typescript" / "bin" / "tsc"), "--pretty", "false", "--project", str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 or done.stdout, done.stderr
    return done.stdout


def main() -> int:
    """Check every board that is committed."""
    boards = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(BOARDS.glob("*.json"))}
    try:
        modules = install()
    except NotInstalled as error:
        sys.stderr.write(f"NOT RUN: make boards-types: {error}\n")
        return NOT_RUN
    if unseen := [kind for kind, broken in _broken(boards).items() if not check(modules, {"broken": broken})]:
        sys.stderr.write(f"the check itself is blind: it takes {', '.join(unseen)}\n")
        return UNFIT
    found = check(modules, boards)
    sys.stdout.write(found or f"{len(boards)} dashboards fit the types of Grafana {SCHEMA}\n")
    return UNFIT if found else FIT


def _broken(boards: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return boards that must not fit, by what is wrong with each."""
    board = next(iter(boards.values()))
    number, panel = next((n, p) for n, p in enumerate(board["panels"]) if p["type"] == "timeseries")

    def having(changed: dict[str, Any]) -> dict[str, Any]:
        return board | {"panels": [*board["panels"][:number], panel | changed, *board["panels"][number + 1 :]]}

    return {
        "a property that no dashboard has": board | {"nosuch": 1},
        "a value that an enum lacks": board | {"graphTooltip": 7},
        "a property that no variable has": board
        | {"templating": {"list": [board["templating"]["list"][0] | {"nosuch": 1}]}},
        "an option that the panel lacks": having({"options": panel["options"] | {"nosuch": 1}}),
    }


if __name__ == "__main__":
    sys.exit(main())
