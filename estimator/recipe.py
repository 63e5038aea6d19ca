"""Turn `effort` and the data's shape into concrete settings."""

from typing import TypedDict

from kantor.estimator.config import EstimateConfig
from kantor.estimator.training.optimizers import OPTIMIZERS


class Preset(TypedDict):
    """Settings that an effort stands for."""

    depth: int
    width: int
    group_sizes: tuple[int, ...]
    steps: int
    batch_size: int
    cones: int
    cone_batch_size: int
    sweeps: int


PRESETS: dict[str, Preset] = {
    "quick": Preset(
        depth=2,
        width=64,
        group_sizes=(16,),
        steps=150,
        batch_size=512,
        cones=128,
        cone_batch_size=512,
        sweeps=1,
    ),
    "standard": Preset(
        depth=3,
        width=128,
        group_sizes=(16,),
        steps=600,
        batch_size=1024,
        cones=512,
        cone_batch_size=2048,
        sweeps=3,
    ),
    "thorough": Preset(
        depth=4,
        width=256,
        group_sizes=(4, 32),
        steps=3000,
        batch_size=1024,
        cones=1024,
        cone_batch_size=4096,
        sweeps=10,
    ),
}


def resolved(config: EstimateConfig) -> EstimateConfig:
    """Return the configuration with every None replaced by its effort's choice.

    Raises:
        InvalidConfig: A width is given that the group size does not divide.
    """
    preset = PRESETS[config.effort]
    width = config.width or preset["width"]
    config.check_groups(width)
    return config.replace(
        depth=config.depth or preset["depth"],
        width=width,
        steps=config.steps or preset["steps"],
        cones=config.cones or preset["cones"],
        learning_rate=config.learning_rate
        or OPTIMIZERS[config.chosen_optimizer]().default_learning_rate,
        constraint=config.chosen_constraint,
        optimizer=config.chosen_optimizer,
    )


def network_batch_size(config: EstimateConfig) -> int:
    """Return the batch size of networks: the one set, or the effort's."""
    return config.batch_size or PRESETS[config.effort]["batch_size"]


def cone_batch_size(config: EstimateConfig) -> int:
    """Return the batch size of cones: the one set, or the effort's.

    A cone learns from the samples around it alone, so it needs larger batches than a
    network, and a step of it costs less.
    """
    return config.batch_size or PRESETS[config.effort]["cone_batch_size"]


def competing_group_sizes(config: EstimateConfig) -> tuple[int, ...]:
    """Return the group sizes whose critics compete: the one set, or the effort's.

    Small groups bend more, large ones fit cones: which is better is a matter of the
    data, and validation decides.
    """
    if config.group_size is not None:
        return (config.group_size,)
    width = config.width or PRESETS[config.effort]["width"]
    if config.activation != "groupsort":
        return (fitting_group_size(width, 2),)
    wanted = PRESETS[config.effort]["group_sizes"]
    return tuple(sorted({fitting_group_size(width, size) for size in wanted}))


def fitting_group_size(width: int, wanted: int) -> int:
    """Return the largest divisor of `width` up to `wanted`, or else the next above.

    Never 1: groups of one would make every network affine.
    """
    divisors = [g for g in range(2, width + 1) if width % g == 0]
    return max((g for g in divisors if g <= wanted), default=divisors[0])
