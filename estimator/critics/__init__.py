"""Families of critics: one file a family, and here the table that lists them."""

from kantor.estimator.critics.affine import AffineFamily
from kantor.estimator.critics.cones import ConeFamily
from kantor.estimator.critics.family import (
    Family,
    FitSamples,
    FittedFamily,
    Potential,
    Start,
    Tensors,
    TrainedFamily,
)
from kantor.estimator.critics.network import NetworkFamily
from kantor.estimator.critics.profile import ProfileFamily
from kantor.estimator.critics.projection import ProjectionFamily

__all__ = [
    "PROFILES",
    "TRAINED",
    "Family",
    "FitSamples",
    "FittedFamily",
    "Potential",
    "Start",
    "Tensors",
    "TrainedFamily",
    "family_named",
    "fitted_families",
]

TRAINED: tuple[TrainedFamily, ...] = (
    NetworkFamily(),
    ConeFamily(),
    ProjectionFamily(),
)
PROFILES = ProfileFamily()
FITTED: tuple[FittedFamily, ...] = (AffineFamily(), PROFILES)


def fitted_families(asked: str) -> tuple[FittedFamily, ...]:
    """Return what is fitted at once beside the trained families that were asked for.

    The affine critic, a network without a hidden layer, always; all for a portfolio.
    """
    return FITTED if asked == "portfolio" else FITTED[:1]


def family_named(name: str) -> Family:
    """Return the family of that name, or of a team's name."""
    name = name.partition(":")[0]
    families: tuple[Family, ...] = (*TRAINED, *FITTED)
    return next(family for family in families if family.name == name)
