"""Old name of `rnnkit.embeddings.training.encoded_corpus`."""

from rnnkit.deprecation import renamed_names

_NEW = "rnnkit.embeddings.training.encoded_corpus:"
__getattr__ = renamed_names(
    __name__, {"Numbered": _NEW + "EncodedCorpus", "number": _NEW + "encode_corpus"}
)
