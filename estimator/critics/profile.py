"""Profiles: the exact witness on the line of one projection, or of one radius.

For a scalar feature u(x) the best 1-Lipschitz critic of the form g(u(x)) is known: with
the distribution functions F and G of u under P and Q, W1 on the line is
integral |F - G|, attained at g' = sign(G - F). Between knots the slope here is the mean
of G - F over its sampling error, cut to [-1, 1], so that what is only noise stays flat.
Features are found by ascent: the gradient of the objective in v (or a) is that of
g(u(x)) with g held fixed, since g is optimal (envelope theorem). A direction then goes
to the steepest one of the dual unit ball; max-sliced W1, Deshpande et al. (2019),
"Max-sliced Wasserstein distance and its use for GANs", arXiv:1904.05877.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kantor.estimator.critics.family import Array, FitSamples, Potential, Tensors
from kantor.estimator.result import LayerCertificate
from kantor.models.vocabulary import Norm

if TYPE_CHECKING:
    import torch

    from kantor.models.critic import Critic
    from kantor.models.profiles import Profiles

KNOTS = 128

SEARCH_ROWS, FIT_ROWS = 4_000, 50_000
"""Fit samples a side on which features are sought, and on which g is fitted."""

ASCENTS, LAST_ASCENTS = 30, 5
RANDOM_STARTS = 4
MOST_AXES = 512
"""Most features for which covariances are compared."""

CENTER_STEP = 0.3
CONVERGED = 1e-6

_NARROWEST = 1e-7  # gap of two knots, as a share of their range


@dataclass(frozen=True)
class Line:
    """A function on the line: heights (M,) at ascending knots (M,), flat beyond."""

    knots: Array
    heights: Array

    def __call__(self, u: Array) -> Array:
        """Return values."""
        return np.interp(u, self.knots, self.heights)

    def slope(self, u: Array) -> Array:
        """Return the slope, of the interval to the left at a knot."""
        slopes = np.diff(self.heights) / np.diff(self.knots)
        place = np.searchsorted(self.knots, u)
        inside = (place > 0) & (place < len(self.knots))
        found = slopes[np.clip(place - 1, 0, len(slopes) - 1)]
        return np.asarray(np.where(inside, found, 0.0))


def line_witness(u: Array, v: Array) -> Line:
    """Return the best 1-Lipschitz function between samples u (n,) and v (m,) on a line.

    Knots are quantiles of both. The mean of G - F between two of them is Simpson's.
    """
    u, v = np.sort(u), np.sort(v)
    knots = _quantiles(np.sort(np.concatenate([u, v])), KNOTS)
    span = knots[-1] - knots[0]
    apart = np.concatenate([[True], np.diff(knots) > _NARROWEST * span])
    knots = knots[apart]
    if len(knots) < 2:  # one point: no slope can be told
        return Line(knots[0] + np.array([0.0, 1.0]), np.zeros(2))
    middle = 0.5 * (knots[1:] + knots[:-1])
    ends = _cdf(v, knots) - _cdf(u, knots)
    below_u, below_v = _cdf(u, middle), _cdf(v, middle)
    excess = (ends[1:] + 4.0 * (below_v - below_u) + ends[:-1]) / 6.0
    pooled = 0.5 * (below_u + below_v)
    error = np.sqrt(pooled * (1.0 - pooled) * (1.0 / len(u) + 1.0 / len(v)))
    slopes = np.clip(excess / np.maximum(error, 1e-12), -1.0, 1.0)
    heights = np.concatenate([[0.0], np.cumsum(slopes * np.diff(knots))])
    return Line(knots, heights - heights.mean())


def _quantiles(ordered: Array, count: int) -> Array:
    """Return as many evenly spaced quantiles of ascending numbers, the ends among them.

    As `np.quantile`, which sorts anew.
    """
    places = np.linspace(0.0, len(ordered) - 1.0, count)
    return np.interp(places, np.arange(len(ordered)), ordered)


def _cdf(ordered: Array, t: Array) -> Array:
    return np.asarray(np.searchsorted(ordered, t) / len(ordered))


@dataclass(frozen=True)
class ProfilePotential:
    """g(<v, u>) or g(|u - a|).

    Attributes:
        point: v or a (d,).
        line: g.
        radial: Whether it is of the second kind.
        norm: Ground norm, l2 or linf.
    """

    point: Array
    line: Line
    radial: bool
    norm: Norm

    def feature(self, u: Array) -> Array:
        """Return <v, u> or |u - a| of rows (n, d) -> (n,)."""
        if not self.radial:
            return np.asarray(u @ self.point)
        order = 2 if self.norm == "l2" else np.inf
        return np.asarray(np.linalg.norm(u - self.point, order, axis=1))

    def __call__(self, u: Array) -> Array:
        """Return values (n,)."""
        return self.line(self.feature(u))

    def gradient(self, u: Array) -> Array:
        """Return gradients (n, d)."""
        return self.line.slope(self.feature(u))[:, None] * self.feature_gradient(u)

    def feature_gradient(self, u: Array) -> Array:
        """Return gradients (n, d) of the feature; 0 at a center."""
        if not self.radial:
            return np.broadcast_to(self.point, u.shape)
        offset = u - self.point
        if self.norm == "l2":
            lengths = np.linalg.norm(offset, axis=1, keepdims=True)
            return np.asarray(offset / np.maximum(lengths, 1e-30))
        largest = np.abs(offset).argmax(1)[:, None]
        slopes = np.zeros_like(offset)
        signs = np.sign(np.take_along_axis(offset, largest, 1))
        np.put_along_axis(slopes, largest, signs, 1)
        return slopes

    def to_tensors(self) -> Tensors:
        """Return the arrays of the document."""
        return {
            "point": self.point,
            "knots": self.line.knots,
            "heights": self.line.heights,
            "radial": np.array([self.radial], dtype=np.int64),
            "norm": np.frombuffer(self.norm.encode(), dtype=np.uint8),
        }

    @classmethod
    def from_tensors(cls, tensors: Tensors) -> Self:
        """Read what `to_tensors` wrote."""
        return cls(
            point=np.asarray(tensors["point"], float),
            line=Line(tensors["knots"], tensors["heights"]),
            radial=bool(tensors["radial"][0]),
            norm="linf" if tensors["norm"].tobytes() == b"linf" else "l2",
        )


@dataclass(frozen=True)
class _Found:
    """A profile, and what fit samples say of it.

    Attributes:
        profile: The feature with its witness.
        u: The feature of the source samples (n,).
        v: That of the target samples (m,).
        value: Mean difference.
    """

    profile: ProfilePotential
    u: Array
    v: Array
    value: float


@dataclass(frozen=True)
class _Sides:
    """Fit samples of one fold, as a search sees them."""

    x: Array
    y: Array
    norm: Norm

    def fitted(self, point: Array, *, radial: bool) -> _Found:
        """Return the feature of a point with its witness."""
        blank = ProfilePotential(
            point, Line(np.zeros(2), np.zeros(2)), radial, self.norm
        )
        u, v = blank.feature(self.x), blank.feature(self.y)
        line = line_witness(u, v)
        profile = ProfilePotential(point, line, radial, self.norm)
        return _Found(profile, u, v, float(line(u).mean() - line(v).mean()))

    def ascended(self, start: _Found, steps: int) -> _Found:
        """Return the best of what an ascent passes."""
        best, current = start, start
        for _ in range(steps):
            point = self._moved(current)
            if np.linalg.norm(point - current.profile.point) < CONVERGED:
                break
            current = self.fitted(point, radial=start.profile.radial)
            if current.value > best.value:
                best = current
        return best

    def _moved(self, at: _Found) -> Array:
        """Return the next point: the steepest direction, or a center a step on."""
        slopes = at.profile.line.slope(at.u), at.profile.line.slope(at.v)
        if at.profile.radial:
            pull = self._pulled(self.x, at.u, slopes[0], at.profile)
            pull = pull - self._pulled(self.y, at.v, slopes[1], at.profile)
            return np.asarray(at.profile.point - CENTER_STEP * pull)
        ascent = slopes[0] @ self.x / len(self.x) - slopes[1] @ self.y / len(self.y)
        return steepest(ascent, self.norm, otherwise=at.profile.point)

    def _pulled(
        self, rows: Array, lengths: Array, slopes: Array, profile: ProfilePotential
    ) -> Array:
        """Return the mean gradient (d,) of a radial profile at rows (n, d)."""
        if self.norm == "linf":
            pull = slopes @ profile.feature_gradient(rows)
        else:
            shares = slopes / np.maximum(lengths, 1e-30)
            pull = shares @ rows - shares.sum() * profile.point
        return np.asarray(pull / len(rows))


def steepest(direction: Array, norm: Norm, *, otherwise: Array) -> Array:
    """Return the vector of the dual unit ball that climbs fastest along a direction."""
    if not direction.any():
        return otherwise
    if norm == "l2":
        return np.asarray(direction / np.linalg.norm(direction))
    unit = np.zeros_like(direction)
    largest = np.abs(direction).argmax()
    unit[largest] = np.sign(direction[largest])
    return unit


def directions(sides: _Sides) -> list[Array]:
    """Return where ascents start: means, spreads, and at random.

    The difference of the means; the axes along which covariances differ most, either
    way; and random ones.
    """
    x, y, dim = sides.x, sides.y, sides.x.shape[1]
    rng = np.random.default_rng(0)
    starts = [x.mean(0) - y.mean(0), *rng.normal(size=(RANDOM_STARTS, dim))]
    if dim <= MOST_AXES:
        centered = [s - s.mean(0) for s in (x, y)]
        first, second = (s.T @ s / len(s) for s in centered)
        axes = np.linalg.eigh(first - second)[1]
        starts += [axes[:, 0], axes[:, -1]]
    else:
        starts += [np.eye(dim)[np.abs(x.std(0) - y.std(0)).argmax()]]
    fallback = np.eye(dim)[0]
    return [steepest(start, sides.norm, otherwise=fallback) for start in starts]


def centers(sides: _Sides) -> list[Array]:
    """Return where ascents of a center start: the means of both sides, and of each."""
    means = sides.x.mean(0), sides.y.mean(0)
    return [0.5 * (means[0] + means[1]), *means]


def best_profiles(x: Array, y: Array, norm: Norm) -> Iterator[ProfilePotential]:
    """Yield the best projection and the best radius between x (n, d) and y (m, d)."""
    few = _Sides(x[:SEARCH_ROWS], y[:SEARCH_ROWS], norm)
    whole = _Sides(x, y, norm)
    for radial, starts in ((False, directions(few)), (True, centers(few))):
        found = [
            few.ascended(few.fitted(start, radial=radial), ASCENTS) for start in starts
        ]
        best = max(found, key=lambda each: each.value)
        refitted = whole.fitted(best.profile.point, radial=radial)
        yield whole.ascended(refitted, LAST_ASCENTS).profile


class ProfileFamily:
    """The best projection and the best radius of several ascents."""

    name: str = "profile"
    potential_type: type[Potential] = ProfilePotential

    def fitted(self, samples: FitSamples, *, norm: Norm) -> "list[list[Critic]]":
        """Return each fold's best projection and radius, from fit samples alone."""
        heads = samples.heads(FIT_ROWS)
        device = heads[0].device
        source, target = (s.double().cpu().numpy() for s in heads)
        return [
            [as_critic(found, device) for found in best_profiles(x, y, norm)]
            for x, y in zip(source, target, strict=True)
        ]

    def layers(self, critic: "Critic") -> list[LayerCertificate]:
        """Describe the feature, and g."""
        profiles = as_profiles(critic)
        feature, line = profiles.operator_norms()[0].tolist()
        return [
            LayerCertificate(
                rows=1,
                columns=columns,
                operator_norm=norm,
                orthonormality_defect=None,
            )
            for columns, norm in ((profiles.dim, feature), (1, line))
        ]

    def potential(self, critic: "Critic") -> ProfilePotential:
        """Return the profile for numpy."""
        profiles = as_profiles(critic)
        return ProfilePotential(
            point=profiles.points[0, 0].numpy(),
            line=Line(profiles.knots[0, 0].numpy(), profiles.heights[0, 0].numpy()),
            radial=profiles.radial[0],
            norm=profiles.ground_norm,
        )

    def winner(self, critic: "Critic") -> dict[str, Any]:
        """Return whether a projection or a radius won."""
        profiles = as_profiles(critic)
        return {"feature": "radius" if profiles.radial[0] else "projection"}


def as_profiles(critic: "Critic") -> "Profiles":
    """Return the critic as what it is in this family."""
    from kantor.models.profiles import Profiles

    assert isinstance(critic, Profiles)
    return critic


def as_critic(potential: ProfilePotential, device: "torch.device") -> "Critic":
    """Return the profile for torch; in float64, so that its slopes stay as they are."""
    import torch

    from kantor.models.profiles import Profiles

    def tensor(values: Array) -> "torch.Tensor":
        return torch.from_numpy(np.array(values))[None, None, :].to(device)

    return Profiles(
        points=tensor(potential.point),
        knots=tensor(potential.line.knots),
        heights=tensor(potential.line.heights),
        radial=(potential.radial,),
        ground_norm=potential.norm,
    )
