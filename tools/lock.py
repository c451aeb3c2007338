"""Write the locks: every package that twincell needs, pinned, with the hashes of its files (`make lock`).

`requirements.lock` holds all of it for Linux, macOS and Windows, Python 3.11 to 3.13; on Linux torch brings
the CUDA libraries. `requirements-cpu.lock` leaves out torch and these: torch is installed before, from
PyTorch's own index of CPU builds, whose files have other hashes. `docs/howto/install.md` says how both are
used.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
INDEX = "https://pypi.org/simple"
OF_CUDA = re.compile(r"(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==")
HEAD = (
    "# Made by `make lock` from pyproject.toml and constraints.txt; how to use it: docs/howto/install.md.\n"
)


def main() -> None:
    """Ask uv for the closure of the core dependencies and write both files."""
    uv = Path(sys.executable).with_name("uv")
    # Settings of this machine (indexes, folders of wheels) are left out of it: the lock is for others.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    command = [
        str(uv), "pip", "compile", "pyproject.toml", "--constraint", "constraints.txt", "--universal",
        "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", "--no-config",
        "--default-index", INDEX, "--quiet",
    ]  # fmt: skip
    made = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if made.returncode:
        sys.exit(made.stderr)
    entries = re.split(r"\n(?=\S)", made.stdout.strip())
    (ROOT / "requirements.lock").write_text(HEAD + "\n".join(entries) + "\n")
    without = [entry for entry in entries if not OF_CUDA.match(entry)]
    (ROOT / "requirements-cpu.lock").write_text(HEAD + "\n".join(without) + "\n")
    print(f"requirements.lock: {len(entries)} packages; requirements-cpu.lock: {len(without)}")


if __name__ == "__main__":
    main()
