"""Old names of `rnnkit.baselines`, for one release."""

from rnnkit.deprecation import renamed_names

__getattr__ = renamed_names(
    __name__,
    {
        "measure": "rnnkit.baselines.classifiers:tfidf_logistic_regression",
        "measure_summaries": "rnnkit.baselines.classifiers:summary_logistic_regression",
        "measure_frames": "rnnkit.baselines.classifiers:frame_logistic_regression",
        "measure_gensim": "rnnkit.baselines.word_vectors:gensim_word2vec",
    },
)
