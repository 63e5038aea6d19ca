"""`kantor datasets`: names for what later batches are compared with."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from kantor.service.cli.files import from_stdin
from kantor.service.cli.following import DEFAULT_URL
from kantor.service.cli.jobs import ApiKey, AsJson, Url
from kantor.service.cli.options import READING, with_options
from kantor.service.client import KantorClient

Document = dict[str, Any]

app = typer.Typer(
    help="Name datasets on a service, to compare later batches with.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="Name of the reference.")]


@app.command()
@with_options(READING)
def add(
    name: Name,
    file: Annotated[Path, typer.Argument(help="File of samples; - is stdin.")],
    reading: dict[str, str],
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Upload a file and let a name stand for it from now on."""
    with KantorClient(url, api_key=api_key) as client, from_stdin(file=file) as files:
        stored = client.upload_dataset(files["file"], reading=reading)
        reference = client.name_dataset(name, stored).document
    _show([reference], as_json=as_json, document=reference)


@app.command("list")
def list_all(
    as_json: AsJson = False, url: Url = DEFAULT_URL, api_key: ApiKey = None
) -> None:
    """List all references."""
    with KantorClient(url, api_key=api_key) as client:
        found = [reference.document for reference in client.references()]
    _show(found, as_json=as_json, document={"data": found})


@app.command()
def show(
    name: Name, as_json: AsJson = False, url: Url = DEFAULT_URL, api_key: ApiKey = None
) -> None:
    """Show what a name stands for, and has stood for, the newest first."""
    with KantorClient(url, api_key=api_key) as client:
        found = client.reference(name).document
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
