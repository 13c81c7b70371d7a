"""Old name of `rnnkit.embeddings.measures.benchmarks`."""

from rnnkit.deprecation import renamed_names

_RENAMED = {
    "Questions": "Analogies",
    "Pairs": "SimilarityPairs",
    "shipped": "bundled_benchmarks",
    "read_set": "read_benchmark",
}
__getattr__ = renamed_names(
    __name__, {old: f"rnnkit.embeddings.measures.benchmarks:{new}" for old, new in _RENAMED.items()}
)
