"""The files in this folder: made by version 0.1.0, and opened by every version since.

This script made them, on PyTorch, with the code of version 0.1.0: one file for each task, one of
layers, one folder of a run; and beside each file the inputs and the answers of the code that wrote
it (`NAME.json`). It is kept to show what is in them. No test runs it, and what it would write today
would be files of today: a file of a newer version belongs in a folder of its own.

    KERAS_BACKEND=torch python tests/saved/make.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np

from rnnkit import layers as kit
from rnnkit import recipes
from rnnkit.data.series import Series
from rnnkit.study import train

OUT = Path(sys.argv[1]) if __name__ == "__main__" else Path(__file__).parent
RANDOM = np.random.default_rng(20_250_131)

TEXTS = [
    "A fine film, a good story.",
    "Dull and bad, bad, bad.",
    "I did not like it: what a bad, dull story!",
    "Good, good, and never dull.",
    "The story is fine; the film is good.",
    "A bad film.",
    "A dull story and a bad end.",
    "What a fine end, what a good film!",
]
MOODS = ["pos", "neg", "neg", "pos", "pos", "neg", "neg", "pos"]
SENTENCES = [
    ["Ask", "John", "in", "Paris", "."],
    ["Maria", "lives", "in", "Rome"],
    ["The", "Acme", "Company", "is", "in", "Paris", "."],
    ["John", "Brown", "and", "Maria", "ask", "the", "company"],
    ["Rome", "is", "old", "."],
    ["He", "lives", "here"],
]
NAMES = [
    ["O", "B-PER", "O", "B-LOC", "O"],
    ["B-PER", "O", "O", "B-LOC"],
    ["O", "B-ORG", "I-ORG", "O", "O", "B-LOC", "O"],
    ["B-PER", "I-PER", "O", "B-PER", "O", "O", "O"],
    ["B-LOC", "O", "O", "O"],
    ["O", "O", "O"],
]
PARTS_OF_SPEECH = [
    ["VERB", "PROPN", "ADP", "PROPN", "PUNCT"],
    ["PROPN", "VERB", "ADP", "PROPN"],
    ["DET", "PROPN", "PROPN", "VERB", "ADP", "PROPN", "PUNCT"],
    ["PROPN", "PROPN", "CONJ", "PROPN", "VERB", "DET", "NOUN"],
    ["PROPN", "VERB", "ADJ", "PUNCT"],
    ["PRON", "VERB", "ADV"],
]
RUNNING = [
    "the cat sat on the mat and the dog sat on the cat\nthe dog saw the cat on the mat\n" * 3,
    "the mat is old and the cat is old and the dog is not\n" * 3,
]
SURNAMES = ["ivanov", "petrov", "orlov", "sidorov", "rossi", "bianchi", "ferrari", "verdi"]
LANGUAGES = ["Russian"] * 4 + ["Italian"] * 4
GERMAN = [
    "Ein Hund rennt.",
    "Eine Katze rennt.",
    "Ein Hund schläft.",
    "Eine Katze schläft.",
    "Heute rennt ein Hund.",
    "Heute schläft eine Katze.",
]
ENGLISH = [
    "A dog is running.",
    "A cat is running.",
    "A dog is sleeping.",
    "A cat is sleeping.",
    "A dog is running today.",
    "A cat is sleeping today.",
]
MAILS = [
    "Hello, the meeting with Olga is on Monday. Best, Tom",
    "Hello, the report of Ivan is late. Best, Tom",
    "Hello, the meeting with Ivan is on Friday. Best, Ann",
    "Hello, the report of Olga is late. Best, Ann",
]
SUBJECTS = [
    ["meeting with Olga", "Monday: Olga"],
    ["report of Ivan"],
    ["meeting with Ivan", "Friday: Ivan"],
    ["report of Olga"],
]
CAPITALS = {
    "Athens": "Greece",
    "Baghdad": "Iraq",
    "Berlin": "Germany",
    "Cairo": "Egypt",
    "Madrid": "Spain",
    "Paris": "France",
}


def noise(*shape: int) -> np.ndarray:
    """Random numbers of few digits, so that they are short in JSON."""
    return RANDOM.normal(0, 0.1, shape)


def rounded(row: np.ndarray) -> list:
    return np.round(row, 3).tolist()


def movements(count: int, steps: tuple[int, int]) -> tuple[list, list]:
    """Series `(T, 2)` that rise or fall."""
    x, y = [], []
    for i in range(count):
        line = np.linspace(-1, 1, int(RANDOM.integers(*steps))) * (1 if i % 2 else -1)
        x.append(rounded(np.stack([line, line**2], -1) + noise(len(line), 2)))
        y.append("up" if i % 2 else "down")
    return x, y


def waves(count: int) -> tuple[list, list]:
    """Waveforms `(T,)` of a low, a middle or a high tone."""
    x, y = [], []
    for i in range(count):
        time = np.arange(int(RANDOM.integers(400, 600))) / 8000
        x.append(rounded(np.sin(2 * np.pi * (200, 600, 1800)[i % 3] * time) + noise(len(time))))
        y.append(("low", "middle", "high")[i % 3])
    return x, y


def frames(count: int) -> tuple[list, list]:
    """Series `(T, 2)` whose steps are of a class each."""
    x, y = [], []
    for _ in range(count):
        states = np.repeat(RANDOM.integers(0, 3, 6), 5)
        x.append(rounded(np.stack([np.sin(states * 2), np.cos(states)], -1) + noise(30, 2)))
        y.append([("rest", "move", "hold")[state] for state in states])
    return x, y


def counts(days: int) -> list:
    """Counts `(T, 1)` with a rhythm of 24 steps; one is missing."""
    time = np.arange(24 * days)
    found = np.round(20 + 10 * np.sin(2 * np.pi * time / 24) + 20 * noise(len(time)), 1).tolist()
    found[7] = None
    return found


def answers(model: object, given: dict, asked: dict) -> dict:
    """Ask the model; JSON values, each beside the arguments that it was asked with (none = x)."""
    x = as_given(given["x"], given["form"])
    found = {}
    for name, (method, arguments, options) in asked.items():
        answer = getattr(model, method)(*(arguments or [x]), **options)
        found[name] = {"method": method, "arguments": arguments, "options": options}
        found[name]["answer"] = plain(answer)
    return found


def as_given(x: list, form: str) -> list:
    """Turn the lists of a JSON file into what the model takes."""
    if form == "arrays":
        return [np.array(row, "float32") for row in x]
    if form == "series":
        start = np.datetime64("2024-01-01T00:00")
        return [
            Series(np.array(row, "float32"), start + np.timedelta64(60, "m") * np.arange(len(row)))
            for row in x
        ]
    return x


def plain(answer: object) -> object:
    """Turn an answer into JSON values."""
    if hasattr(answer, "_asdict"):
        return plain(list(answer))
    if isinstance(answer, dict):
        return {name: plain(value) for name, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [plain(value) for value in answer]
    if isinstance(answer, (np.ndarray, np.generic)):
        return answer.tolist()
    return answer


def write(name: str, recipe: str, x: list, y: list, form: str, asked: dict, **settings) -> None:
    """Train a recipe, save it, and keep what it answers."""
    model = recipes.find(recipe)(**settings)
    given = {"x": x, "y": y, "form": form}
    model.fit(as_given(x, form), y, verbose=0)
    model.save(OUT / f"{name}.keras")
    about = {"recipe": recipe, **given, "answers": answers(model, given, asked)}
    about["evaluate"] = plain(model.evaluate(as_given(x, form), y, return_dict=True, verbose=0))
    (OUT / f"{name}.json").write_text(json.dumps(about, ensure_ascii=False) + "\n", "utf-8")


QUIET = {"verbose": 0}
PREDICT = {"predict": ("predict", [], QUIET)}
LABELS = {**PREDICT, "labels": ("predict_labels", [], {})}
GREEDY = {"strategy": "greedy", "length": 6}


def texts() -> None:
    small = {"units": 4, "embedding_size": 6, "min_count": 1, "batch_size": 4}
    write(
        "bilstm", "bilstm_sentiment", TEXTS, MOODS, "raw", LABELS, **small, epochs=30,
        embedding="random", recurrent_dropout=0.1, word_dropout=0.1, layers=2,
    )  # fmt: skip
    write(
        "gru_classic", "gru_sentiment", TEXTS, MOODS, "raw", LABELS, preset="classic", units=4,
        embedding_size=6, min_count=1, batch_size=4, epochs=4,
    )  # fmt: skip
    write(
        "bag_of_words", "bag_of_words_sentiment", TEXTS, MOODS, "raw", LABELS, min_count=1,
        ngrams=2, penalty=0.001, epochs=5,
    )  # fmt: skip
    write(
        "bag_of_vectors", "bag_of_words_sentiment", TEXTS, MOODS, "raw", LABELS, min_count=1,
        ngrams=1, weighting="mean", layers=1, units=4, embedding_size=6, epochs=5,
        embedding="skip-gram",
    )  # fmt: skip


def tags() -> None:
    small = {"units": 6, "embedding_size": 6, "character_units": 6, "batch_size": 3}
    small |= {"word_length": 8, "epochs": 40, "learning_rate": 0.02}
    raw = ["John lives in Rome.", "Ask the Acme Company"]
    asked = {**PREDICT, "raw": ("predict", [raw], {}), "spans": ("predict_spans", [raw], {})}
    write("name_tagger", "name_tagger", SENTENCES, NAMES, "raw", asked, **small)
    write("pos_tagger", "pos_tagger", SENTENCES, PARTS_OF_SPEECH, "raw", PREDICT, **small)


def language() -> None:
    small = {"units": 8, "embedding_size": 8, "batch_size": 2, "learning_rate": 0.02}
    begins = ["the cat", "the dog sat on"]
    asked = {
        "predict": ("predict", [begins], QUIET),
        "generate": ("generate", [begins], GREEDY),
        "complete": ("complete", ["the d"], {}),
        "next": ("complete", ["the cat "], {}),
    }
    for name, softmax in (("next_word", "adaptive"), ("next_word_sampled", "sampled")):
        write(
            name, "next_word", RUNNING, None, "raw", asked, **small, softmax=softmax,
            cutoffs=(4, 8), shrink=2, samples=3, epochs=30, window=12,
        )  # fmt: skip
    asked = {
        "predict": ("predict", [["iva", "ros"], ["Russian", "Italian"]], QUIET),
        "generate": ("generate", [["iva", "ros"]], {**GREEDY, "label": ["Russian", "Italian"]}),
    }
    write(
        "text_generator", "text_generator", SURNAMES, LANGUAGES, "raw", asked, units=12,
        embedding_size=6, batch_size=4, learning_rate=0.02, epochs=60, layers=2,
    )  # fmt: skip


def pairs() -> None:
    small = {"units": 6, "embedding_size": 6, "vocabulary_size": 300, "max_target_length": 24}
    small |= {"batch_size": 2, "learning_rate": 0.02, "beam_size": 2, "label_smoothing": 0.05}
    small |= {"decoder_units": 8, "epochs": 150, "dropout": 0.1, "embedding_dropout": 0.0}
    asked = {**PREDICT, "greedy": ("predict", [], {"beam_size": 1})}
    asked["attention"] = ("attention", [GERMAN[0], ENGLISH[0]], {})
    write("translator", "translator", GERMAN, ENGLISH, "raw", asked, **small, vocabulary="separate")
    asked["attention"] = ("attention", [MAILS[0], SUBJECTS[0][0]], {})
    write(
        "summarizer", "summarizer", MAILS, SUBJECTS, "raw", asked, copy=True, attention="additive",
        cell="lstm", scheduled_sampling=0.1, **small,
    )  # fmt: skip


def series() -> None:
    small = {"units": 4, "epochs": 10, "batch_size": 4}
    x, y = waves(6)
    write(
        "sound", "sequence_classifier", x, y, "arrays", LABELS, **small, features="log-mel", mels=8
    )
    x, y = movements(8, (9, 16))
    for hmm in ("input", "output"):
        write(
            f"series_hmm_{hmm}", "sequence_classifier", x, y, "arrays", LABELS, **small, hmm=hmm,
            hmm_states=3,
        )  # fmt: skip
    x, y = frames(4)
    write("frames_crf", "frame_labeller", x, y, "arrays", LABELS, **small, output="crf", window=20)
    write(
        "frames_features", "frame_labeller", x, y, "arrays", LABELS, **small, cell="gru",
        features="values,slope,spread", feature_window=5, window=None,
    )  # fmt: skip
    write(
        "frames_dense", "frame_labeller", x, y, "arrays", LABELS, **small, cell="dense", context=5
    )
    x = [counts(4), counts(3)]
    small = {"units": 4, "epochs": 4, "window": 24, "warm_up": 8, "batch_size": 4, "context": 6}
    write(
        "forecaster", "traffic_forecaster", x, None, "series", PREDICT, **small, model="lstm",
        linear=True, horizon=2,
    )  # fmt: skip
    write(
        "forecaster_hmm", "traffic_forecaster", x, None, "series", PREDICT, **small,
        model="hmm-lstm", hmm="joint", hmm_states=3,
    )  # fmt: skip


def words() -> None:
    corpus = [
        f"{city} is the capital of {land} and {land} has {city}".split()
        for city, land in CAPITALS.items()
    ] * 4
    small = {"vector_size": 8, "window": 2, "min_count": 1, "sample": 0, "batch_size": 16}
    asked = {"predict": ("predict", [["Paris", "capital", "Greece"]], {})}
    for name, method, loss in (
        ("skip_gram", "skip-gram", "negative-sampling"),
        ("cbow", "cbow", "hierarchical-softmax"),
    ):
        model = recipes.word_vectors(method=method, loss=loss, epochs=4, **small)
        model.fit(corpus, verbose=0)
        model.save(OUT / f"{name}.keras")
        given = {"x": corpus, "y": None, "form": "raw"}
        about = {"recipe": "word_vectors", **given, "answers": answers(model, given, asked)}
        about["evaluate"] = plain(model.evaluate(return_dict=True))  # on the sets of gensim
        (OUT / f"{name}.json").write_text(json.dumps(about) + "\n", "utf-8")


def layers() -> None:
    """One model of every layer, one after the other or side by side, saved by Keras alone."""
    values = keras.Input((None, 3), name="values")
    mask = keras.Input((None,), dtype="bool", name="mask")
    x = kit.WindowFeatures("values,slope", window=3, name="features")(values, mask=mask)
    kinds = {
        "simple": kit.SimpleRNN(3, return_sequences=True, activation="tanh"),
        "jordan": kit.JordanRNN(3, return_sequences=True),
        "lstm": kit.LSTM(3, return_sequences=True, zoneout=0.1, dropout=0.1, recurrent_dropout=0.1),
        "peephole": kit.PeepholeLSTM(3, return_sequences=True),
        "coupled": kit.CoupledLSTM(3, return_sequences=True),
        "projected": kit.ProjectedLSTM(4, projection=3, return_sequences=True),
        "normed": kit.LayerNormLSTM(3, return_sequences=True),
        "gru": kit.GRU(3, return_sequences=True, reset_after=False),
        "gru_after": kit.GRU(3, return_sequences=True, go_backwards=True),
        "min_gru": kit.MinGRU(3, return_sequences=True),
        "min_lstm": kit.MinLSTM(3, return_sequences=True),
        "rglru": kit.RGLRU(3, return_sequences=True),
        "stack": kit.Stack([kit.LSTM(3, return_sequences=True), kit.GRU(3, return_sequences=True)]),
        "both": kit.Bidirectional(kit.GRU(3, return_sequences=True)),
        "block": kit.RGLRUBlock(3, return_sequences=True),
        "states": kit.HMMFeatures(3, mode="filtered", seed=1),
        "mixture": kit.HMMFeatures(2, mode="smoothed", emission="gmm", seed=2),
    }
    parts = []
    for name, layer in kinds.items():
        found = layer(values if name == "block" else x, mask=mask)  # a block adds its input
        parts.append(kit.MaskedPooling("mean+max", name=f"pooled_{name}")(found, mask=mask))
    model = keras.Model([values, mask], keras.layers.Concatenate()(parts))
    rows = rounded(noise(3, 7, 3) * 10)
    real = [[True] * 7, [True] * 4 + [False] * 3, [False, True, True, False, True, True, True]]
    model.save(OUT / "layers.keras")
    found = model([np.array(rows, "float32"), np.array(real)], training=False)
    found = keras.ops.convert_to_numpy(found).tolist()
    about = {"values": rows, "mask": real, "answer": found}
    (OUT / "layers.json").write_text(json.dumps(about) + "\n", "utf-8")


def run() -> None:
    """The folder of a run, without what it says of the machine."""
    found = train(
        "bag_of_words_sentiment",
        settings={"ngrams": 1, "vocabulary_size": 400},
        epochs=2,
        limit=40,
        out=OUT / "run",
        verbose=0,
    )
    texts = ["a wonderful film", "a dull film"]
    about = {
        "test": found.results["test"],
        "texts": texts,
        "predict": plain(found.model.predict(texts, verbose=0)),
        "labels": found.model.predict_labels(texts),
    }
    (OUT / "run.json").write_text(json.dumps(about) + "\n", "utf-8")
    where = json.loads(found.folder.environment.read_text("utf-8"))
    where |= {"system": "Linux", "devices": ["cpu"], "cpus": 1}
    found.folder.environment.write_text(json.dumps(where, indent=2) + "\n", "utf-8")
    for file in list(found.folder.events.rglob("events.out.tfevents.*")):  # its name ends in a host
        file.rename(file.with_name(".".join(file.name.split(".")[:4]) + ".host.1.0"))


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for part in (texts, tags, language, pairs, series, words, layers, run):
        if part.__name__ in (sys.argv[2:] or part.__name__):
            part()
