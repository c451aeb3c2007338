"""What a person who counts installs: an SBOM in build/sbom.cdx.json and a table of licences (`make sbom`).

Of this environment, which holds the developers' tools, too, only twincell's own requirements and theirs are
listed. The SBOM is CycloneDX 1.6, made by cyclonedx-py; the table is docs/reference/licences.md.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SBOM = ROOT / "build" / "sbom.cdx.json"
PAGE = ROOT / "docs" / "reference" / "licences.md"
HEAD = """# Licences of what twincell installs

twincell itself is under the MIT licence, the models that ship with it, too. This is what `make install`
brings, with the licence each package names in its own metadata; `make sbom` writes the table anew, and
beside it `build/sbom.cdx.json`, the same as a software bill of materials (CycloneDX). Packages that only
some need (readers of microscope files, searches, baselines) are not in it; the reader of Zeiss CZI files,
bioio-czi, is under the GPL and therefore left to you to install.

| package | version | licence |
|---|---|---|
"""


def main() -> None:
    """Write both."""
    wanted = closure()
    bom = inventory()
    bom["components"] = [c for c in bom["components"] if canonicalize_name(c["name"]) in wanted]
    kept = {c["bom-ref"] for c in bom["components"]} | {bom["metadata"]["component"]["bom-ref"]}
    bom["dependencies"] = [
        {**d, "dependsOn": [r for r in d.get("dependsOn", []) if r in kept]}
        for d in bom.get("dependencies", [])
        if d["ref"] in kept
    ]
    SBOM.parent.mkdir(exist_ok=True)
    SBOM.write_text(json.dumps(bom, indent=1) + "\n")
    rows = sorted(bom["components"], key=lambda component: component["name"].lower())
    # A build's own mark (+cpu) says where a package came from, not what it is.
    lines = [f"| {c['name']} | {c['version'].partition('+')[0]} | {licence(c)} |\n" for c in rows]
    PAGE.write_text(HEAD + "".join(lines))
    print(f"{len(rows)} packages: {SBOM} and {PAGE}")


def closure() -> set[str]:
    """What twincell requires without extras on this machine, what that requires, and so on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    todo = [Requirement(line) for line in project["dependencies"]]
    found: set[tuple[str, str]] = set()
    while todo:
        need = todo.pop()
        for extra in ("", *need.extras):
            package = canonicalize_name(need.name), extra
            if package not in found:
                found.add(package)
                inner = [Requirement(line) for line in metadata.requires(package[0]) or []]
                todo += [r for r in inner if r.marker is None or r.marker.evaluate({"extra": extra})]
    return {name for name, _ in found}


def inventory() -> dict[str, Any]:
    """Everything in this environment, as cyclonedx-py lists it."""
    tool = Path(sys.executable).with_name("cyclonedx-py")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "sbom.json"
        command = [
            str(tool), "environment", "--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible",
            "--spec-version", "1.6", "--output-format", "JSON", "--output-file", str(out), sys.executable,
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        made: dict[str, Any] = json.loads(out.read_text())
    return made


def licence(component: dict[str, Any]) -> str:
    """What the package says of itself, short; its classifiers where it quotes a whole text."""
    said = []
    for entry in component.get("licenses", []):
        one = entry.get("license", {})
        said.append(entry.get("expression") or one.get("id") or one.get("name") or "")
    short = [word.removeprefix("License :: OSI Approved :: ") for word in said if 0 < len(word) < 80]
    return ", ".join(dict.fromkeys(short)) or "see its own files"


if __name__ == "__main__":
    main()
