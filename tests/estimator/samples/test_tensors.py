"""Arrays of other libraries, as they come."""

from typing import Any

import numpy as np
import pytest
import torch

from kantor.estimator import InvalidSamples, estimate_w1
from kantor.estimator.samples.pair import check_samples
from kantor.estimator.samples.tensors import to_numpy

ROWS = np.arange(100.0).reshape(50, 2)


class OnDevice:
    """An array as CuPy's: no `__array__`, and DLPack that copies to the host."""

    def __init__(self, array: np.ndarray[Any, Any], *, copies: bool = True) -> None:
        self._array, self._copies = array, copies

    def __array__(self, *_: object, **__: object) -> np.ndarray[Any, Any]:
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)

    def __dlpack__(self, *, dl_device: Any = None, **_: object) -> Any:
        if not self._copies or dl_device != (1, 0):
            raise BufferError("on the device")
        return self._array.__dlpack__()


class OfJax:
    """An array as JAX's of bfloat16: numpy gets a dtype that it has no name for."""

    def __array__(self, *_: object, **__: object) -> np.ndarray[Any, Any]:
        ml_dtypes = pytest.importorskip("ml_dtypes")
        return np.asarray(ROWS.astype(ml_dtypes.bfloat16))


@pytest.mark.parametrize(
    "dtype",
    [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32],
    ids=str,
)
def test_a_tensor_of_any_dtype_keeps_its_values(dtype: torch.dtype) -> None:
    tensor = torch.tensor(ROWS).to(dtype)
    assert np.array_equal(to_numpy(tensor), ROWS)


def test_a_tensor_that_wants_a_gradient_is_taken_off_its_graph() -> None:
    tensor = torch.tensor(ROWS, requires_grad=True)
    assert np.array_equal(to_numpy(2.0 * tensor), 2.0 * ROWS)


@pytest.mark.parametrize(
    "lazy",
    [
        torch.tensor(ROWS).to_sparse(),
        torch._neg_view(torch.tensor(-ROWS)),
        torch.tensor(ROWS.T).T,
    ],
    ids=["sparse", "negated", "transposed"],
)
def test_a_tensor_that_is_not_laid_out_is_resolved(lazy: torch.Tensor) -> None:
    assert np.array_equal(to_numpy(lazy), ROWS)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_tensor_comes_from_its_device() -> None:
    assert np.array_equal(to_numpy(torch.tensor(ROWS, device="cuda")), ROWS)


def test_a_list_of_tensors_is_their_rows() -> None:
    rows = [torch.tensor(row, requires_grad=True) for row in ROWS]
    assert np.array_equal(to_numpy(rows), ROWS)


def test_dlpack_copies_from_a_device() -> None:
    assert np.array_equal(to_numpy(OnDevice(ROWS)), ROWS)


def test_what_does_not_come_to_the_host_is_refused_by_side() -> None:
    with pytest.raises(InvalidSamples, match="source: expected an array that can be"):
        check_samples("source", OnDevice(ROWS, copies=False))


def test_short_floats_of_jax_are_widened() -> None:
    assert to_numpy(OfJax()).dtype == np.float32


def test_jax_arrays_come_as_they_are() -> None:
    jax = pytest.importorskip("jax")
    array = jax.numpy.asarray(ROWS, dtype="bfloat16")
    assert np.array_equal(to_numpy(array), ROWS)


def test_numpy_is_not_copied() -> None:
    assert to_numpy(ROWS) is ROWS


def test_tensors_and_arrays_give_the_same_estimate() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 100, 2)).astype(np.float32)
    options: dict[str, Any] = {"effort": "quick", "steps": 5, "sample_bounds": False}
    of_arrays = estimate_w1(x, y, **options)
    tensors = torch.tensor(x, requires_grad=True), torch.tensor(y)
    of_tensors = estimate_w1(*tensors, **options)
    assert of_tensors.lower_bound == of_arrays.lower_bound


def test_columns_of_a_table_may_be_tensors() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 100, 2))
    options: dict[str, Any] = {"effort": "quick", "steps": 5, "sample_bounds": False}
    of_tensors = [{"a": torch.tensor(s[:, 0]), "b": s[:, 1]} for s in (x, y)]
    of_arrays = [{"a": s[:, 0], "b": s[:, 1]} for s in (x, y)]
    found = [estimate_w1(x, y, **options) for x, y in (of_tensors, of_arrays)]
    assert found[0].lower_bound == found[1].lower_bound
