"""Parts: shares add up, and what has no share may go without anybody noticing."""

import pytest
import torch

from kantor.models.activations import Activation
from kantor.models.cones import Cones, initial_cones
from kantor.models.critic import Critic
from kantor.models.network import initial_network
from kantor.models.parts import OfParts
from kantor.models.projections import Projections, initial_projections
from kantor.models.vocabulary import Norm

K, N, D, ROWS = 2, 6, 3, 50


def cones(norm: Norm = "l2") -> Cones:
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(K, N, D, generator=generator)
    found = initial_cones(centers, signs=(1, -1), norm=norm)
    offsets = found.offsets.clone()
    offsets[0, 0, [1, 4]] = 50.0  # far above all others of the first critic
    offsets[1, 0, [0, 2]] = 50.0
    return found.with_tensors([found.centers, offsets, found.log_temperatures])


def projections(rank: int = 2) -> Projections:
    """Return distances to lines and the like, idle where `cones` are."""
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(K, N, D, generator=generator)
    found = initial_projections(centers, rank=rank, signs=(1, -1), generator=generator)
    rows, shifts, _, temperatures = found.tensors()
    return found.with_tensors([rows, shifts, cones().offsets, temperatures])


KEPT = torch.tensor([[0, 2, 3, 5], [1, 3, 4, 5]])


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_shares_are_those_of_a_soft_minimum(norm: Norm) -> None:
    critic, x = cones(norm), torch.randn(K, ROWS, D)
    shares = critic.shares(x)
    order = {"l2": 2.0, "linf": torch.inf}[norm]
    gaps = torch.linalg.vector_norm(
        x[:, :, None] - critic.centers[:, None], ord=order, dim=-1
    )
    heights = gaps + critic.offsets
    expected = torch.softmax(-heights / critic.log_temperatures.exp(), -1).mean(1)
    torch.testing.assert_close(shares, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(shares.sum(1), torch.ones(K))


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_values_stay_when_what_has_no_share_goes(norm: Norm) -> None:
    critic, x = cones(norm), torch.randn(K, ROWS, D)
    fewer = critic.narrowed(KEPT)
    assert fewer.centers.shape == (K, 4, D)
    torch.testing.assert_close(fewer(x), critic(x), atol=1e-6, rtol=0)


def test_each_critic_keeps_its_own() -> None:
    fewer = cones().narrowed(KEPT)
    for k, kept in enumerate(KEPT):
        assert torch.equal(fewer.centers[k], cones().centers[k, kept])
        assert torch.equal(fewer.offsets[k, 0], cones().offsets[k, 0, kept])


@pytest.mark.parametrize("rank", [1, 2, D])
def test_shares_of_projections_are_those_of_a_soft_minimum(rank: int) -> None:
    critic, x = projections(rank), torch.randn(K, ROWS, D)
    rows = critic.contractions.reshape(K, N, rank, D)
    z = torch.einsum("knrd,kbd->kbnr", rows, x) - critic.shifts[:, None]
    heights = torch.linalg.vector_norm(z, dim=-1) + critic.offsets
    expected = torch.softmax(-heights / critic.log_temperatures.exp(), -1).mean(1)
    torch.testing.assert_close(critic.shares(x), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("rank", [1, 2, D])
def test_projections_go_with_all_their_rows(rank: int) -> None:
    critic, x = projections(rank), torch.randn(K, ROWS, D)
    fewer = critic.narrowed(KEPT)
    assert (fewer.n_parts, fewer.rank) == (4, rank)
    torch.testing.assert_close(fewer(x), critic(x), atol=1e-6, rtol=0)


def test_what_is_built_of_parts() -> None:
    network = initial_network(
        D, width=8, depth=1, activations=(Activation(),),
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    critics: list[Critic] = [cones(), projections(), network]
    assert [isinstance(critic, OfParts) for critic in critics] == [True, True, False]
