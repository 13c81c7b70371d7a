"""The torch.nn side of `layers.py`: a bare training loop around `torch.nn.RNN`, `LSTM` and `GRU`.

Two ways to give it sequences of unequal length:

- "packed": `pack_padded_sequence`, the state after each row's last real step;
- "full": all T steps of every row, then the output of its last real step is gathered. A backward
  pass does the same with the real steps of each row turned around.

Masks with gaps are met by gathering each row's real steps to its left first.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

KINDS = {"SimpleRNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU, "BiLSTM": nn.LSTM}


class Net(nn.Module):
    """One recurrent layer and a dense unit."""

    def __init__(self, system: str, way: str, width: int, units: int) -> None:
        super().__init__()
        both = system == "BiLSTM"
        kind = KINDS[system]
        self.way = way
        if way == "packed" or not both:
            directions = [kind(width, units, batch_first=True, bidirectional=both)]
        else:
            directions = [kind(width, units, batch_first=True) for _ in range(2)]
        self.directions = nn.ModuleList(directions)
        self.dense = nn.Linear(units * (1 + both), 1)

    def forward(self, x, mask, contiguous):
        if mask is None:
            lengths = None
        else:
            lengths = mask.sum(1)
            if not contiguous:
                x = pick(x, torch.argsort(mask.logical_not().to(torch.uint8), dim=1, stable=True))
        if self.way == "packed":
            packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
            _, state = self.directions[0](packed)
            h = state[0] if isinstance(state, tuple) else state
            return self.dense(torch.cat(list(h), -1))
        ends = []
        for backwards, layer in enumerate(self.directions):
            outputs, _ = layer(turned(x, lengths) if backwards else x)
            ends.append(outputs[:, -1] if lengths is None else last(outputs, lengths))
        return self.dense(torch.cat(ends, -1))


def pick(x, order):
    """Gather steps: `x[b, order[b, t]]`."""
    return x.gather(1, order[..., None].expand(-1, -1, x.shape[-1]))


def last(outputs, lengths):
    """Return the output of the last of each row's steps."""
    return outputs[torch.arange(len(lengths), device=outputs.device), lengths - 1]


def turned(x, lengths):
    """Turn the first `lengths` steps of each row around."""
    if lengths is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)
    return pick(x, torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps))


class TorchSide:
    """The best that a careful user gets out of torch.nn."""

    def __init__(self, system, way, data, shape, weights, contiguous):
        self.data = data
        self.contiguous = contiguous
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.net = Net(system, way, shape[2], shape[3])
        load(self.net, system, weights)
        self.net.to(self.device)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=1e-3, eps=1e-7)
        self.loss = nn.BCEWithLogitsLoss()

    def tensors(self):
        """Take the arrays to the device, as Keras has to."""
        return [None if a is None else torch.from_numpy(a).to(self.device) for a in self.data]

    def train(self):
        self.net.train()
        x, mask, y = self.tensors()
        self.adam.zero_grad()
        loss = self.loss(self.net(x, mask, self.contiguous), y)
        loss.backward()
        self.adam.step()
        value = loss.item()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return value

    def predict(self):
        self.net.eval()
        with torch.inference_mode():
            x, mask, _ = self.tensors()
            return torch.sigmoid(self.net(x, mask, self.contiguous)).cpu().numpy()


def load(net: Net, system: str, weights: list) -> None:
    """Give the net the weights of its Keras twin."""
    *cells, dense, dense_bias = [torch.from_numpy(w) for w in weights]
    layers = net.directions
    places = [(layers[0], "_l0"), (layers[-1], "_l0_reverse" if len(layers) == 1 else "_l0")]
    with torch.no_grad():
        for index, (layer, end) in enumerate(places[: len(cells) // 3]):
            kernel, recurrent, bias = cells[3 * index : 3 * index + 3]
            inner = bias[1] if bias.ndim == 2 else torch.zeros_like(bias)
            outer = bias[0] if bias.ndim == 2 else bias
            for name, value in (
                ("weight_ih", kernel),
                ("weight_hh", recurrent),
                ("bias_ih", outer),
                ("bias_hh", inner),
            ):
                if system == "GRU":  # Keras: z, r, candidate; torch: r, z, candidate
                    z, r, candidate = value.chunk(3, -1)
                    value = torch.cat([r, z, candidate], -1)
                getattr(layer, name + end).copy_(value.T if value.ndim == 2 else value)
        net.dense.weight.copy_(dense.T)
        net.dense.bias.copy_(dense_bias)
