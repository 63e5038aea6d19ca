"""Norm-constrained critics: tensors in, tensors out.

`activations` (GroupSort), `orthonormal` (polar factors, retractions), `critic` (K
networks evaluated as one batch), `certificate` (their Lipschitz constants in float64).
"""
