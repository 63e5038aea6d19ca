"""Write the pages that follow from the code alone: the HTTP and command references.

They are not kept in the repository; `docs/conf.py` writes them before each build.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_METHODS = ("get", "post", "put", "delete")


def write_pages(folder: Path) -> None:
    """Write http.md and command-line.md."""
    (folder / "http.md").write_text(http_page(), "utf-8")
    (folder / "command-line.md").write_text(command_page(), "utf-8")


def command_page() -> str:
    """Return the help of every command as Markdown, as typer writes it."""
    command = ["-m", "typer", "kantor.service.cli.app", "utils", "docs"]
    found = subprocess.run(
        [sys.executable, *command, "--name", "kantor", "--title", "Command line"],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    return found.stdout


def http_page() -> str:
    """Return the OpenAPI document as Markdown."""
    document = openapi()
    lines = [
        "# HTTP reference",
        "",
        "What `/openapi.json` of a running service says, for reading. "
        "[HTTP by example](api.md) has a request for each route.",
        "",
    ]
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                lines += _route(method, path, methods[method], document)
    return "\n".join(lines)


def openapi() -> Document:
    """Return the document of the API, without running it."""
    import tempfile

    from kantor.service.api import create_app
    from kantor.service.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        nowhere = {"redis_url": "redis://127.0.0.1:1", "data_dir": folder}
        document: Document = create_app(Settings.model_validate(nowhere)).openapi()
        return document


def _route(method: str, path: str, route: Document, document: Document) -> list[str]:
    lines = [f"## `{method.upper()} {path}`", "", route.get("summary", "") + ".", ""]
    if route.get("description"):
        lines += [route["description"], ""]
    parameters = route.get("parameters", [])
    if parameters:
        lines += ["| parameter | in | type | meaning |", "|---|---|---|---|"]
        lines += [_parameter(found, document) for found in parameters] + [""]
    body = route.get("requestBody", {}).get("content", {})
    if body:
        lines += [f"Body: {', '.join(f'`{name}`' for name in body)}.", ""]
        lines += _fields(body.get("application/json", {}).get("schema"), document)
    lines += ["| answer | is |", "|---|---|"]
    lines += [
        _answer(code, found) for code, found in sorted(route["responses"].items())
    ]
    return [*lines, ""]


def _parameter(found: Document, document: Document) -> str:
    schema = found.get("schema", {})
    kind = _type(schema, document)
    meaning = " ".join([_cell(found.get("description", "")), _limits(schema)]).strip()
    return f"| `{found['name']}` | {found['in']} | {kind} | {meaning} |"


def _limits(schema: Document) -> str:
    """Return the range and the default of a parameter."""
    words = {"minimum": "at least", "maximum": "at most", "default": "default"}
    told = [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    return ", ".join(told)


def _answer(code: str, found: Document) -> str:
    kinds = ", ".join(f"`{name}`" for name in found.get("content", {}))
    return f"| {code} | {_cell(found.get('description', ''))} {kinds} |"


def _fields(schema: Document | None, document: Document) -> list[str]:
    """Return a table of the fields of an object."""
    found = _resolved(schema or {}, document)
    if not found.get("properties"):
        return []
    required = found.get("required", [])
    lines = ["| field | type | meaning |", "|---|---|---|"]
    for name, field in found["properties"].items():
        needed = ", required" if name in required else ""
        meaning = _cell(_resolved(field, document).get("description", ""))
        lines.append(f"| `{name}` | {_type(field, document)}{needed} | {meaning} |")
    return [*lines, ""]


def _resolved(schema: Document, document: Document) -> Document:
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
    return schema


def _type(schema: Document, document: Document) -> str:
    found = _resolved(schema, document)
    options = found.get("anyOf") or found.get("oneOf")
    if options:
        return " or ".join(dict.fromkeys(_type(item, document) for item in options))
    if "enum" in found:
        return ", ".join(f"`{word}`" for word in found["enum"])
    if found.get("type") == "array":
        return f"list of {_type(found.get('items', {}), document)}"
    if "const" in found:
        return f"`{found['const']}`"
    return _cell(str(found.get("type", "any")))


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
