"""The experiments of Anil, Lucas & Grosse (2019), arXiv:1811.05381, one module each.

`python -m benchmarks.paper` (or `make paper`) runs them all at quick settings, on two
processor cores; `docs/paper.md` sets what they find beside what was published.
"""
