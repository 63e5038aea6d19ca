"""`estimate_w1` end to end: known answers, invariances, guarantees, resumption."""

import json
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from kantor.estimator import (
    Estimate,
    EstimateConfig,
    EstimationStopped,
    InvalidConfig,
    InvalidInput,
    InvalidSamples,
    estimate_w1,
)
from kantor.estimator.result import Progress
from kantor.estimator.witness.document import score

Array = NDArray[np.float64]

QUICK = EstimateConfig(effort="quick", steps=75)
TRAINED = EstimateConfig(effort="quick", steps=75, critic="network")
"""Trains whatever the data are; a translation alone needs no training."""


def shifted(n: int = 400, shift: float = 3.0, seed: int = 0) -> tuple[Array, Array]:
    """Draw two 3-d Gaussians with W1 = shift exactly (a translation)."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, n, 3))
    y[:, 0] += shift
    return x, y


@cache
def reference() -> Estimate:
    return estimate_w1(*shifted(), QUICK)


def test_translation_is_found_from_below() -> None:
    estimate = reference()
    assert estimate.lower_bound < 3.0
    # Held-out mean difference: within 4 standard errors of the truth.
    assert abs(estimate.estimate - 3.0) < 4 * estimate.standard_error
    assert estimate.lower_bound <= estimate.estimate


def test_certificate_is_tight_and_complete() -> None:
    certificate = reference().certificate
    assert abs(certificate.lipschitz_bound - 1.0) < 1e-5
    assert certificate.layers[-1].rows == 1
    norms = np.prod([layer.operator_norm for layer in certificate.layers])
    assert certificate.lipschitz_bound >= norms


def test_bracket_holds_for_the_given_samples() -> None:
    estimate = reference()
    assert estimate.sample_lower_bound is not None
    assert estimate.sample_upper_bound is not None
    assert 0 < estimate.sample_lower_bound <= estimate.sample_upper_bound
    assert "exact" in estimate.sample_upper_bound_reason


def test_same_seed_gives_the_same_bits() -> None:
    first, second = reference().to_dict(), estimate_w1(*shifted(), QUICK).to_dict()
    for document in (first, second):
        document.pop("elapsed_s")
        for point in document["curve"]:
            point.pop("elapsed_s")
    assert first == second


def test_document_is_json_with_the_contract_fields() -> None:
    document = json.loads(json.dumps(reference().to_dict(), allow_nan=False))
    assert {"estimate", "lower_bound", "certificate", "curve"} <= set(document)
    assert "critic" not in document


def test_critic_scores_reproduce_the_sample_lower_bound() -> None:
    x, y = shifted()
    estimate = reference()
    difference = score(estimate.critic, x).mean() - score(estimate.critic, y).mean()
    assert estimate.sample_lower_bound is not None
    # The clamp can only lower the objective; another critic may have set the bound.
    assert difference <= estimate.sample_lower_bound * (1 + 1e-6)
    assert difference > 0.9 * estimate.sample_lower_bound


def test_scores_are_one_lipschitz_in_the_users_metric() -> None:
    x, y = shifted(seed=5)
    slopes = np.abs(score(reference().critic, x) - score(reference().critic, y))
    assert (slopes <= np.linalg.norm(x - y, axis=1) * (1 + 1e-9)).all()


@pytest.mark.parametrize("scale", [1e-6, 1e6, 1e150])
def test_scales_with_the_data(scale: float) -> None:
    x, y = shifted()
    scaled = estimate_w1(scale * x, scale * y, QUICK)
    # Only rounding of the scaler differs, amplified by training in float32.
    assert np.isclose(scaled.estimate, scale * reference().estimate, rtol=0.05)


@pytest.mark.parametrize("offset", [-1e3, 1e6])
def test_does_not_move_with_the_data(offset: float) -> None:
    x, y = shifted()
    moved = estimate_w1(x + offset, y + offset, QUICK)
    assert np.isclose(moved.estimate, reference().estimate, rtol=0.05)


def test_swapping_sides_keeps_the_distance() -> None:
    x, y = shifted()
    swapped = estimate_w1(y, x, QUICK)
    tolerance = 4 * (swapped.standard_error + reference().standard_error)
    assert abs(swapped.estimate - reference().estimate) < tolerance


def test_constant_features_change_nothing_that_matters() -> None:
    x, y = (np.pad(s, ((0, 0), (0, 2)), constant_values=7.0) for s in shifted())
    padded = estimate_w1(x, y, QUICK)
    assert np.isclose(padded.estimate, reference().estimate, rtol=0.1)


def test_equal_point_masses_are_zero_apart() -> None:
    x = np.ones((60, 4))
    estimate = estimate_w1(x, x, QUICK)
    assert estimate.estimate == 0.0
    assert estimate.lower_bound <= 0.0
    assert estimate.p_value == 1.0


def test_same_distribution_shows_no_difference() -> None:
    # A seed of its own: at 95 % one in twenty shows a difference by chance.
    estimate = estimate_w1(*shifted(shift=0.0, seed=2), QUICK)
    assert estimate.lower_bound <= 0.0
    assert estimate.p_value > 0.05


@pytest.mark.parametrize("method", ["betting", "bernstein", "student"])
def test_bound_method_chooses_the_lower_bound(method: str) -> None:
    config = QUICK.replace(bound_method=method, steps=25)
    estimate = estimate_w1(*shifted(), config)
    assert estimate.lower_bound == estimate.lower_bounds[method]
    assert any("student" in w for w in estimate.warnings) == (method == "student")


@pytest.mark.parametrize("order", [1, 2])
def test_bjorck_critic_is_certified_too(order: int) -> None:
    x, y = shifted(shift=0.0)  # what is only shifted an affine function finds
    config = TRAINED.replace(constraint="bjorck", bjorck_order=order, steps=30)
    estimate = estimate_w1(x, 3.0 * y, config)  # W1 = 2 E|y| = 3.19
    assert (estimate.critic_family, estimate.steps) == ("network", 30)
    assert abs(estimate.certificate.lipschitz_bound - 1.0) < 1e-5
    assert 2.0 < estimate.estimate < 3.19 + 4 * estimate.standard_error


@pytest.mark.parametrize(("n", "threads"), [(400, 1), (13_000, 2)])
def test_small_samples_start_no_threads(n: int, threads: int) -> None:
    before, seen = torch.get_num_threads(), set[int]()
    torch.set_num_threads(2)
    try:
        config = TRAINED.replace(steps=25, sample_bounds=False)
        estimate_w1(
            *shifted(n), config, on_progress=lambda _: seen.add(torch.get_num_threads())
        )
        assert (seen, torch.get_num_threads()) == ({threads}, 2)
    finally:
        torch.set_num_threads(before)


def test_accepts_one_feature_as_a_flat_array() -> None:
    rng = np.random.default_rng(0)
    estimate = estimate_w1(rng.normal(size=200), rng.normal(size=300) + 2, QUICK)
    assert estimate.dim == 1
    assert abs(estimate.estimate - 2.0) < 4 * estimate.standard_error


def test_accepts_a_mapped_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("samples") / "x.npy"
    x, y = shifted()
    np.save(path, x)
    mapped = np.load(path, mmap_mode="r")
    assert estimate_w1(mapped, y, QUICK).estimate == reference().estimate


@pytest.mark.parametrize("config", [QUICK, TRAINED])
def test_reports_progress_to_the_last_step(config: EstimateConfig) -> None:
    reports: list[Progress] = []
    estimate = estimate_w1(*shifted(), config, on_progress=reports.append)
    assert [r.point for r in reports] == estimate.curve
    assert reports[-1].step == estimate.steps <= reports[-1].max_steps


@pytest.mark.parametrize("stop_at", [10, 25, 45])
def test_resumed_run_gives_the_uninterrupted_result(stop_at: int) -> None:
    asked = iter(range(10_000))
    with pytest.raises(EstimationStopped) as stopped:
        estimate_w1(*shifted(), TRAINED, should_stop=lambda: next(asked) >= stop_at)
    resumed = estimate_w1(*shifted(), TRAINED, resume_from=stopped.value.checkpoint)
    whole = estimate_w1(*shifted(), TRAINED)
    assert resumed.estimate == whole.estimate
    assert resumed.critic == whole.critic
    assert [p.step for p in resumed.curve] == [p.step for p in whole.curve]


def test_an_answer_without_training_is_resumed_as_well() -> None:
    with pytest.raises(EstimationStopped) as stopped:
        estimate_w1(*shifted(), QUICK, should_stop=lambda: True)
    resumed = estimate_w1(*shifted(), QUICK, resume_from=stopped.value.checkpoint)
    assert resumed.steps == 0
    assert resumed.critic == reference().critic


def test_refuses_a_checkpoint_of_another_problem() -> None:
    with pytest.raises(EstimationStopped) as stopped:
        estimate_w1(*shifted(), QUICK, should_stop=lambda: True)
    with pytest.raises(InvalidInput, match="same samples and settings"):
        estimate_w1(*shifted(seed=1), QUICK, resume_from=stopped.value.checkpoint)


@pytest.mark.parametrize("document", [b"", b"not a checkpoint", b"\x00" * 64])
def test_refuses_bytes_that_are_no_checkpoint(document: bytes) -> None:
    with pytest.raises(InvalidInput, match="resume_from"):
        estimate_w1(*shifted(), QUICK, resume_from=document)


def nan_at(row: int, column: int) -> Array:
    x = shifted()[0].copy()
    x[row, column] = np.nan
    return x


BAD_SAMPLES = {
    "NaN with its position": (nan_at(17, 2), "row 17, column 2"),
    "infinity": (np.full((50, 3), np.inf), "got inf at row 0, column 0"),
    "too few": (np.zeros((39, 3)), "at least 40 samples, got 39"),
    "ragged": ([[1.0, 2.0, 3.0], [1.0]] * 30, "rows of equal length"),
    "objects": (np.array([[None] * 3] * 50), "dtype object"),
    "text": (np.array([["a"] * 3] * 50), "real numbers"),
    "complex": (np.zeros((50, 3), dtype=complex), "real numbers"),
    "three axes": (np.zeros((50, 3, 1)), "got 3 axes (50, 3, 1); samples with more"),
    "no features": (np.zeros((50, 0)), "at least 1 feature"),
}


@pytest.mark.parametrize("name", BAD_SAMPLES)
def test_bad_samples_are_refused_with_what_is_wrong(name: str) -> None:
    samples, expected = BAD_SAMPLES[name]
    with pytest.raises(InvalidSamples) as refused:
        estimate_w1(samples, shifted()[1])
    assert refused.value.field == "source"
    assert expected in refused.value.reason


def test_unequal_dimensions_name_both() -> None:
    with pytest.raises(InvalidSamples, match="dimension 3 as in source, got 2"):
        estimate_w1(np.zeros((50, 3)), np.zeros((50, 2)))


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:99", "mps"])
def test_unusable_devices_are_refused(device: str) -> None:
    with pytest.raises(InvalidConfig, match="device: expected"):
        estimate_w1(*shifted(), EstimateConfig(device=device))


OUT_OF_REACH = {
    "integers that float64 rounds": (np.full((50, 3), 2**60 + 129), "exactly"),
    "unsigned ones": (np.full((50, 3), 2**63 + 1, dtype=np.uint64), "exactly"),
    "long floats": (np.full((50, 3), np.longdouble(1) / 3), "exactly"),
    "what overflows": (np.full((50, 3), 1e308), "size up to 1e+300, got 1e+308"),
    "masked values": (
        np.ma.masked_array(np.zeros((50, 3)), mask=np.eye(50, 3, dtype=bool)),
        "no missing values, got 3",
    ),
}


@pytest.mark.parametrize("name", OUT_OF_REACH)
def test_values_that_cannot_be_computed_with_are_refused(name: str) -> None:
    samples, expected = OUT_OF_REACH[name]
    with pytest.raises(InvalidSamples) as refused:
        estimate_w1(samples, shifted()[1])
    assert expected in refused.value.reason


def test_large_integers_that_float64_holds_are_taken() -> None:
    x = 2**60 + 2**20 * np.arange(60)[:, None]
    found = estimate_w1(x, x + 2**30, QUICK).sample_upper_bound
    assert found == pytest.approx(2**30, rel=1e-11)
