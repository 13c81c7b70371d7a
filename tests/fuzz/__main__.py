"""The fuzz suite: `python -m tests.fuzz [--inputs 100000] [--only NAME] [--out FILE]`.

Every input is refused by an InputError, or read as an independent reader reads it. Counts go to
`docs/reliability/fuzz.json`, failures with their inputs beside them. It runs outside CI: one
process, about an hour for 100,000 inputs.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import rnnkit.backend  # noqa: E402  (picks the backend before Keras loads)
from fuzz import arguments  # noqa: E402
from fuzz.boundaries import Differs, boundaries, quiet  # noqa: E402
from fuzz.mutations import mutate  # noqa: E402
from rnnkit import recipes, tasks  # noqa: E402, F401
from rnnkit.errors import InputError  # noqa: E402

OUT = ROOT / "docs" / "reliability" / "fuzz.json"


class Tally:
    """Counts of one boundary, and its first failures."""

    def __init__(self, name: str, oracle: str) -> None:
        self.name, self.oracle = name, oracle
        self.counts: Counter[str] = Counter()
        self.failures: list[dict[str, str]] = []
        self.slowest = 0.0

    def run(self, call: Callable[[], Any], shown: Callable[[], str]) -> None:
        """Call a boundary once, and count how it ended."""
        start = time.perf_counter()
        try:
            call()
            self.counts["read"] += 1
        except InputError:
            self.counts["refused"] += 1
        except Differs as error:
            self._fail("differs", str(error), shown)
        except Exception as error:  # noqa: BLE001  this is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            name = f"{type(error).__name__}: {str(error)[:150]}"
            self._fail("crashed", f"{name} ({where.filename}:{where.lineno})", shown)
        self.slowest = max(self.slowest, time.perf_counter() - start)

    def _fail(self, kind: str, what: str, shown: Callable[[], str]) -> None:
        self.counts[kind] += 1
        if len(self.failures) < 5:
            self.failures.append({"kind": kind, "what": what, "input": shown()})

    def record(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        kinds = ("refused", "read", "differs", "crashed")
        counts = {kind: self.counts[kind] for kind in kinds}
        return {
            "boundary": self.name,
            "compared with": self.oracle,
            "inputs": sum(counts.values()),
            **counts,
            "slowest": round(self.slowest, 2),
        }


def fuzz_files(inputs: int, rng: random.Random, folder: Path, only: str) -> list[Tally]:
    """Mutate the valid files of every boundary."""
    found = []
    every = boundaries()
    total = sum(one.share for one in every)
    for boundary in every:
        if only not in boundary.name:
            continue
        tally = Tally(boundary.name, boundary.oracle)
        path = folder / boundary.file
        for number in range(round(inputs * boundary.share / total)):
            data = rng.choice(boundary.seeds)
            if number >= len(boundary.seeds):
                data = mutate(data, rng, boundary.seeds)
            path.write_bytes(data)
            tally.run(
                lambda path=path, read=boundary.read: read(path),
                lambda data=data: base64.b64encode(data[:3000]).decode(),
            )
        print(tally.record(), flush=True)
        found.append(tally)
    return found


def fuzz_arguments(inputs: int, rng: random.Random, only: str) -> list[Tally]:
    """Draw arguments with hypothesis."""
    from hypothesis import HealthCheck, Phase, given, seed, settings

    checks, builds = Tally("values of settings", "the bounds"), Tally("recipes", "the bounds")
    fits = Tally("examples of fit", "the check of the task")
    options = Tally("options of the command line", "all refused: there are no such data")
    every = arguments.all_settings()
    models = [
        recipes.find(name)(epochs=1) for name in ("lstm_sentiment", "name_tagger", "forecaster")
    ]

    def drawn(strategy: Any, examples: int, call: Callable[..., None]) -> None:
        how = settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(0)(how(given(strategy)(call)))()

    def check(value: Any) -> None:
        setting = rng.choice(every)
        checks.run(lambda: arguments.check_setting(setting, value), lambda: repr((setting, value)))

    def build(value: Any) -> None:
        name, setting = arguments.choose(rng)
        builds.run(
            lambda: arguments.build(name, setting, value),
            lambda: f"{name}({setting.name}={value!r})"[:300],
        )

    def command(value: str) -> None:
        name, setting = arguments.choose(rng)
        options.run(
            lambda: arguments.command(name, setting, value),
            lambda: f"train {name} --{setting.name}={value!r}"[:300],
        )

    def fit(rows: Any) -> None:
        model = rng.choice(models)
        labels = rows if rng.random() < 0.3 else [0, 1, 1, 0, 1][: max(1, rng.randrange(6))]
        fits.run(
            lambda: model.check(rows, labels, "x"),
            lambda: f"{type(model).__name__}.check({rows!r}, {labels!r})"[:300],
        )

    found = []
    for tally, strategy, share, call in (
        (checks, arguments.ANY, 0.55, check),
        (options, arguments.WORDS, 0.05, command),
        (builds, arguments.ANY, 0.2, build),
        (fits, arguments.ROWS, 0.2, fit),
    ):
        if only in tally.name:
            drawn(strategy, max(1, round(inputs * share)), call)
            print(tally.record(), flush=True)
            found.append(tally)
    return found


def main() -> int:
    """Run the suite; the exit status is 0 when every input was refused or read alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of the name of a boundary")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    quiet()
    rng = random.Random(given.seed)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        tallies = fuzz_files(round(given.inputs * 0.8), rng, Path(folder), given.only)
    tallies += fuzz_arguments(round(given.inputs * 0.2), rng, given.only)
    record = {
        "command": f"python -m tests.fuzz --inputs {given.inputs} --seed {given.seed}",
        "backend": rnnkit.backend.name,
        "seconds": round(time.perf_counter() - start),
        "boundaries": [tally.record() for tally in tallies],
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    failures = {tally.name: tally.failures for tally in tallies if tally.failures}
    for name, rows in failures.items():
        for row in rows:
            print(f"FAILED {name}: {row['kind']}: {row['what']}\n    {row['input'][:300]}")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
