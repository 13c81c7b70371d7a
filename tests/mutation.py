"""Mutation testing: `python tests/mutation.py [--mutants 60] [--seed 0] [--minutes 60]`.

Small changes at random places over all rooms, each in a copy of a commit: does a test fail?
Per mutant some tests run, on PyTorch, which `choice_of_tests` chooses. What caught mutants runs
once more without them, at the end: a test that fails there caught nothing.

The results go to `docs/reliability/mutation-SEED.json` after each mutant; the same command goes on
where it was stopped, as long as the package is the same. `--again` judges those anew that no test
caught, with the tests of the last commit, and writes that beside the first result.
By hand a row gets "equivalent", the reason why a mutant is the same program, or "asked for", the
tests that were written for it or that the choice had missed, which `--again` runs first.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from choice_of_tests import Choice, choices, read_rows
from mutants import Mutant, draw, mutants_of

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "reliability"
FOLLOWED = ROOT / ".pytest_cache" / "lines"  # what each test file runs
WALL = 2400.0  # seconds that one run may wait for others, besides its own work
RESULTS = {"passed": "survived", "failed": "caught", "timed out": "timed out"}


def git(*command: str) -> str:
    """Return what git prints."""
    done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, check=True, text=True)
    return done.stdout.strip()


def run_tests(root: Path, arguments: list[str], limit: float) -> tuple[str, list[str]]:
    """Run tests in a fork, where rnnkit is not imported yet: how they ended, and which failed.

    Args:
        root: the copy of the repository.
        arguments: of pytest.
        limit: seconds of the processor, so that a busy machine stops nothing.
    """
    report = root / "report.txt"
    child = os.fork()
    if child == 0:
        code = 70  # whatever happens here, the fork ends here
        try:
            os.setsid()
            os.chdir(root)
            resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 5))
            sys.path[:0] = [str(root), str(root / "tests")]
            with open(report, "w") as out:  # noqa: PTH123
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
                import pytest

                options = ["-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist"]
                code = int(pytest.main([*options, *arguments]))
                sys.stdout.flush()
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        finally:
            os._exit(code)
    running = True
    try:
        end = time.monotonic() + WALL
        while time.monotonic() < end:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                running = False
                return ended(os.waitstatus_to_exitcode(status), report)
            time.sleep(0.1)
        return "timed out", []
    finally:
        if running:
            os.killpg(child, signal.SIGKILL)  # our own child, in a session of its own
            os.waitpid(child, 0)


def ended(code: int, report: Path) -> tuple[str, list[str]]:
    """Return how a run of tests ended, and which failed."""
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "timed out", []
    text = report.read_text(errors="replace")
    failed = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", text, re.MULTILINE)
    return "passed" if code in (0, 5) else "failed", failed


class Judge:
    """Runs the tests of mutants.

    Args:
        root: the copy of the repository.
        package: what names the state of rnnkit.
        anew: follow what files run that were not followed before.
    """

    def __init__(self, root: Path, package: str, anew: bool) -> None:
        self.root = root
        self.package = package
        self.anew = anew
        self.follow = cache(self._follow)

    def _follow(self, file: str) -> list[dict[str, Any]] | None:
        """Return the lines that the tests of a file run; None if it was not followed."""
        source = (self.root / file).read_bytes()
        key = hashlib.sha256(self.package.encode() + source).hexdigest()[:16]
        kept = FOLLOWED / f"{Path(file).stem}-{key}.jsonl"
        if not kept.is_file() and not self.anew:
            return None
        if not kept.is_file():
            FOLLOWED.mkdir(parents=True, exist_ok=True)
            part = kept.with_suffix(".part")
            part.unlink(missing_ok=True)
            start = time.monotonic()
            how, _ = run_tests(self.root, ["-p", "traced_lines", "--lines", str(part), file], 100)
            print(f"  {file}: {how}, {time.monotonic() - start:.0f} s", flush=True)
            part.touch()
            part.rename(kept)
        return read_rows(kept)

    def confirm(self, rows: list[dict[str, Any]]) -> None:
        """Run what caught mutants once without them: a test that fails there caught nothing."""
        caught = [row for row in rows if row.get("by") and row["result"] == "caught"]
        tests = sorted({row["by"] for row in caught if not row.get("confirmed")})
        how, failed = run_tests(self.root, tests, 3600) if tests else ("passed", [])
        for row in caught if how != "timed out" else ():
            row["confirmed"] = row["by"] not in failed
            if not row["confirmed"]:
                row["result"] = "test fails without it, too"

    def judge(self, mutant: Mutant, first: list[str]) -> dict[str, Any]:
        """Return what the tests say about a mutant; `first` run before others are chosen."""
        path = self.root / mutant.path
        whole = path.read_text(encoding="utf-8")
        changed = mutant.applied(whole)
        compile(changed, str(path), "exec")
        ran, spent = [], 0.0
        chosen = choices(mutant, self.root, self.follow)
        for tests, seconds in itertools.chain([Choice(first, 60.0)] if first else [], chosen):
            limit = 20 + seconds
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            try:
                path.write_text(changed, encoding="utf-8")
                how, failed = run_tests(self.root, ["-x", *tests], limit)
            finally:
                path.write_text(whole, encoding="utf-8")
            spent += resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
            ran += tests
            if how != "passed":
                break
        result = RESULTS[how]
        crashed = how == "failed" and not failed
        if crashed and run_tests(self.root, tests, limit)[0] != "passed":
            result = "test fails without it, too"
        return {
            "result": result,
            "by": failed[0] if failed else None,
            "tests": len(ran),
            "files": list(dict.fromkeys(test.partition("::")[0] for test in ran)),
            "seconds": round(spent, 1),
        }


def shown(mutant: Mutant) -> dict[str, Any]:
    """Return what names a mutant in the results."""
    named = {"module": str(mutant.path), "line": mutant.line, "kind": mutant.kind}
    return named | {"old": mutant.old[:200], "new": mutant.new[:200]}


def same_place(row: dict[str, Any], root: Path) -> Mutant | None:
    """Return the mutant of an earlier result in the code as it is now, the nearest such."""
    keys = ("module", "kind", "old", "new")
    alike = [
        mutant
        for mutant in mutants_of(Path(row["module"]), root)
        if all(shown(mutant)[key] == row[key] for key in keys)
    ]
    return min(alike, key=lambda mutant: abs(mutant.line - row["line"]), default=None)


def main() -> int:
    """Judge mutants until there are enough, or the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--commit", default="HEAD", help="whose code and tests are taken")
    parser.add_argument("--again", action="store_true", help="those that no test caught")
    parser.add_argument("--follow", action="store_true", help="which lines tests run; slow once")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends its tests, too
    os.environ.setdefault("RNNKIT_DATA", str(ROOT.parent / "shared" / "data"))
    os.environ |= {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    for name in ("keras", "pandas", "scipy.stats", "sklearn.metrics"):
        __import__(name)  # once, before the forks

    end = time.monotonic() + 60 * given.minutes
    out = OUT / f"mutation-{given.seed}.json"
    command = f"python tests/mutation.py --mutants {given.mutants} --seed {given.seed}"
    code = git("rev-parse", f"{given.commit}:rnnkit")
    record: dict[str, Any] = {"command": command, "package": code, "mutants": []}
    if out.is_file():
        earlier = json.loads(out.read_text(encoding="utf-8"))
        if given.again or (earlier["package"] == code and earlier["mutants"]):
            record = earlier | ({} if given.again else {"command": command})
    rows = record["mutants"]

    def save() -> None:
        record["counts"] = Counter(row["result"] for row in rows)
        part = out.with_suffix(".part")
        part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        part.replace(out)

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        archive = subprocess.run(
            ["git", "archive", given.commit], cwd=ROOT, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        os.environ["PYTHONPATH"] = f"{folder}:{folder}/tests"
        judge = Judge(root, code, given.follow)
        if given.again:
            for row in rows:
                done = [row["result"], row.get("again", {}).get("result")]
                mutant = same_place(row, root)
                left = "note" in row and "asked for" not in row  # looked at, and left
                if "caught" in done or "equivalent" in row or left or time.monotonic() > end:
                    continue
                row["again"] = (
                    judge.judge(mutant, row.get("asked for", []))
                    if mutant
                    else {"result": "code is gone"}
                )
                print(f"{row['again']['result']}: {row['module']}:{row['line']}", flush=True)
                save()
            judge.confirm([row["again"] for row in rows if "again" in row])
            save()
            return 0
        for number, mutant in enumerate(draw(root, random.Random(given.seed))):
            if number < len(rows):
                continue
            if len(rows) >= given.mutants or time.monotonic() > end:
                break
            rows.append(shown(mutant) | judge.judge(mutant, []))
            print(f"{len(rows)}: {rows[-1]['result']}: {mutant.path}:{mutant.line}", flush=True)
            save()
        judge.confirm(rows)
        save()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
