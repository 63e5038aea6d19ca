"""Certified critics: tensors in, tensors out.

`critic` says what a family of critics offers, and bounds its Lipschitz constant;
`network` is the paper's family with its `activations`, `cones` is McShane's extension;
`norms` measures weights in float64. How they move: `constraints` (`orthonormal`
matrices, balls) and `optimizers`, together a method of `methods`.

Every way to torch in this product leads through here, so that its idle threads sleep.
"""

from kantor.models.threads import sleep_when_idle

sleep_when_idle()
