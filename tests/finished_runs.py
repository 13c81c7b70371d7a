"""Studies of runs that were never trained: folders with what complete runs leave in them."""

import types

import numpy as np

from rnnkit.study import RunFolder
from rnnkit.study.compare import Comparison, summarise
from rnnkit.study.kept_answers import measures, write_answers
from rnnkit.study.run_folder import write_json
from rnnkit.study.significance import pair_tests

CLASSES = np.array(["neg", "pos"])
ENVIRONMENT = {
    **dict.fromkeys(("rnnkit", "keras", "backend_version", "python", "numpy", "system"), "1"),
    **{"backend": "torch", "devices": ["cpu"], "cpus": 2},
}


def classified(truth, accuracy, seed, classes=CLASSES):
    """Probabilities of a classifier that is right about this share of the examples."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(truth)) >= accuracy
    guess = np.where(wrong, (truth + 1) % len(classes), truth)
    outputs = np.eye(len(classes))[guess] * 0.6 + 0.4 / len(classes)
    if len(classes) == 2:
        outputs = outputs[:, 1:]
    return {"probabilities": outputs.astype("float32"), "truth": truth, "classes": classes}


class Study(dict):
    """Runs of a study whose models answered what a test says, by name."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def add(self, recipe, seed, answers, **changed):
        folder = RunFolder(self.path / f"{recipe}-seed{seed}")
        folder.path.mkdir(parents=True)
        write_answers(folder.answers, answers)
        test = {name: measure.value for name, measure in measures(answers).items()} | changed
        self[folder.path.name] = types.SimpleNamespace(
            folder=folder, path=folder.path, settings={"recipe": recipe}, results={"test": test}
        )
        return folder

    def compared(self, *, failures=(), dynamics=None, draws=500):
        """The comparison of these runs, with all that a report reads of them."""
        for run in self.values():
            quality = next(iter(run.results["test"].values()))
            for epoch in (1, 2):
                values = {"seconds": 2.0, "val_loss": 1 / epoch, "val_accuracy": quality}
                run.folder.add_epoch({"epoch": epoch, **values})
            write_json(run.folder.environment, ENVIRONMENT)
            data = {"name": "films.csv", "limit": None}
            run.settings |= {"seed": int(run.path.name[-1]), "data": data, "patience": None}
            run.settings["settings"] = {"units": 4}
            run.results |= {"seconds": 5.0, "parameters": 1234, "monitor": "val_loss"}
            run.results["examples"] = {"train": 800, "valid": 100, "test": 60}
        recipes = dict.fromkeys(run.settings["recipe"] for run in self.values())
        rows = [
            summarise(
                name, [run.results for run in self.values() if run.settings["recipe"] == name]
            )
            for name in recipes
        ]
        tests = pair_tests(self, draws=draws)
        return Comparison(self.path, rows, dict(self), dict(failures), tests, dynamics)
