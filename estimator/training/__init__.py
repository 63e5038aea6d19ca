"""How critics are trained: who competes, how they move, who leaves, when to stop."""

from kantor.estimator.training.trained import Trained, train_critics

__all__ = ["Trained", "train_critics"]
