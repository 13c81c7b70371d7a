"""Old names of `rnnkit.baselines`, for one release."""

from rnnkit.deprecation import renamed_names

__getattr__ = renamed_names(
    __name__,
    {
        "measure_source": "rnnkit.baselines.texts:copy_source",
        "measure_ngrams": "rnnkit.baselines.language:kneser_ney",
        "KneserNey": "rnnkit.baselines.language:KneserNey",
    },
)
