"""The server under load: requests per second, how long they take, and an hour at half of it.

    KERAS_BACKEND=torch python tests/benchmarks/serving.py                      # two minutes
    KERAS_BACKEND=torch python tests/benchmarks/serving.py --minutes 60 --record

A server of `lstm_sentiment` with the recipe's own sizes (untrained weights: they change no time)
runs in a process of its own. 1, 10 and 50 clients each ask about one review of the generated sample
after the other, on a connection that is kept; then 50 clients ask a server that answers each
request by itself (`--max-batch 1`). The soak sends requests at fixed times, half as many as 50
clients got answers to, and reads the server's resident memory: every answer has to be the one that
the model gives without a server. `--record` writes docs/reliability/serving.json, and from it the
table of docs/guide/serving.md. Clients and server share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tables import table, write_between

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs" / "reliability" / "serving.json"
PAGE = ROOT / "docs" / "guide" / "serving.md"
CLIENTS = (1, 10, 50)
COMMAND = (
    "KERAS_BACKEND={} python tests/benchmarks/serving.py --seconds {:g} --minutes {:g} --record"
)


class Client:
    """A connection that is kept; the standard library has no HTTP client for asyncio."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> Client:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def ask(self, text: str) -> tuple[int, Any]:
        """Return status and JSON of the answer about one text."""
        body = json.dumps({"instances": [text]}).encode()
        head = "POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        self.writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = re.search(r"content-length: (\d+)", answer)
        assert length is not None, answer
        content = await self.reader.readexactly(int(length[1]))
        return int(answer.split()[1]), json.loads(content)


@contextlib.contextmanager
def serving(model: Path, *options: str) -> Iterator[tuple[int, int]]:
    """Start a server; yield its port and its process."""
    command = [sys.executable, "-m", "rnnkit", "serve", str(model), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r":(\d+) ", process.stdout.readline())
        if found is None:
            raise SystemExit("The server did not start.")
        yield int(found[1]), process.pid
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
        if status:
            raise SystemExit(f"The server ended with status {status}.")


def percentile(values: Sequence[float], share: float) -> float:
    """Return a value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def load(port: int, clients: int, seconds: float, texts: list[str]) -> dict[str, Any]:
    """Let clients ask without a pause; return requests per second and milliseconds."""
    times: list[float] = []
    statuses: Counter[int] = Counter()
    ends = time.perf_counter() + seconds

    async def one(number: int) -> None:
        async with Client(port) as client:
            while (start := time.perf_counter()) < ends:
                status, _ = await client.ask(texts[(number + len(times)) % len(texts)])
                times.append(1000 * (time.perf_counter() - start))
                statuses[status] += 1

    began = time.perf_counter()
    await asyncio.gather(*map(one, range(clients)))
    passed = time.perf_counter() - began
    return {
        "clients": clients,
        "requests": len(times),
        "per_second": len(times) / passed,
        "p50_ms": percentile(times, 0.5),
        "p99_ms": percentile(times, 0.99),
        "not_200": sum(statuses.values()) - statuses[200],
    }


def resident(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def soak(
    port: int, pid: int, rate: float, minutes: float, texts: list[str], expected: list[Any]
) -> dict[str, Any]:
    """Send requests at fixed times; return what was sent, lost and wrong, and the memory."""
    times: list[float] = []
    memory: list[float] = []
    outcomes: Counter[str] = Counter()
    free: asyncio.Queue[Client] = asyncio.Queue()
    waiting: set[asyncio.Task[None]] = set()

    async def one(number: int, due: float) -> None:
        client = await free.get()
        try:
            status, found = await client.ask(texts[number % len(texts)])
            right = status == 200 and same(found["predictions"][0], expected[number % len(texts)])
            outcomes["right" if right else f"wrong, {status}"] += 1
        except (OSError, EOFError) as error:
            outcomes[f"lost, {type(error).__name__}"] += 1
        times.append(1000 * (time.perf_counter() - due))
        free.put_nowait(client)

    async with contextlib.AsyncExitStack() as stack:
        for _ in range(50):
            free.put_nowait(await stack.enter_async_context(Client(port)))
        start, sent = time.perf_counter(), 0
        while (now := time.perf_counter() - start) < 60 * minutes:
            if len(memory) <= now / 5:
                memory.append(resident(pid))
            if sent > now * rate:
                await asyncio.sleep(sent / rate - now)
                continue
            task = asyncio.create_task(one(sent, start + sent / rate))
            waiting.add(task)
            task.add_done_callback(waiting.discard)
            sent += 1
        await asyncio.gather(*waiting)
    fifth = max(1, len(memory) // 5)
    return {
        "minutes": minutes,
        "rate": rate,
        "sent": sent,
        "right": outcomes["right"],
        "outcomes": dict(outcomes),
        "p50_ms": percentile(times, 0.5),
        "p99_ms": percentile(times, 0.99),
        "memory_mb": {
            "first": statistics.mean(memory[fifth : 2 * fifth] or memory),  # after the warm-up
            "last": statistics.mean(memory[-fifth:]),
            "most": max(memory),
        },
    }


def same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Return whether two predictions agree to 1e-5: a batch of another size rounds otherwise."""
    return found.keys() == expected.keys() and all(
        abs(value - expected[name]) < 1e-5 if isinstance(value, float) else value == expected[name]
        for name, value in found.items()
    )


def rows(record: dict[str, Any]) -> list[str]:
    """Return the lines of the docs: the command, a table, and a sentence about the soak."""
    lines = [
        [
            str(one["clients"]),
            one["server"],
            f"{one['per_second']:,.0f}",
            f"{one['p50_ms']:.1f}",
            f"{one['p99_ms']:.1f}",
        ]
        for one in record["load"]
    ]
    soaked, memory = record["soak"], record["soak"]["memory_mb"]
    lost = soaked["sent"] - soaked["right"]
    return [
        f"`{record['command']}`, {record['machine']}, load average before it "
        f"{record['load_average']:g}:",
        "",
        *table(["clients", "batches of", "requests/s", "p50, ms", "p99, ms"], lines),
        "",
        f"Soak: {soaked['minutes']:g} minutes at {soaked['rate']:,.0f} requests/s: "
        f"{soaked['sent']:,} sent, {lost:,} lost or wrong; p50 {soaked['p50_ms']:.1f} ms, p99 "
        f"{soaked['p99_ms']:.1f} ms; resident memory {memory['first']:,.0f} MB at the beginning, "
        f"{memory['last']:,.0f} MB at the end.",
        "",
    ]


def main() -> None:
    """Measure, print, and record where that is asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=15, help="of each number of clients")
    parser.add_argument("--minutes", type=float, default=1, help="of the soak; an hour: 60")
    parser.add_argument("--record", action="store_true", help="write the JSON and the page")
    asked = parser.parse_args()

    import keras

    from rnnkit import datasets, recipes
    from rnnkit.serving.predictions import predictor
    from rnnkit.study.environment import processor, source_commit

    data = datasets.load("sample", limit=400).train
    model = recipes.lstm_sentiment(embedding="random")
    model.fit(data.x, data.y, epochs=0, verbose=0)
    texts = list(data.x)[:200]
    expected = predictor(model)(texts)
    found: dict[str, Any] = {
        "command": COMMAND.format(keras.backend.backend(), asked.seconds, asked.minutes),
        "date": time.strftime("%Y-%m-%d"),
        **source_commit(),
        "machine": f"{processor()}, {os.cpu_count()} cores",
        "load_average": round(os.getloadavg()[0], 1),  # of other programs, before the first server
        "load": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model.keras"
        model.save(saved)
        for options, name, clients in (
            ((), "at most 64", CLIENTS),
            (("--max-batch", "1", "--max-wait", "0"), "one request", CLIENTS[-1:]),
        ):
            with serving(saved, *options) as (port, _):
                asyncio.run(load(port, 10, 3, texts))  # each width is traced or compiled
                for count in clients:
                    one = asyncio.run(load(port, count, asked.seconds, texts))
                    found["load"].append({**one, "server": name})
                    print(json.dumps(found["load"][-1]), flush=True)
        with serving(saved) as (port, pid):
            asyncio.run(load(port, 50, 3, texts))
            rate = found["load"][len(CLIENTS) - 1]["per_second"] / 2
            found["soak"] = asyncio.run(soak(port, pid, rate, asked.minutes, texts, expected))
            print(json.dumps(found["soak"]), flush=True)
    print(*rows(found), sep="\n")
    if asked.record:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        write_between(PAGE, "serving", rows(found))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
