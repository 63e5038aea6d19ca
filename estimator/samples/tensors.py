"""Bring arrays of other libraries to numpy, on whatever device they lie.

torch tensors are known by their methods, so that nothing has to be imported. Others
(JAX, CuPy, ...) come as numpy's protocols say: `__array__` where they offer it, else
DLPack, copied to the host. Short floats that numpy has no name for (bfloat16, float8)
become float32, which holds each of them exactly.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_numpy(samples: Any) -> NDArray[Any]:
    """Return an array-like as a numpy array, without a copy where that is possible.

    Raises:
        ValueError: A ragged list, or an array that does not come to the host.
    """
    if isinstance(samples, np.ndarray):
        return samples
    if hasattr(samples, "detach") and hasattr(samples, "cpu"):
        return _of_torch(samples)
    is_list = isinstance(samples, list | tuple)
    if is_list and samples and hasattr(samples[0], "detach"):
        return np.stack([to_numpy(row) for row in samples])
    array = None if is_list else _by_array(samples)
    if array is None and hasattr(samples, "__dlpack__"):
        array = _by_dlpack(samples)
    array = np.asanyarray(samples) if array is None else array
    return _widened(array)


def _of_torch(tensor: Any) -> NDArray[Any]:
    """Take a tensor off its graph and its device; resolve what is lazy about it."""
    tensor = tensor.detach()
    if getattr(tensor, "layout", None) is not None and "sparse" in str(tensor.layout):
        tensor = tensor.to_dense()
    tensor = tensor.cpu()
    if not tensor.dtype.is_complex and str(tensor.dtype).startswith(_SHORT):
        tensor = tensor.float()
    array: NDArray[Any] = tensor.resolve_conj().resolve_neg().numpy()
    return array


_SHORT = ("torch.bfloat16", "torch.float8")


def _by_array(samples: Any) -> NDArray[Any] | None:
    """Return what `__array__` gives; None where it refuses, as CuPy's does."""
    if not hasattr(samples, "__array__"):
        return None
    try:
        return np.asarray(samples)
    except TypeError:
        return None


def _by_dlpack(samples: Any) -> NDArray[Any]:
    try:
        return np.from_dlpack(samples, device="cpu")
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        if hasattr(samples, "get"):  # releases of CuPy that keep DLPack on the device
            return np.asarray(samples.get())
        raise ValueError(
            f"expected an array that can be copied to the host, got "
            f"{type(samples).__name__}: {error}"
        ) from error


def _widened(array: NDArray[Any]) -> NDArray[Any]:
    """Return short floats (as of JAX, by ml_dtypes) as float32."""
    if array.dtype.kind == "V" and "float" in array.dtype.name:
        return array.astype(np.float32)
    return array
