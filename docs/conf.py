"""How the site is built: `make docs`. Warnings are errors there."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from docs.generated_pages import write_pages

project = "Kantor"
author = "the Kantor maintainers"
copyright = "2026, the Kantor maintainers"
release = metadata.version("kantor")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["images", "_build"]
html_theme = "furo"
html_title = "Kantor"
html_static_path: list[str] = []
html_copy_source = False
pygments_dark_style = "github-dark"

myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
suppress_warnings = ["myst.header"]

autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

write_pages(Path(__file__).parent)
