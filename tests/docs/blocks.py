"""The code blocks of the pages, and which of them run where.

`python` blocks and commands (`sh`, `console`) run as they stand, page by page:
test_snippets runs those that a newcomer follows, test_http_examples those of
docs/api.md, test_shell_blocks every other command.
"""

from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WRITTEN_BY_US = {DOCS / "http.md", DOCS / "command-line.md"}
"""Pages that `make docs` writes from the code; test_site looks at them."""

PAGES = sorted({ROOT / "README.md", *DOCS.rglob("*.md")} - WRITTEN_BY_US)
SNIPPETS = ("tutorial.md", "reading.md", "sample-size.md", "recipes/drift.md")
HTTP_EXAMPLES = DOCS / "api.md"
RUN_ELSEWHERE = {HTTP_EXAMPLES, *(DOCS / name for name in SNIPPETS)}

SHELL = {"sh", "console"}


class Block(NamedTuple):
    """A fenced block: its language, its text, and where it begins."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page."""
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    return [
        Block(token.info.strip(), token.content, token.map[0] + 1)
        for token in tokens
        if token.type == "fence" and token.map
    ]


def shell_blocks(page: Path) -> list[Block]:
    """Return the blocks of a page that are commands."""
    return [block for block in blocks(page) if block.language in SHELL]
