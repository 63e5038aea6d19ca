"""`kantor datasets`: names for what later batches are compared with."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from kantor.service.cli.jobs import DEFAULT_URL, ApiKey, AsJson, Url
from kantor.service.client import Document, KantorClient

app = typer.Typer(
    help="Name datasets on a service, to compare later batches with.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of the reference.")]


@app.command()
def add(
    name: Name,
    file: Annotated[Path, typer.Argument(help="File of samples.")],
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Upload a file and let a name stand for it from now on."""
    with KantorClient(url, api_key=api_key) as client:
        stored = client.upload_dataset(file)
        reference = client.name_dataset(name, stored["id"])
    _show([reference], as_json=as_json, document=reference)


@app.command("list")
def list_all(
    as_json: AsJson = False, url: Url = DEFAULT_URL, api_key: ApiKey = None
) -> None:
    """List all references."""
    with KantorClient(url, api_key=api_key) as client:
        found = client.references()
    _show(found, as_json=as_json, document={"data": found})


@app.command()
def show(
    name: Name, as_json: AsJson = False, url: Url = DEFAULT_URL, api_key: ApiKey = None
) -> None:
    """Show what a name stands for, and has stood for, the newest first."""
    with KantorClient(url, api_key=api_key) as client:
        found = client.reference(name)
    versions = [found | version for version in found["versions"]]
    _show(versions, as_json=as_json, document=found)


@app.command()
def remove(name: Name, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Forget a name and its history; the datasets stay for a while."""
    with KantorClient(url, api_key=api_key) as client:
        client.forget_reference(name)


def _show(lines: list[Document], *, as_json: bool, document: Document) -> None:
    if as_json:
        print(json.dumps(document))
        return
    console = Console(soft_wrap=True, highlight=False)
    for line in lines:
        text = f"{line['name']}  {line['created_at']}  {line['dataset']}"
        console.print(text, markup=False)
    if not lines:
        console.print("no references yet: kantor datasets add NAME FILE")
