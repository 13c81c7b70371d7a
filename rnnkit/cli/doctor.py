"""`doctor`: versions, backends, devices and kernels; works without a backend, too."""

from __future__ import annotations

import importlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from rnnkit.cli import show
from rnnkit.cli.json_output import print_document

LIBRARIES = (
    *("rnnkit", "keras", "numpy", "scikit-learn"),
    *("tensorboard", "gensim", "matplotlib", "typer"),
)
FRAMEWORKS = ("tensorflow", "jax", "torch")


def remove_programs() -> None:
    """Remove the compiled programs that are kept, and say how many there were."""
    compilation = importlib.import_module("rnnkit.backend.compilation")
    show.console.print(f"removed: {compilation.clear_cache()}", markup=False)


def report(as_json: bool = False) -> bool:
    """Print the report, as one JSON document if asked; return whether a backend works."""
    lines, problem = _facts()
    if as_json:
        kernels = None if problem else _kernels()._asdict()
        print_document({**dict(lines), "problem": problem or None, "kernels": kernels})
        return not problem
    show.rows(["what", "found"], lines)
    if problem:
        show.console.print(problem, style="red", markup=False)
    else:
        _show_kernels(_kernels())
    return not problem


def _facts() -> tuple[list[tuple[str, str]], str]:
    """Return versions, backend and devices, and why no backend works; "" = one does."""
    asked = os.environ.get("KERAS_BACKEND")
    lines = [
        ("python", f"{platform.python_version()} on {platform.platform()}"),
        ("CPUs", str(os.cpu_count())),
        ("KERAS_BACKEND", asked or "not set"),
    ]
    lines += [(name, _version(name)) for name in FRAMEWORKS]
    problem = ""
    try:
        # Only this imports a framework, and only the chosen one.
        backend = importlib.import_module("rnnkit.backend")
        why = "KERAS_BACKEND" if asked else "installed, and KERAS_BACKEND is not set"
        lines.append(("backend", f"{backend.name}: {why}"))
        lines.append(("devices", ", ".join(backend.devices())))
        compilation = importlib.import_module("rnnkit.backend.compilation")
        lines.append(("compiled programs", compilation.describe_cache()))
    except ImportError as error:
        problem = str(error)
        lines.append(("backend", "none works"))
    lines += [(name, _version(name)) for name in LIBRARIES]
    return lines, problem


# What a user would call it -> the name in `KernelRequest`.
SYSTEMS = {
    "SimpleRNN": "simple_rnn",
    "LSTM": "lstm",
    "GRU": "gru_reset_after",
    "GRU(reset_after=False)": "gru_reset_before",
}
LOOPS: dict[str, tuple[str, dict[str, Any]]] = {
    "CategoricalHMM, GaussianHMM": ("hidden_markov", {"arrays": True}),
    "HMMFeatures, CRF": ("hidden_markov", {}),
    "RGLRU, MinGRU, MinLSTM": ("linear_scan", {}),
}
CASES: dict[str, dict[str, Any]] = {
    "no mask": {},
    "any mask": {"masked": True},
    "recurrent dropout": {"masked": True, "recurrent_dropout": True},
    "zoneout": {"zoneout": True},
    "float16": {"dtype": "float16"},
}


class Kernels(NamedTuple):
    """Which kernel runs each layer here.

    Attributes:
        backend: its name.
        device: such as "cpu".
        layers: layer -> case -> kernel.
        about: kernel -> what it is.
        passed_over: kernel -> the reasons why it does not run in some cases.
        loops: other layers -> kernel.
        loops_passed_over: other layers -> faster kernels and why they do not run.
    """

    backend: str
    device: str
    layers: dict[str, dict[str, str]]
    about: dict[str, str]
    passed_over: dict[str, list[str]]
    loops: dict[str, str]
    loops_passed_over: dict[str, dict[str, str]]


def _kernels() -> Kernels:
    """Return which kernel runs each layer here, and why faster ones do not run."""
    backend = importlib.import_module("rnnkit.backend")
    kernels = importlib.import_module("rnnkit.backend.kernels")
    engine = importlib.import_module("rnnkit.backend.engine")
    reasons: dict[str, dict[str, None]] = {k.name: {} for k in backend.native.KERNELS}
    layers: dict[str, dict[str, str]] = {}
    for layer, system in SYSTEMS.items():
        for case, options in CASES.items():
            facts = kernels.KernelRequest(system, device=backend.device(), **options)
            answer = kernels.explain_request(facts, backend.native.KERNELS)
            layers.setdefault(layer, {})[case] = answer.kernel
            for name, why in answer.passed_over:
                reasons[name][why] = None
    loops, faster = {}, {}
    for name, (loop, options) in LOOPS.items():
        request = kernels.KernelRequest(loop, device=backend.device(), **options)
        answer = kernels.explain_request(request, engine.loops_for(request))
        loops[name], faster[name] = answer.kernel, dict(answer.passed_over)
    about = {kernel.name: kernel.about for kernel in backend.native.KERNELS}
    about["portable"] = "a loop over the steps, for everything"
    passed_over = {name: list(found) for name, found in reasons.items()}
    return Kernels(backend.name, backend.device(), layers, about, passed_over, loops, faster)


def _show_kernels(found: Kernels) -> None:
    show.console.print(f"\nThe kernels that run on this {found.device} ({found.backend}):")
    show.rows(["layer", *CASES], [(name, *cells.values()) for name, cells in found.layers.items()])
    for name, about in found.about.items():
        reasons = found.passed_over.get(name)
        passed = f" Passed over where: {'; '.join(reasons)}." if reasons else ""
        show.console.print(f"{name}: {about}.{passed}", markup=False)
    for name, kernel in found.loops.items():
        faster = found.loops_passed_over[name].items()
        passed = "; ".join(f"not {loop}: {why}" for loop, why in faster)
        show.console.print(f"{name}: {kernel}{f' ({passed})' if passed else ''}", markup=False)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
