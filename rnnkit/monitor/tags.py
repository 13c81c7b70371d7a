"""Tags of TensorBoard: the same name for the same thing in every task, with its description.

TensorBoard sorts the groups of its pages by name and opens the first two: curves of epochs come
first, then what a model says about examples; curves of batches and weights come behind.
"""

from __future__ import annotations

import re

EPOCH = "epoch"  # one point for each epoch
EXAMPLES = "examples"  # predictions on validation examples
EXPLANATION = "explanation"  # what moved an answer
BATCH = "per_batch"  # one point for each batch
LAGS = "recurrent_by_lag"  # curves over the time lag, not over epochs
PROGRAMS = "programs"  # what was compiled in an epoch
RECURRENT = "recurrent"  # what recurrent layers do with states and gradients
STATES = "states"  # of hidden Markov models
TEST = "test"  # measures on the test split that have no curve
WEIGHTS = "weights"  # distributions of trainable weights

# The name of a measure in the logs of a training -> its name for all tasks.
_SAME = {"words_per_second": "tokens_per_second"}
_ABOUT = {
    "accuracy": "Share of predictions that are right, from 0 to 1; higher is better.",
    "analogies": "Share of word analogies that are answered right, from 0 to 1; higher is better.",
    "above_0.9": "Share of the steps at which the gate is above 0.9 (right-saturated).",
    "attention": "Attention: how much each written word (row) looks at each word that was read.",
    "below_0.1": "Share of the steps at which the gate is below 0.1 (left-saturated).",
    "attributions": "What each word or step added to the answer; dots: occlusion.",
    "bits_per_character": "Cross-entropy in bits per character; lower is better.",
    "bleu": "BLEU: overlap with the reference translations, from 0 to 100; higher is better.",
    "bleu_lowercase": "BLEU of lower-cased texts, from 0 to 100; higher is better.",
    "compiled": "Programs that XLA compiled in the epoch.",
    "compiling_seconds": "Seconds of the epoch in which XLA compiled programs or read them.",
    "confusion_matrix": "Rows are true classes, columns predicted ones; shares are of the row.",
    "connectivity": "Gradient norm of each output (row) by each input (column); scaled by row.",
    "coverage": "Share of true values that lie within the forecast interval, from 0 to 1.",
    "decay": "Factors of the state per step, of a linear recurrence.",
    "emissions": "Probability of each symbol in each hidden state.",
    "f1": "F1: harmonic mean of precision and recall, from 0 to 1; higher is better.",
    "flow_per_step": "Factor of the gradient per step back; below 1 it vanishes, above 1 explodes.",
    "from_cache": "Programs that were read from the compilation cache in the epoch.",
    "gradient_flow": "Gradient k steps back relative to that at the last step; by lag: step = k.",
    "gradient_norm": "Norm of the gradient of all weights, before clipping.",
    "kernel_spectral_radius": "Spectral radius of the recurrent kernel of a SimpleRNN.",
    "learning_rate": "Learning rate of the optimizer.",
    "log_likelihood": "Log-likelihood of all sequences, in nats; higher is better.",
    "loss": "The loss that training minimises; lower is better.",
    "mae": "Mean absolute error, in the units of the series; lower is better.",
    "means": "Mean of each feature in each hidden state.",
    "memory_length": "Median of 1 / (1 - |a|) in steps, a the decay of a linear recurrence.",
    "mistakes": "Validation examples that the model gets wrong.",
    "neighbours": "Nearest words by cosine similarity; bold = new since the epoch before.",
    "perplexity": "Perplexity: exp of the cross-entropy per token; lower is better.",
    "precision": "Precision: share of the found ones that are right, from 0 to 1.",
    "recall": "Recall: share of the true ones that are found, from 0 to 1.",
    "rmse": "Root mean squared error, in the units of the series; lower is better.",
    "rouge1": "ROUGE-1: overlap of words with the reference, from 0 to 100; higher is better.",
    "rouge2": "ROUGE-2: overlap of word pairs with the reference, from 0 to 100.",
    "rougeL": "ROUGE-L: longest common subsequence with the reference, from 0 to 100.",
    "saturation": "A dot for each unit: share of steps at which its gate is closed, and open.",
    "scaled_rmse": "RMSE in units of the scale of each group of series; lower is better.",
    "seconds": "Seconds of the epoch, without validation.",
    "simlex999": "Spearman's correlation with human judgements of SimLex-999, from -1 to 1.",
    "step_singular_value": "Largest singular value of the Jacobian of a step; median over steps.",
    "step_spectral_radius": "Spectral radius of the Jacobian of a step; median over steps.",
    "tokens_per_second": "Tokens of text, or steps of series, per second of training.",
    "transition_matrix": "Probability of each hidden state (column) after each one (row).",
    "wordsim353": "Spearman's correlation with human judgements of WordSim-353, from -1 to 1.",
}


def measure_tag(group: str, name: str) -> str:
    """Return the tag of a measure: its group and its common name.

    Example:
        >>> measure_tag(EPOCH, "val_words_per_second")
        'epoch/tokens_per_second'
    """
    name = name.removeprefix("val_")
    return f"{group}/{_SAME.get(name, name)}"


def describe(tag: str) -> str:
    """Return what TensorBoard tells about a tag; empty if its name is not known.

    Example:
        >>> describe("epoch/seconds")
        'Seconds of the epoch, without validation.'
    """
    group, _, rest = tag.partition("/")
    if rest.startswith("f1/"):
        return f"F1 of the spans of type {rest[3:]}, from 0 to 1; higher is better."
    if group == RECURRENT and rest.rpartition("/")[0].endswith(("below_0.1", "above_0.9")):
        rest = rest.rpartition("/")[0]
    name = re.sub(r"_\d+$", "", rest.rpartition("/")[2])
    about = _ABOUT.get(name, "")
    if group == BATCH and name not in ("gradient_norm", "learning_rate", "") and about:
        about += " Mean over the batches of the epoch so far."
    return about
