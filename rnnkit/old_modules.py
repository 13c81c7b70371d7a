"""Old names of modules that the reference listed, for one release."""

from rnnkit.deprecation import renamed_modules

renamed_modules(
    {
        f"rnnkit.{old}": f"rnnkit.{new}"
        for old, new in {
            "backend.real_steps": "backend.masking",
            "data.packed": "data.release",
            "data.pieces": "data.forecast_windows",
            "data.progress": "progress",
            "data.readers": "data.files",
            "data.series_line": "data.autoregression",
            "data.softmax_help": "data.softmax_inputs",
            "data.words": "data.lexicon",
            "hmm.emissions.observations": "hmm.emissions.base",
            "hmm.emissions.start": "hmm.emissions.initialization",
            "hmm.estimators.baum_welch": "hmm.estimators.em",
            "hmm.estimators.chunks": "hmm.estimators.blocks",
            "hmm.estimators.restarts": "hmm.estimators.em",
            "hmm.inference.lagged": "hmm.inference.smoothing",
            "hmm.inference.likelihood": "hmm.inference.smoothing",
            "hmm.inference.live": "hmm.inference.filtering",
            "hmm.inference.paths": "hmm.inference.decoding",
            "hmm.inference.posteriors": "hmm.inference.smoothing",
            "hmm.inference.ways": "hmm.inference.steps",
            "hmm.layers.named": "hmm.layers.serialization",
            "recipes.family": "recipes.recipe",
            "recipes.traffic": "recipes.forecasting",
            "tasks.bag_networks": "tasks.texts.bag_networks",
            "tasks.bag_of_words": "tasks.texts.bag_of_words",
            "tasks.base": "tasks.task",
            "tasks.feed": "tasks.training.datasets",
            "tasks.gradient_norm": "tasks.training.gradient_norm",
            "tasks.language.word_tables": "tasks.language.softmax_layers",
            "tasks.language.writing": "tasks.language.generation_model",
            "tasks.losses": "tasks.training.losses",
            "tasks.networks": "tasks.recurrent_stack",
            "tasks.optimizers": "tasks.training.optimizers",
            "tasks.schedule": "tasks.training.schedule",
            "tasks.series.fronts": "tasks.series.input_features",
            "tasks.tagging.spelled": "tasks.tagging.word_char_task",
            "tasks.tagging.tagged": "tasks.tagging.sentence_io",
            "tasks.text": "tasks.texts.text_classifier",
            "tasks.text_to_text.writing": "tasks.text_to_text.decoding",
            "tasks.word_start": "tasks.word_task",
        }.items()
    }
)
