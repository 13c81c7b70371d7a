"""The tests on other versions of Python and of the dependencies: `python -m tests.versions`.

Each Python that is given gets two virtual environments: one with the newest dependencies that
`pyproject.toml` allows, one with the oldest (`uv pip install --resolution lowest-direct`). rnnkit
is installed there from this folder, and the tests run, as `python -m tests.all` runs them. This
takes half an hour for each environment, so it is not part of `python -m tests.all`.

    python -m tests.versions --python python3.12 --python python3.13
    python -m tests.versions --dependencies oldest --extras jax,tensorflow -- -k "lstm or crf"

What follows `--` goes to pytest. The versions that were tested, and how each run ended, are printed
at the end, and written as JSON where `--out` says.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESOLUTIONS = {"newest": "highest", "oldest": "lowest-direct"}
NAMED = ("keras", "numpy", "jax", "tensorflow", "torch", "scikit-learn", "gensim", "tensorboard")


def install(python: str, dependencies: str, extras: str, others: list[str], folder: Path) -> Path:
    """Make a virtual environment with rnnkit in it; return its Python."""
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    inside = folder / "bin" / "python"
    pip = [str(inside), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "uv"], check=True)
    uv = [str(inside), "-m", "uv", "pip", "install", "--quiet", "--python", str(inside)]
    wanted = ["-e", f"{ROOT}[{extras},dev]", *others]
    subprocess.run([*uv, "--resolution", RESOLUTIONS[dependencies], *wanted], check=True)
    return inside


def versions(python: Path) -> dict[str, str]:
    """Return the versions of Python and of the dependencies that matter most."""
    code = (
        "import importlib.metadata as m, json, platform, sys\n"
        "installed = {d.metadata['Name'].lower(): d.version for d in m.distributions()}\n"
        "found = {name: installed[name] for name in sys.argv[1:] if name in installed}\n"
        "print(json.dumps({'python': platform.python_version(), **found}))"
    )
    done = subprocess.run(
        [str(python), "-c", code, *NAMED], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))


def try_out(python: str, dependencies: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Install one combination and run the tests in it."""
    what = {"python": python, "dependencies": dependencies}
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            inside = install(python, dependencies, asked.extras, asked.also, Path(folder) / "venv")
        except (OSError, subprocess.CalledProcessError) as error:
            return {**what, "result": f"not installed: {error}"}
        # The bin folder comes first in PATH: tests start `rnnkit` and `python` by name.
        path = f"{inside.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        arguments = asked.pytest or ["tests"]
        if dependencies == "oldest":  # what they call themselves is long deprecated
            arguments = ["-W", "ignore::DeprecationWarning", *arguments]
        code = subprocess.run(
            [str(inside), "-m", "tests.all", *arguments],
            cwd=ROOT,
            env={**os.environ, "PATH": path, "PYTHONPATH": ""},
            check=False,
        ).returncode
        return {
            **what,
            **versions(inside),
            "result": "passed" if code == 0 else f"failed ({code})",
            "minutes": round((time.perf_counter() - start) / 60, 1),
        }


def main() -> int:
    """Try the combinations one after the other; the exit status is 0 when all passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--python", action="append", help="an interpreter; may be repeated")
    parser.add_argument("--dependencies", action="append", choices=RESOLUTIONS)
    parser.add_argument("--extras", default="all", help="of pyproject.toml, with commas between")
    parser.add_argument(
        "--also", action="append", default=[], help="another requirement, such as torch==2.13.0"
    )
    parser.add_argument("--out", type=Path, help="a file for the results, as JSON")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    asked = parser.parse_args()
    results = []
    for python in asked.python or [sys.executable]:
        for dependencies in asked.dependencies or RESOLUTIONS:
            results.append(try_out(python, dependencies, asked))
            if asked.out:
                asked.out.write_text(json.dumps(results, indent=2) + "\n")
    for result in results:
        print("; ".join(f"{name} {value}" for name, value in result.items()))
    return 0 if all(result["result"] == "passed" for result in results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
