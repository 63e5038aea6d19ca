"""How far apart are two corpora of text, and which texts are most unlike the other?

The corpora are docstrings of Python's own library, so that nothing is downloaded: one
of modules about the network, one of modules about numbers. The embedding is latent
semantic analysis; put your own model's in its place. What is compared is vectors.
"""

import importlib
import inspect

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from kantor import estimate_w1

NETWORK = ("asyncio", "email.message", "ftplib", "http.client", "http.cookiejar",
           "imaplib", "logging.handlers", "smtplib", "socket", "socketserver", "ssl",
           "urllib.parse", "urllib.request", "urllib.robotparser")  # fmt: skip
NUMBERS = ("bisect", "calendar", "colorsys", "datetime", "decimal", "fractions",
           "heapq", "math", "numbers", "random", "statistics", "zoneinfo")  # fmt: skip


def docstrings(modules: tuple[str, ...]) -> list[str]:
    """Return the docstrings of everything that modules define."""
    found: set[str] = set()
    for name in modules:
        module = importlib.import_module(name)
        things = [thing for _, thing in inspect.getmembers(module)]
        things += [m for t in things if inspect.isclass(t) for m in vars(t).values()]
        texts = (inspect.getdoc(thing) for thing in things if callable(thing))
        found |= {text for text in texts if text and len(text) > 40}
    return sorted(found)


def embedded(texts: list[str]) -> NDArray[np.float64]:
    """Return a vector of length 1 for each text."""
    counts = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2)
    vectors = TruncatedSVD(32, random_state=0).fit_transform(
        counts.fit_transform(texts)
    )
    return np.asarray(normalize(vectors))


def main() -> None:
    """Compare the corpora, then two halves of one."""
    network, numbers = docstrings(NETWORK), docstrings(NUMBERS)
    vectors = embedded(network + numbers)
    source, target = vectors[: len(network)], vectors[len(network) :]
    found = estimate_w1(source, target, effort="quick")
    print(f"{len(network)} against {len(numbers)} texts: {found.verdict}")
    for extreme in found.differences.source_extremes[:3]:
        print("  most about the network:", network[extreme.row].splitlines()[0])
    for extreme in found.differences.target_extremes[:3]:
        print("  most about numbers:", numbers[extreme.row].splitlines()[0])
    order = np.random.default_rng(0).permutation(len(source))
    half = len(source) // 2
    same = estimate_w1(source[order[:half]], source[order[half:]], effort="quick")
    print(f"two halves of one corpus: {same.verdict}")


if __name__ == "__main__":
    main()
