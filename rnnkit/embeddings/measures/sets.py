"""Old name of `rnnkit.embeddings.measures.benchmarks`."""

from rnnkit.deprecation import renamed_names

_NEW = "rnnkit.embeddings.measures.benchmarks:"
_RENAMED = {"Questions": "Analogies", "Pairs": "SimilarityPairs"}
_RENAMED |= {"shipped": "bundled_benchmarks", "read_set": "read_benchmark"}
__getattr__ = renamed_names(__name__, {old: _NEW + new for old, new in _RENAMED.items()})
