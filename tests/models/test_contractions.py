"""Contractions lower what exceeds norm 1 and leave the rest; blocks of rows climb."""

from typing import Any

import pytest
import torch
from torch import Tensor

from kantor.models.activations import Activation
from kantor.models.constraints import Contractions
from kantor.models.critic import lipschitz_bound
from kantor.models.methods import Method
from kantor.models.network import bent_at, initial_network
from kantor.models.optimizers import Adam, BlockAscent
from kantor.models.projections import Projections, initial_projections


def gaussian(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype)


def with_singular_values(values: list[float], columns: int, seed: int) -> Tensor:
    rows = len(values)
    u = torch.linalg.qr(gaussian(rows, rows, seed=seed)).Q
    v = torch.linalg.qr(gaussian(columns, rows, seed=seed + 1)).Q
    middle = torch.diag(torch.tensor(values, dtype=torch.float64))
    product: Tensor = u @ middle @ v.mT
    return product


def test_singular_values_above_one_become_one_and_others_stay() -> None:
    blocks = [
        with_singular_values(values, 7, seed)
        for seed, values in enumerate(([3.0, 1.0, 0.4], [0.9, 0.2, 0.0]))
    ]
    (lowered,) = Contractions(3).restored((torch.cat(blocks)[None],))
    first, second = lowered.reshape(2, 3, 7)
    expected = torch.tensor([1.0, 1.0, 0.4], dtype=torch.float64)
    torch.testing.assert_close(torch.linalg.svdvals(first), expected)
    torch.testing.assert_close(second, blocks[1])


@pytest.mark.parametrize("rank", [1, 4])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_nothing_is_left_above_one(rank: int, scale: float) -> None:
    w = scale * gaussian(2, 5 * rank, 9, seed=3, dtype=torch.float32)
    (lowered,) = Contractions(rank).restored((w,))
    blocks = lowered.reshape(2, 5, rank, 9).double()
    # Weights are float32: what they exceed 1 by is certified and divided out.
    assert torch.linalg.matrix_norm(blocks, ord=2).max() <= 1.0 + 1e-5


def difference(critic: Projections, x: Tensor, y: Tensor) -> Tensor:
    return (critic(x).mean(-1) - critic(y).mean(-1)).sum()


def test_block_ascent_climbs_to_the_hidden_plane() -> None:
    """Mass at +-1 along one axis against mass at 0: W1 = 1 by the distance to a plane.

    In 12 dimensions a direction drawn at random sees about a quarter of it.
    """
    x, y = gaussian(2, 512, 12, seed=4)
    x[:, 0], y[:, 0] = x[:, 0].sign(), 0.0
    critic = initial_projections(
        torch.zeros(1, 4, 12, dtype=torch.float64),
        rank=1,
        signs=(1,),
        generator=torch.Generator().manual_seed(5),
    )
    method = Method(Contractions(1), BlockAscent(1, Adam(factors=(1.0, 1.0, 1.0))))
    memory, rates = method.initial_memory(critic), torch.full((1, 1, 1), 0.007)
    before = float(difference(critic, x, y))
    for step in range(150):
        leaves = critic.with_tensors([p.requires_grad_() for p in critic.tensors()])
        found = torch.autograd.grad(difference(leaves, x, y), leaves.tensors())
        with torch.no_grad():
            critic, memory = method.step(critic, memory, found, step=step, rates=rates)
    assert before < 0.5
    assert 0.9 < float(difference(critic, x, y) / lipschitz_bound(critic)) <= 1.0


def test_units_of_a_bent_network_fold_among_the_samples() -> None:
    activation = Activation("abs", 2)
    flat = initial_network(
        3, width=8, depth=2, activations=(activation,),
        generator=torch.Generator().manual_seed(6), dtype=torch.float64,
    )  # fmt: skip
    samples = 50.0 + gaussian(1, 400, 3, seed=7)
    bent = bent_at(flat, samples, generator=torch.Generator().manual_seed(8))
    z = samples
    for w, b, old in zip(bent.weights[:-1], bent.biases, flat.biases, strict=True):
        raw = torch.baddbmm(b, z, w.mT)
        assert old.eq(0.0).all()
        # Each unit is 0 at a sample.
        assert (raw.abs().amin(1) < 1e-9).all()
        z = bent.activated(raw)
    assert all(a is b for a, b in zip(bent.weights, flat.weights, strict=True))


def test_a_block_that_has_diverged_leaves_the_others_alone() -> None:
    w = 3.0 * torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    w[0, 0, 0] = torch.nan
    [lowered] = Contractions(2).restored((w,))
    assert lowered[0, :2].isnan().any()
    norms = torch.linalg.matrix_norm(lowered[1].reshape(2, 2, 5), 2)
    assert bool((norms <= 1.0 + 1e-6).all())


def test_eigenvalues_that_float32_does_not_find_are_found(monkeypatch: Any) -> None:
    real = torch.linalg.eigh

    def fails_in_float32(gram: torch.Tensor) -> Any:
        if gram.dtype == torch.float32:
            raise torch.linalg.LinAlgError("no")  # type: ignore[attr-defined]
        return real(gram)

    w = 3.0 * torch.randn(1, 4, 5, generator=torch.Generator().manual_seed(0))
    [expected] = Contractions(2).restored((w,))
    monkeypatch.setattr(torch.linalg, "eigh", fails_in_float32)
    [found] = Contractions(2).restored((w,))
    torch.testing.assert_close(found, expected)
