"""All commands in one application, and the one place where errors become exit codes.

0: done. 1: the job or a check failed. 2: the input is wrong. 3: the lower bound is
above what the caller accepts. 130: interrupted.
"""

import json
import os
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from redis.exceptions import RedisError
from rich.console import Console

from kantor.estimator.errors import InvalidInput
from kantor.service.cli import (
    datasets,
    demo,
    doctor,
    estimate,
    jobs,
    keys,
    plan,
    processes,
    upkeep,
)
from kantor.service.cli.following import Interrupted
from kantor.service.cli.presentation import as_options
from kantor.service.client import KantorError
from kantor.service.decoding import Undecodable

app = typer.Typer(
    name="kantor",
    help="Certified lower bounds on the Wasserstein-1 distance of two sample sets.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command()(estimate.estimate)
app.command()(plan.plan)
app.command()(processes.serve)
app.command()(processes.api)
app.command()(processes.worker)
app.command()(processes.workers)
app.command()(jobs.submit)
app.add_typer(jobs.jobs, name="jobs")
app.command("status")(jobs.show)
app.command()(jobs.cancel)
app.command()(jobs.curve)
app.command()(jobs.differences)
app.command("witness", hidden=True)(jobs.differences)  # its earlier name
app.add_typer(datasets.app, name="datasets")
app.command()(upkeep.fsck)
app.command()(upkeep.gc)
app.command()(upkeep.drain)
app.command()(upkeep.backup)
app.command()(upkeep.restore)
app.add_typer(keys.app, name="keys")
app.command()(demo.demo)
app.command()(doctor.doctor)
app.command()(doctor.healthcheck)

UsageError: Any = typer.BadParameter.__base__
"""What a wrong command line raises."""


INTERRUPTED = 130


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"kantor {version('kantor')}")
        raise typer.Exit


@app.callback()
def options(
    version_wanted: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and leave.",
        ),
    ] = False,
) -> None:
    """Certified lower bounds on the Wasserstein-1 distance of two sample sets."""


def main() -> None:
    """Run a command; turn expected errors into one clear line."""
    try:
        code = app(prog_name="kantor", standalone_mode=False)
        if code == INTERRUPTED:
            _fail({"code": "interrupted", "detail": "interrupted"}, code)
        sys.exit(code)
    except UsageError as error:
        _fail_usage(error)
    except Interrupted as interrupted:
        _fail(interrupted.problem, INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except InvalidInput as error:
        problem = {"code": "invalid_input", "field": error.field}
        _fail(problem | {"detail": str(error)}, 2)
    except ValidationError as error:
        _fail({"code": "invalid_setting", "detail": _first_reason(error)}, 2)
    except KantorError as error:
        _fail(_told(error), 1 if error.status is None else 2)
    except (Undecodable, OSError, RuntimeError, TimeoutError, RedisError) as error:
        code = 2 if isinstance(error, Undecodable | OSError) else 1
        _fail({"code": type(error).__name__, "detail": str(error)}, code)


def _told(error: KantorError) -> dict[str, Any]:
    """Return the problem, with the field in front of its text where one is named."""
    if error.field and error.field.rpartition(".")[2] not in str(error):
        detail = f"{error.field}: {error.problem['detail']}"
        return error.problem | {"detail": detail}
    return error.problem


def _fail_usage(error: Any) -> None:
    """Say what is wrong with the command line, and where its help is."""
    parameter = getattr(error, "param", None)
    problem = {"code": "usage", "detail": error.format_message()}
    if parameter is not None:
        problem["field"] = parameter.name
    if "--json" not in sys.argv:
        command = error.ctx.command_path if error.ctx else "kantor"
        problem["detail"] += f"\n  help: {command} -h"
    _fail(problem, 2)


def _first_reason(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'settings'}: {first['msg']}"


def _fail(problem: dict[str, Any], exit_code: int) -> None:
    """Write one line to stderr, or a document where the command speaks JSON."""
    if "--json" in sys.argv:
        print(json.dumps(problem), file=sys.stderr)
    else:
        console = Console(stderr=True, soft_wrap=True)
        console.print("error:", style="bold red", end=" ")
        told = as_options(problem["detail"])
        console.print(told, markup=False, highlight=False)
    sys.exit(exit_code)
