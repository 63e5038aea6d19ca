"""How critics are trained: who competes, how they move, who leaves, when to stop."""
