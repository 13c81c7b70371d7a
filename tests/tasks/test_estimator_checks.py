"""scikit-learn's own checks of estimators, those that ask nothing of tables of numbers."""

from pathlib import Path

import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks
from small_tasks import make

pytestmark = [
    pytest.mark.one_backend,
    pytest.mark.filterwarnings("ignore::UserWarning"),  # scikit-learn says what else is unusual
]

ESTIMATORS = {
    "texts": lambda: make("bag_of_words_sentiment"),
    "texts by a network": lambda: make("gru_sentiment"),
    "series": lambda: make("sequence_classifier"),
    "tags": lambda: make("name_tagger"),
    "labels of steps": lambda: make("frame_labeller"),
    "forecasts": lambda: make("forecaster"),
    "as_classifier": lambda: make("gru_sentiment").as_classifier(),
}
RUN = [
    "check_decision_proba_consistency",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_partial_fit_n_features",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_n_features_in_after_fitting",
    "check_non_transformer_estimators_n_iter",
    "check_set_params",
    "check_valid_tag_types",
]
TABLES = "fits a table of numbers, one row for each example; texts and series are none"
NOT_RUN = {
    "check_no_attributes_set_in_init": "a task is a Keras model, whose constructor makes the rest",
    "check_parameters_default_constructible": "the parameters are those of the recipe, and not of "
    "the class",
    "check_do_not_raise_errors_in_init_or_set_params": "settings are checked when they are given, "
    "and not in fit",
    "check_estimators_fit_returns_self": "fit returns Keras's History; that of as_classifier() "
    "returns self",
    "check_estimators_unfitted": "predict raises InputError, as in all of rnnkit; that of "
    "as_classifier() raises NotFittedError",
    "check_all_zero_sample_weights_error": TABLES,
    "check_array_api_input": TABLES,
    "check_classifier_data_not_an_array": TABLES,
    "check_classifiers_classes": TABLES,
    "check_classifiers_one_label": "a single class is refused: there is nothing to learn",
    "check_classifiers_one_label_sample_weights": "a single class is refused: there is nothing to "
    "learn",
    "check_classifiers_regression_target": TABLES,
    "check_classifiers_train": TABLES,
    "check_complex_data": TABLES,
    "check_dict_unchanged": TABLES,
    "check_dont_overwrite_parameters": TABLES,
    "check_dtype_object": TABLES,
    "check_estimator_sparse_array": TABLES,
    "check_estimator_sparse_matrix": TABLES,
    "check_estimator_sparse_tag": TABLES,
    "check_estimators_dtypes": TABLES,
    "check_estimators_empty_data_messages": TABLES,
    "check_estimators_nan_inf": TABLES,
    "check_estimators_overwrite_params": TABLES,
    "check_estimators_pickle": TABLES,
    "check_f_contiguous_array_estimator": TABLES,
    "check_fit1d": TABLES,
    "check_fit2d_1feature": TABLES,
    "check_fit2d_1sample": TABLES,
    "check_fit2d_predict1d": TABLES,
    "check_fit_check_is_fitted": TABLES,
    "check_fit_idempotent": TABLES,
    "check_fit_score_takes_y": TABLES,
    "check_methods_sample_order_invariance": TABLES,
    "check_methods_subset_invariance": TABLES,
    "check_n_features_in": TABLES,
    "check_pipeline_consistency": TABLES,
    "check_positive_only_tag_during_fit": TABLES,
    "check_readonly_memmap_input": TABLES,
    "check_sample_weight_equivalence_on_dense_data": TABLES,
    "check_sample_weights_list": TABLES,
    "check_sample_weights_not_an_array": TABLES,
    "check_sample_weights_not_overwritten": TABLES,
    "check_sample_weights_pandas_series": TABLES,
    "check_sample_weights_shape": TABLES,
    "check_supervised_y_2d": TABLES,
    "check_supervised_y_no_nan": TABLES,
}
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "keras_and_scikit_learn.md"


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("check", RUN)
def test_a_check_of_scikit_learn(check, kind):
    getattr(estimator_checks, check)(kind, ESTIMATORS[kind]())


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_every_check_for_this_kind_is_run_or_has_its_reason(kind):
    model = ESTIMATORS[kind]()
    kinds = [estimator_checks._yield_api_checks, estimator_checks._yield_checks]
    if model.__sklearn_tags__().estimator_type == "classifier":
        kinds.append(estimator_checks._yield_classifier_checks)
    asked = {getattr(one, "func", one).__name__ for find in kinds for one in find(model)}
    assert asked <= {*RUN, *NOT_RUN}


def test_those_that_need_no_table_pass_around_a_task():
    model = ESTIMATORS["as_classifier"]()
    estimator_checks.check_no_attributes_set_in_init("LabelClassifier", model)
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params("LabelClassifier", model)
    estimator_checks.check_estimators_unfitted("LabelClassifier", clone(model))


def test_the_guide_lists_the_checks_that_are_not_run():
    text = GUIDE.read_text(encoding="utf-8")
    for check, reason in NOT_RUN.items():
        assert f"`{check}`" in text
        assert f"| {reason} |" in text
