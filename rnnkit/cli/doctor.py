"""`doctor`: versions, backends, devices and kernels; works without a backend, too."""

from __future__ import annotations

import importlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rnnkit.cli import show

LIBRARIES = (
    *("rnnkit", "keras", "numpy", "scikit-learn"),
    *("tensorboard", "gensim", "matplotlib", "typer"),
)
FRAMEWORKS = ("tensorflow", "jax", "torch")


def remove_programs() -> None:
    """Remove the compiled programs that are kept, and say how many there were."""
    compilation = importlib.import_module("rnnkit.backend.compilation")
    show.console.print(f"removed: {compilation.clear_cache()}", markup=False)


def report() -> bool:
    """Print the report; return whether a backend works."""
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
    show.rows(["what", "found"], lines)
    if problem:
        show.console.print(problem, style="red", markup=False)
    else:
        _kernels()
    return not problem


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


def _kernels() -> None:
    """Print which kernel runs each layer here, and why faster ones do not run."""
    backend = importlib.import_module("rnnkit.backend")
    kernels = importlib.import_module("rnnkit.backend.kernels")
    engine = importlib.import_module("rnnkit.backend.engine")
    reasons: dict[str, dict[str, None]] = {k.name: {} for k in backend.native.KERNELS}
    lines = []
    for layer, system in SYSTEMS.items():
        cells = []
        for options in CASES.values():
            facts = kernels.KernelRequest(system, device=backend.device(), **options)
            answer = kernels.explain_request(facts, backend.native.KERNELS)
            cells.append(answer.kernel)
            for name, why in answer.passed_over:
                reasons[name][why] = None
        lines.append((layer, *cells))
    show.console.print(f"\nThe kernels that run on this {backend.device()} ({backend.name}):")
    show.rows(["layer", *CASES], lines)
    for kernel in backend.native.KERNELS:
        passed = f" Passed over where: {'; '.join(reasons[kernel.name])}."
        about = f"{kernel.name}: {kernel.about}."
        show.console.print(about + (passed if reasons[kernel.name] else ""), markup=False)
    show.console.print("portable: a loop over the steps, for everything.")
    for name, (loop, options) in LOOPS.items():
        request = kernels.KernelRequest(loop, device=backend.device(), **options)
        answer = kernels.explain_request(request, engine.loops_for(request))
        passed = "; ".join(f"not {loop}: {why}" for loop, why in answer.passed_over)
        show.console.print(
            f"{name}: {answer.kernel}{f' ({passed})' if passed else ''}", markup=False
        )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
