"""Which of two generative models is nearer to its data?

Mixtures of Gaussians are fitted to one half of scikit-learn's digits and draw new
ones; each is compared with the other half, which no model has seen. The distance of the
halves from each other says what is not to be told from zero.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from kantor import estimate_w1


def main() -> None:
    """Fit two models, draw from them, and compare each with held-out digits."""
    pixels = load_digits().data
    order = np.random.default_rng(0).permutation(len(pixels))
    seen, held_out = np.array_split(pixels[order], 2)
    compressed = PCA(20, random_state=0).fit(seen)
    print("model against held-out digits:")
    for components in (1, 20):
        model = GaussianMixture(components, reg_covar=1.0, random_state=0)
        model.fit(compressed.transform(seen))
        drawn = compressed.inverse_transform(model.sample(len(seen))[0])
        found = estimate_w1(drawn, held_out, effort="quick")
        print(f"  {components:2} components: at least {found.lower_bound:.2f}")
    halves = estimate_w1(seen, held_out, effort="quick")
    print(f"digits against digits: {halves.verdict}")


if __name__ == "__main__":
    main()
