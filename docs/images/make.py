"""Make the pictures of the docs: `python docs/images/make.py [NAME ...]`, of all or of some.

    KERAS_BACKEND=torch python docs/images/make.py tensorboard hmm

Pictures of TensorBoard need Chromium (`apt-get install chromium`). The runs that they show are
trained into the folder `--runs`, which a second call uses again; `--look FOLDER` takes pictures of
every page of them instead, to look through. `gradient_flow`, `recurrent_flow` and
`word2vec_complexity` are made by scripts of their own, in minutes; `attention`
needs a trained translator, `--translator RUN`.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import Browser
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WIDTH = 1200
sys.path.insert(0, str(ROOT))  # the code beside these docs, not one that is installed
# Folder of a run -> arguments of `rnnkit train`: small trainings, for illustration only.
RUNS = {
    "films/lstm": "lstm_sentiment --epochs 8",
    "films/gru": "gru_sentiment --epochs 8 --units 32",
    "tasks/tagger": "name_tagger --epochs 12 --limit 1000 --units 32 --learning-rate 0.01",
    "tasks/language_model": "text_generator --epochs 4 --limit 1000 --units 64 "
    "--learning-rate 0.01",
    "tasks/translator": "translator --epochs 12 --limit 1000 --units 48 --decoder-units 48 "
    "--embedding-size 48 --learning-rate 0.01 --beam-size 1 --max-target-length 30",
    "tasks/forecaster": "forecaster --epochs 5 --hmm output --hmm-states 3",
    "tasks/word_vectors": "word_vectors --epochs 3 --vector-size 32",
}
PAGES = ("timeseries", "images", "text", "distributions", "pr_curves", "hparams", "projector")
# Hides the table below each chart, and then the column of settings: the charts have the page.
CLOSE = "deep('metrics-main-view .sidebar .header button')[0].click();"
CURVES_ONLY = (
    """
const box = deep('.sidebar mat-checkbox').find(box => /step selection/.test(box.textContent));
deep('input', box)[0].click();
"""
    + CLOSE
)
PICTURES_ONLY = "&tagFilter=^states/(series|transition)|^examples/(attention_1|confusion)"


def train(runs: Path, *names: str) -> None:
    """Train the runs that are not there yet."""
    for name in names or RUNS:
        if (runs / name / "results.json").exists():
            continue
        print("training", name, flush=True)
        command = [sys.executable, "-m", "rnnkit", "train", *RUNS[name].split(), "--quiet"]
        subprocess.run([*command, "--out", str(runs / name)], check=True, cwd=ROOT)
    if not names and not (runs / "tasks" / "hmm").exists():
        run_blocks("hidden_markov.md", runs / "tasks", "monitor.HMMEvents(")
        (runs / "tasks" / "runs" / "hmm").rename(runs / "tasks" / "hmm")
        (runs / "tasks" / "runs").rmdir()


def run_blocks(page: str, folder: Path, *parts: str) -> dict[str, Any]:
    """Run the first block of a guide's code that holds each part, in a folder; return its names."""
    text = (HERE.parent / "guide" / page).read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    found: dict[str, Any] = {}
    before = Path.cwd()
    os.chdir(folder)
    try:
        for part in parts:
            block = next(block for block in blocks if part in block)
            exec(compile(block, page, "exec"), found)
    finally:
        os.chdir(before)
    return found


@contextmanager
def tensorboard(folder: Path) -> Iterator[str]:
    """Serve TensorBoard on a folder; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)]
    command += ["--port", str(port), "--load_fast=false"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        address = f"http://localhost:{port}/"
        for _ in range(200):
            try:
                with urllib.request.urlopen(f"{address}data/runs") as answer:
                    if answer.read().count(b"/") >= 2:
                        break
            except OSError:
                pass
            time.sleep(0.5)
        time.sleep(5)  # until all files are read
        yield address
    finally:
        process.terminate()
        process.wait(30)


def show(
    browser: Browser, address: str, page: str, query: str = "", script: str = "", rest: float = 6
) -> None:
    """Open a page of TensorBoard and wait until it has something to show."""
    browser.open(f"{address}?darkMode=false{query}#{page}")
    shown = {
        "timeseries": "deep('scalar-card, image-card').length > 0",
        "images": "deep('tf-image-loader').length > 0",
        "text": "deep('tf-text-loader').length > 0",
        "distributions": "deep('vz-distribution-chart').length > 0",
        "pr_curves": "deep('tf-pr-curve-card').length > 0",
        "hparams": "deep('tf-hparams-table-view').length > 0",
        "projector": "true",
    }
    browser.wait(shown[page])
    time.sleep(rest if page != "projector" else 3 * rest)  # it computes before it draws
    if script:
        browser.run(f"(() => {{ {script} }})()")
        time.sleep(rest)


def write(png: bytes, name: str) -> None:
    """Write a small PNG."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.save(HERE / f"{name}.png", optimize=True)
    print(name, picture.size, (HERE / f"{name}.png").stat().st_size // 1024, "KB", flush=True)


def look(runs: Path, out: Path) -> None:
    """Take pictures of every page of the runs, to look through."""
    out.mkdir(parents=True, exist_ok=True)
    for part in ("films", "tasks"):
        with tensorboard(runs / part) as address, Browser(WIDTH, 1500) as browser:
            for page in PAGES:
                try:
                    show(browser, address, page)
                except TimeoutError as error:  # a page that has nothing to show
                    print(part, page, error)
                (out / f"{part}_{page}.png").write_bytes(browser.picture())


def tensorboard_curves(runs: Path) -> None:
    """Two classifiers: their curves, texts and settings."""
    train(runs, "films/lstm", "films/gru")
    with tensorboard(runs / "films") as address, Browser(WIDTH, 920) as browser:
        show(browser, address, "timeseries", "&smoothing=0", CURVES_ONLY)
        write(browser.picture(), "tensorboard")
        show(browser, address, "text")
        write(browser.picture(620), "tensorboard_text")
    with tensorboard(runs / "films") as address, Browser(1600, 400, WIDTH / 1600) as browser:
        show(browser, address, "hparams")
        write(browser.picture(), "tensorboard_hparams")


def tensorboard_tasks(runs: Path) -> None:
    """Time Series: the pictures of several tasks."""
    train(runs)
    with tensorboard(runs / "tasks") as address, Browser(WIDTH, 860) as browser:
        show(browser, address, "timeseries", PICTURES_ONLY, CLOSE)
        write(browser.picture(), "tensorboard_images")


def hmm(runs: Path) -> None:
    """The figures of a hidden Markov model in one picture."""
    with tempfile.TemporaryDirectory() as folder:
        found = run_blocks("hidden_markov.md", Path(folder), "monitor.HMMEvents(")
    from rnnkit import monitor
    from rnnkit.monitor.markov_events import state_moments

    model, x, names = found["model"], found["x"], ["a", "b", "c"]
    moments = state_moments({"means": model.means_, "covars": model.covars_})
    parts = [
        monitor.transition_figure(model.transmat_, names),
        monitor.means_figure(*moments, names, ["x", "y"]),
        monitor.states_figure(x[:300], model.predict(x)[:300], names=names, features=["x", "y"]),
    ]
    left, right, below = (Image.open(io.BytesIO(part.png())).convert("RGB") for part in parts)
    width = max(left.width + right.width, below.width)
    top = max(left.height, right.height)
    whole = Image.new("RGB", (width, top + below.height + 10), "white")
    whole.paste(left, (0, 0))
    whole.paste(right, (left.width, 0))
    whole.paste(below, (0, top + 10))
    png = io.BytesIO()
    whole.save(png, "PNG")
    write(png.getvalue(), "hmm")


def forecast(runs: Path) -> None:
    """Forecasts and states of two days, by the code of the guide."""
    with tempfile.TemporaryDirectory() as folder:
        run_blocks("forecasting.md", Path(folder), "forecasts = model.predict", "forecast.png")
        write((Path(folder) / "forecast.png").read_bytes(), "forecast")


def script(*command: str) -> Callable[[Path], None]:
    """Return a function that runs a script of the benchmarks, which writes a picture."""

    def make(runs: Path) -> None:
        # On JAX, as the numbers beside these pictures.
        environment = os.environ | {"KERAS_BACKEND": "jax"}
        subprocess.run([sys.executable, *command], check=True, cwd=ROOT, env=environment)

    return make


PICTURES: dict[str, Callable[[Path], None]] = {
    "tensorboard": tensorboard_curves,
    "tensorboard_tasks": tensorboard_tasks,
    "hmm": hmm,
    "forecast": forecast,
}
SLOW = {
    "gradient_flow": script("tests/benchmarks/gradient_flow.py", "docs/images/gradient_flow.png"),
    "recurrent_flow": script(
        "tests/benchmarks/recurrent_dynamics.py", "docs/images/recurrent_flow.png"
    ),
    "word2vec_complexity": script(
        *("tests/benchmarks/word2vec_complexity.py", "--repeats", "3"),
        *("--out", "docs/images/word2vec_complexity.png"),
    ),
}


def attention(run: Path) -> None:
    """Attention weights of a translator of German: the sentence of the guide."""
    from rnnkit import study
    from rnnkit.monitor.attention import attention_png

    sentence = "Eine Frau, die ein rotes Kleid trägt, steht am Strand."
    write(attention_png(*study.open_run(run).model.attention(sentence)), "attention")


def main() -> None:
    """Make the pictures that are named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join((*PICTURES, *SLOW))}; none = all")
    parser.add_argument(
        "--runs", type=Path, default=Path(tempfile.gettempdir()) / "rnnkit-pictures"
    )
    parser.add_argument("--look", type=Path, help="pictures of every page go to this folder")
    parser.add_argument("--translator", type=Path, help="the run that attention.png is drawn from")
    given = parser.parse_args()
    runs = given.runs.resolve()
    if given.look:
        train(runs)
        look(runs, given.look)
        return
    if given.translator:
        attention(given.translator)
    every = {**PICTURES, **SLOW}
    for name in given.names or ([] if given.translator else every):
        every[name](runs)


if __name__ == "__main__":
    main()
