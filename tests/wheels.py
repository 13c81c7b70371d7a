"""Build wheel and sdist, look into them, and use the wheel in a new environment.

`python -m tests.wheels` takes minutes and downloads what rnnkit depends on, so it is no part of
`python -m tests.all`. Needs `pip install -e ".[packaging]"`; twine and check-wheel-contents are
left out where they are not installed, and the report says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from email.parser import BytesParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "rnnkit"
# Run with the network off: a proxy that is not there.
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
OFFLINE = dict.fromkeys(PROXIES, "http://127.0.0.1:9")


def timed(title: str, command: list[str], **options: object) -> str:
    """Run a command, say how long it took, and return what it printed; it has to succeed."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    print(f"{title}: {time.perf_counter() - start:.0f} s", flush=True)
    if done.returncode:
        raise SystemExit(f"{title} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def check_wheel(path: Path) -> None:
    """The wheel holds the package as it is, its licence and its commands, and nothing else."""
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        about = next(name for name in names if name.endswith("METADATA")).rpartition("/")[0]
        metadata = BytesParser().parsebytes(wheel.read(f"{about}/METADATA"))
        commands = wheel.read(f"{about}/entry_points.txt").decode()
    source = {
        str(file.relative_to(ROOT))
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {name for name in names if not name.startswith(about)} == source
    assert {"rnnkit/py.typed", "rnnkit/data/samples/lexicons/reviews.txt"} <= names
    assert f"{about}/licenses/LICENSE" in names
    assert "rnnkit = rnnkit.cli:app" in commands
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload().startswith("# rnnkit")


def check_sdist(path: Path) -> None:
    """The sdist holds what is needed to build, to test and to cite."""
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    needed = ("LICENSE", "README.md", "CITATION.cff", "CONTRIBUTING.md", "pyproject.toml")
    for name in (*needed, "rnnkit/py.typed", "tests/all.py", "docs/conf.py", "recipes/README.md"):
        assert name in names, f"{path.name} lacks {name}"
    assert not any("__pycache__" in name or name.startswith("runs/") for name in names)


def check_with_tools(files: list[Path]) -> None:
    """Let twine render the README, and check-wheel-contents look for common mistakes."""
    for module, command in (
        ("twine", ["twine", "check", "--strict", *map(str, files)]),
        ("check_wheel_contents", ["check_wheel_contents", str(files[-1])]),
    ):
        if importlib.util.find_spec(module):
            print(timed(module, [sys.executable, "-m", *command]).strip())
        else:
            print(f"{module}: not installed, left out")


def use(wheel: Path, extra: str, folder: Path) -> None:
    """Install the wheel into a new environment, and run the README's first command offline."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(binaries / "python"), "-m", "pip", "install", "--quiet"]
    timed("install", [*pip, "--disable-pip-version-check", f"{wheel}[{extra}]"])
    where = folder / "elsewhere"
    where.mkdir()
    # Neither the repository nor what other environments keep may help.
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH",)}
    clean = {**kept, **OFFLINE, "RNNKIT_CACHE": str(folder / "cache"), "KERAS_BACKEND": extra}
    command = str(binaries / "rnnkit")
    place = timed(
        "import",
        [str(binaries / "python"), "-c", "import rnnkit; print(rnnkit.__file__)"],
        cwd=where,
        env=clean,
    )
    assert Path(place.strip()).is_relative_to(environment), place
    for title, arguments in {
        "rnnkit --help": ["--help"],
        "rnnkit list": ["list"],
        "rnnkit train lstm_sentiment": ["train", "lstm_sentiment", "--out", "runs/first"],
        "the same again": ["train", "lstm_sentiment", "--out", "runs/second"],
        "rnnkit predict": ["predict", "runs/first", "A wonderful little production."],
    }.items():
        printed = timed(title, [command, *arguments], cwd=where, env=clean)
    assert printed.split("\t")[0] in ("pos", "neg"), printed
    assert (where / "runs" / "first" / "results.json").is_file()


def main() -> int:
    """Build, look and use; raises where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extra", default="jax", help="the backend of the new environment")
    parser.add_argument("--files", action="store_true", help="build and look only")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build = [sys.executable, "-m", "build", "--outdir", str(folder / "dist"), str(ROOT)]
        timed("build", build)
        sdist, wheel = (next((folder / "dist").glob(end)) for end in ("*.tar.gz", "*.whl"))
        for path in (sdist, wheel):
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
        check_sdist(sdist)
        check_wheel(wheel)
        check_with_tools([sdist, wheel])
        if not arguments.files:
            use(wheel, arguments.extra, folder)
    print("all right")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
