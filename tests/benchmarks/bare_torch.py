"""The bare PyTorch side of `recipes.py`: `torch.nn` and a loop, on the batches of a task.

Whole sequences without packing, dropout by `torch.nn`, Adam, the clipping of the recipe, the loss
of every step read as a number. No metrics, no TensorBoard. A backward pass over padding begins in
the padding: of no use for a model, and what makes this side fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch
from torch import nn


class Sentiment(nn.Module):
    """Embedding, one recurrent layer, mean and maximum over the real steps, a sigmoid unit."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        settings = task.settings
        words = len(task.vocabulary)
        both, units = settings["recipe"].startswith("bi"), settings["units"]
        self.table = nn.Embedding(words, settings["embedding_size"])
        kind = nn.GRU if settings["recipe"].startswith("gru") else nn.LSTM
        size = settings["embedding_size"]
        self.run = kind(size, units, batch_first=True, bidirectional=both)
        self.drop, self.end = nn.Dropout(settings["dropout"]), nn.Linear(2 * units * (1 + both), 1)
        self.drop_words = nn.Dropout(settings["embedding_dropout"])

    def loss(self, ids: Any, labels: Any, weights: Any) -> Any:
        """Return the loss of a batch."""
        ids = torch.from_numpy(ids)
        real = (ids != 0)[..., None]
        found, _ = self.run(self.drop_words(self.table(ids)))
        mean = (found * real).sum(1) / real.sum(1).clamp(min=1)
        top = found.masked_fill(~real, -1e9).amax(1)
        scores = self.end(self.drop(torch.cat([mean, top], -1)))[:, 0]
        labels = torch.from_numpy(np.float32(labels)).reshape(-1)
        return nn.functional.binary_cross_entropy_with_logits(scores, labels)


class Tagger(nn.Module):
    """Word vectors and a BiLSTM over the characters of every word, BiLSTM, softmax."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        settings = task.settings
        size, units, own = (settings[n] for n in ("embedding_size", "units", "character_units"))
        self.table = nn.Embedding(len(task.vocabulary), size)
        self.letters = nn.Embedding(len(task.letters), 30)
        self.spell = nn.LSTM(30, own // 2, batch_first=True, bidirectional=True)
        self.run = nn.LSTM(size + own, units, batch_first=True, bidirectional=True)
        self.before = nn.Dropout(settings["embedding_dropout"])
        self.after = nn.Dropout(settings["dropout"])
        self.end = nn.Linear(2 * units, len(task.classes))

    def loss(self, inputs: Any, tags: Any, weights: Any) -> Any:
        """Return the loss of a batch."""
        ids = torch.from_numpy(inputs.ids)
        words, letters = ids[..., 0], ids[..., 1:]
        flat = letters.reshape(-1, letters.shape[-1])
        _, (states, _) = self.spell(self.letters(flat))
        spelled = torch.cat([*states], -1).view(*words.shape, -1)
        found, _ = self.run(self.before(torch.cat([self.table(words), spelled], -1)))
        scores = self.end(self.after(found)).flatten(0, 1)
        losses = nn.functional.cross_entropy(
            scores, torch.from_numpy(tags).long().flatten(), reduction="none"
        )
        weights = torch.from_numpy(np.float32(weights)).flatten()
        return (losses * weights).sum() / weights.sum()


class Forecaster(nn.Module):
    """Recurrent layers over windows of numbers and a linear unit, beside a linear skip."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        settings = task.settings
        width = task.network.input_shape[-1]
        self.run = nn.LSTM(width, settings["units"], settings["layers"], batch_first=True)
        outputs = task.network.output_shape[-1]
        self.end = nn.Linear(settings["units"], outputs)
        self.line = nn.Conv1d(1, outputs, settings["context"])

    def loss(self, x: Any, y: Any, weights: Any) -> Any:
        """Return the loss of a batch."""
        x = torch.from_numpy(np.float32(x))
        before = nn.functional.pad(x[..., :1].transpose(1, 2), (self.line.kernel_size[0] - 1, 0))
        found = self.end(self.run(x)[0]) + self.line(before).transpose(1, 2)
        y = torch.from_numpy(np.nan_to_num(np.float32(y))).reshape(found.shape)
        return nn.functional.mse_loss(found, y)


NETS: dict[str, type] = {"bilstm_sentiment": Sentiment, "gru_sentiment": Sentiment}
NETS |= {"pos_tagger": Tagger, "forecaster": Forecaster}


class Bare:
    """A loop that trains one epoch at a time."""

    def __init__(self, net: Any, task: Any, batches: Any, now: Callable[[], float]) -> None:
        self.net, self.batches, self.now, self.epoch = net, batches, now, 0
        self.clip = task.settings.get("clip_norm")
        rate = task.settings["learning_rate"]
        self.adam = torch.optim.Adam(net.parameters(), lr=rate, eps=1e-7)

    def train(self) -> float:
        """Train an epoch; return tokens per second."""
        begin = self.now()
        self.batches.start_epoch(self.epoch)
        self.net.train()
        for index in range(len(self.batches)):
            self.adam.zero_grad()
            loss = self.net.loss(*self.batches[index])
            loss.backward()
            if self.clip:
                nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
            self.adam.step()
            loss.item()
        self.epoch += 1
        return self.batches.tokens / (self.now() - begin)


def side(recipe: str, task: Any, data: tuple, now: Callable[[], float]) -> Bare | None:
    """Return the side of a recipe on the batches of a trained task; None where there is none."""
    if recipe not in NETS:
        return None
    examples = task.check(*data, "The training set")
    spec = task.target_spec()
    targets = task.encode_targets(examples, spec, "training")
    rows = task.encode_checked(examples.x)
    batches = task.make_batches(rows, targets, shuffle=True, training=True)
    assert keras.config.backend() == "torch"
    return Bare(NETS[recipe](task), task, batches, now)
