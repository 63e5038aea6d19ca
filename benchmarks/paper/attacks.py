"""Attacks on classifiers by gradients: FGSM and PGD in l2 and linf balls.

Goodfellow, Shlens & Szegedy (2015), arXiv:1412.6572; Madry et al. (2018),
arXiv:1706.06083. What an attack finds is an upper bound of a network's accuracy under
all changes of that size; a certificate is a lower one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.paper.classifiers import margins
from kantor.models.vocabulary import Norm

Logits = Callable[[Tensor], Tensor]
"""Rows (n, d) -> logits (n, C)."""

STRIDE = 2.5
"""How far all steps of one start lead together, in radii."""


@dataclass(frozen=True)
class Attack:
    """Projected gradient steps that lower the lead of the right class.

    Starts differ in what they climb: the loss is the lead of the right class over the
    best other one, and the cross-entropy in every second start, since either may be
    flat where the other is not. The lowest lead seen on the way is kept.

    Attributes:
        norm: Of the ball around each row.
        steps: Gradient steps of a start. One step, as long as the radius, is FGSM.
        starts: The first is the row itself, the others are random in the ball.
    """

    norm: Norm
    steps: int = 40
    starts: int = 2

    def __call__(
        self, logits_of: Logits, x: Tensor, y: Tensor, radius: Tensor | float,
        generator: torch.Generator,
    ) -> Tensor:  # fmt: skip
        """Return the worst rows (n, d) found within `radius` (or radii (n,)) of x.

        All of them in the box [0, 1]^d, as images are.
        """
        radii = (
            torch.as_tensor(radius, dtype=x.dtype)
            .to(x.device)
            .expand(len(x))
            .unsqueeze(1)
        )
        worst, lowest = x.clone(), margins(logits_of(x), y).detach()
        for start in range(self.starts):
            moved = x if start == 0 else self._random_start(x, radii, generator)
            for _ in range(self.steps):
                slope = self._slope(logits_of, moved, y, entropy=start % 2 == 1)
                stride = radii * (STRIDE / self.steps if self.steps > 1 else 1.0)
                moved = self._confined(moved + stride * slope, x, radii)
                lead = margins(logits_of(moved), y).detach()
                better = lead < lowest
                worst[better], lowest[better] = moved[better], lead[better]
        return worst

    def _slope(
        self, logits_of: Logits, x: Tensor, y: Tensor, *, entropy: bool
    ) -> Tensor:
        """Return the steepest direction of each row: of length 1 in the norm."""
        leaf = x.detach().requires_grad_()
        logits = logits_of(leaf)
        if entropy:
            loss = torch.nn.functional.cross_entropy(logits, y, reduction="sum")
        else:
            loss = -margins(logits, y).sum()
        (gradient,) = torch.autograd.grad(loss, leaf)
        if self.norm == "linf":
            return gradient.sign()
        return torch.nn.functional.normalize(gradient, dim=1, eps=1e-30)

    def _confined(self, moved: Tensor, x: Tensor, radii: Tensor) -> Tensor:
        """Return rows to the ball, then to the box, which leads nearer to x."""
        change = moved - x
        if self.norm == "linf":
            change = change.clamp(-radii, radii)
        else:
            lengths = change.norm(dim=1, keepdim=True).clamp_min(1e-30)
            change = change * (radii / lengths).clamp_max(1.0)
        return (x + change).clamp(0.0, 1.0)

    def _random_start(
        self, x: Tensor, radii: Tensor, generator: torch.Generator
    ) -> Tensor:
        noise = 2.0 * torch.rand(x.shape, generator=generator, dtype=x.dtype) - 1.0
        noise = noise.to(x.device)
        if self.norm == "l2":
            noise = torch.nn.functional.normalize(noise, dim=1)
        return self._confined(x + radii * noise, x, radii)


def fgsm(norm: Norm) -> Attack:
    """Return the attack of one step."""
    return Attack(norm, steps=1, starts=1)
