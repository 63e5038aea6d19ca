"""Cones on learned projections: slope at most 1, gradients, distances to flats."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from kantor.models.constraints import Contractions
from kantor.models.critic import lipschitz_bound
from kantor.models.projections import Projections, initial_projections

SIGNS = (1, -1)


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def projections(rank: int, *, cones: int = 6, dim: int = 8) -> Projections:
    """Return a batch of two whose contractions have singular values of all sizes."""
    start = initial_projections(
        gaussian(2, cones, dim), rank=rank, signs=SIGNS,
        generator=torch.Generator().manual_seed(1),
    )  # fmt: skip
    moved = [p + 0.3 * gaussian(*p.shape, seed=2) for p in start.tensors()]
    (lowered,) = Contractions(rank).restored((moved[0],))
    return start.with_tensors([lowered, *moved[1:]])


@pytest.mark.parametrize("rank", [1, 3, 8])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_no_pair_of_points_exceeds_the_certificate(rank: int, size: float) -> None:
    critics = projections(rank)
    x, y = size * gaussian(2, 500, 8, seed=3)
    change = (critics(x) - critics(y)).abs()
    # Values as large as the points are round to about 1e-15 of them.
    allowed = lipschitz_bound(critics)[:, None] * (x - y).norm(dim=-1) + 1e-13 * size
    assert (change <= allowed + 1e-14).all()


@pytest.mark.parametrize("rank", [1, 3])
def test_certificate_is_that_of_unconstrained_contractions_too(rank: int) -> None:
    critics = projections(rank)
    longer = critics.with_tensors([3.0 * critics.contractions, *critics.tensors()[1:]])
    x, y = gaussian(2, 500, 8, seed=4)
    slopes = (longer(x) - longer(y)).abs() / (x - y).norm(dim=-1)
    assert (lipschitz_bound(longer) > 1.0).all()
    assert (slopes.amax(-1) <= lipschitz_bound(longer)).all()


def test_starts_with_orthonormal_rows() -> None:
    start = initial_projections(
        gaussian(2, 4, 8), rank=3, signs=SIGNS,
        generator=torch.Generator().manual_seed(1),
    )  # fmt: skip
    blocks = start.contractions.reshape(2, 4, 3, 8)
    eye = torch.eye(3, dtype=torch.float64).expand(2, 4, 3, 3)
    # Drawn in float32.
    torch.testing.assert_close(blocks @ blocks.mT, eye, rtol=0.0, atol=1e-6)


def test_one_orthonormal_cone_is_the_distance_to_a_flat() -> None:
    center, x = gaussian(1, 1, 8), gaussian(40, 8, seed=5)
    flat = initial_projections(
        center, rank=3, signs=(-1,), generator=torch.Generator().manual_seed(1)
    )
    normals = flat.contractions[0]
    distances = ((x - center[0, 0]) @ normals.mT).norm(dim=-1)
    torch.testing.assert_close(-flat(x)[0], distances, rtol=0.0, atol=1e-6)


def test_members_of_a_batch_are_what_they_are_alone() -> None:
    critics, x = projections(3), gaussian(2, 30, 8, seed=6)
    together = critics(x)
    for k in range(2):
        alone = critics.select([k])
        torch.testing.assert_close(alone(x[k : k + 1])[0], together[k])
        assert alone.signs == (SIGNS[k],)


def test_gradients_written_out_are_those_of_differences() -> None:
    critics, x = projections(2, cones=3, dim=4), gaussian(2, 5, 4, seed=7)
    leaves = [p.clone().requires_grad_() for p in (x, *critics.tensors())]

    def values(points: Tensor, *parameters: Tensor) -> Tensor:
        return critics.with_tensors(parameters)(points)

    assert torch.autograd.gradcheck(values, leaves)


def test_colder_minima_are_lower_bounded_by_the_least_cone() -> None:
    critics, x = projections(3).select([0]), gaussian(20, 8, seed=8)
    *others, logs = critics.tensors()
    values = [
        critics.with_tensors([*others, torch.full_like(logs, t)])(x)
        for t in (0.0, -2.0, -9.0)
    ]
    # -T log sum exp(-h / T) rises to min h as T falls.
    assert all((warm <= cold + 1e-12).all() for warm, cold in pairwise(values))
