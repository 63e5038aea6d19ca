"""`kantor keys`: make API keys, and say which there are."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from kantor.service.api_keys import (
    USUAL,
    Scope,
    digest_of,
    new_key,
    parse_keys,
    short_name,
)
from kantor.service.cli.processes import settings_with

app = typer.Typer(
    no_args_is_help=True, help="API keys: make one, and say which there are."
)

Scopes = Annotated[
    list[Scope] | None,
    typer.Option("--scope", help="What it may do; may be repeated."),
]
KeyName = Annotated[str | None, typer.Option("--name", help="What logs call it.")]


@app.command("new")
def new(
    owner: Annotated[str, typer.Argument(help="Whose key it is.")],
    scope: Scopes = None,
    name: KeyName = None,
) -> None:
    """Make a key. It is printed once, to stdout alone; only its digest is kept."""
    key = new_key()
    entry = _entry(digest_of(key), scope, name)
    document = _document(owner, entry)  # first: what is wrong is said before the key
    print(key)
    _explain(owner, document)


@app.command("digest")
def digest(
    owner: Annotated[str, typer.Argument(help="Whose key it is.")],
    scope: Scopes = None,
    name: KeyName = None,
) -> None:
    """Read a key from stdin, or ask for it, and print its digest."""
    if sys.stdin.isatty():
        key = typer.prompt("key", hide_input=True, err=True)
    else:
        key = sys.stdin.readline()
    key = str(key).strip()
    if not key:
        raise typer.BadParameter("expected a key on stdin, received none")
    found = digest_of(key)
    document = _document(owner, _entry(found, scope, name))
    print(found)
    _explain(owner, document)


@app.command("list")
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the keys that are set, by owner; of each digest the first digits."""
    keys: list[dict[str, Any]] = [
        {
            "owner": owner,
            "name": key.name,
            "digest": short_name(key.digest.get_secret_value()),
            "scopes": [scope.value for scope in key.scopes],
        }
        for owner, each in settings_with().api_keys.items()
        for key in each
    ]
    if as_json:
        print(json.dumps(keys))
        return
    if not keys:
        Console().print("no keys are set: nobody is asked for one")
        return
    table = Table("owner", "name", "digest", "scopes", box=None)
    for item in keys:
        scopes = ", ".join(item["scopes"])
        table.add_row(item["owner"], item["name"], f"{item['digest']}...", scopes)
    Console().print(table)


def _entry(found: str, scopes: list[Scope] | None, name: str | None) -> Any:
    """Return what stands for a key: its digest, or an object that says more."""
    if not scopes and not name:
        return found
    given = {"digest": found, "scopes": [scope.value for scope in scopes or USUAL]}
    return given | ({"name": name} if name else {})


def _document(owner: str, entry: Any) -> str:
    """Return the setting with this key alone.

    Raises:
        typer.BadParameter: The owner or the name is none.
    """
    try:
        parse_keys({owner: entry})
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return json.dumps({owner: entry})


def _explain(owner: str, document: str) -> None:
    """Say on stderr where the digest belongs."""
    console = Console(stderr=True, soft_wrap=True)
    console.print(
        "Hand the key out over a safe channel. Its digest goes into the file of\n"
        "KANTOR_API_KEYS_FILE, which is read again by itself, or into KANTOR_API_KEYS:",
        highlight=False,
    )
    console.print(f"  {document}", markup=False, highlight=False)
    console.print(
        f"Where {owner} has a key already, both stand in a list: "
        f'{{"{owner}": [<its digest>, <this one>]}}',
        markup=False,
        highlight=False,
    )
