"""The command line: `python -m benchmarks.paper [EXPERIMENT ...]`."""

import argparse
import sys
from pathlib import Path

from benchmarks.paper.catalog import EXPERIMENTS
from benchmarks.paper.reports import publish, write
from benchmarks.paper.running import Task, is_done, outcomes, processor_s, run_all
from benchmarks.paper.trials import Experiment, Report, Settings
from benchmarks.tables import machine, tell

ROOT = Path(__file__).parents[2]

OUTPUT = ROOT / "benchmarks" / "output" / "paper"

PAGE, IMAGES = ROOT / "docs" / "paper.md", ROOT / "docs" / "images" / "paper"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    titles = "\n".join(f"  {name}: {e.title}" for name, e in EXPERIMENTS.items())
    result = argparse.ArgumentParser(
        prog="python -m benchmarks.paper",
        description="Run the experiments of the paper and write their tables and "
        "pictures. What has run already is not run again.",
        epilog=f"experiments:\n{titles}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("experiments", nargs="*", metavar="EXPERIMENT",
                        help="all of them where none is named")  # fmt: skip
    result.add_argument("--full", action="store_true", help="the paper's sizes (hours)")
    result.add_argument("--data-dir", help="folder of the MNIST files, else digits")
    result.add_argument("--jobs", type=int, default=2, help="processes at a time")
    result.add_argument("--fresh", action="store_true", help="run all of it anew")
    result.add_argument("--out", type=Path, default=OUTPUT, help="folder of outcomes")
    result.add_argument("--publish", action="store_true",
                        help="write tables and pictures into the docs")  # fmt: skip
    return result


def main() -> None:
    """Run what is missing, then write the reports."""
    arguments = parser().parse_args()
    unknown = set(arguments.experiments) - set(EXPERIMENTS)
    if unknown:
        known = ", ".join(EXPERIMENTS)
        parser().error(f"expected some of {known}, received {', '.join(unknown)}")
    settings = Settings(full=arguments.full, data_dir=arguments.data_dir)
    folder = arguments.out / ("full" if settings.full else "quick")
    chosen = arguments.experiments or list(EXPERIMENTS)
    tasks = {name: tasks_of(name, settings, folder) for name in chosen}
    together = [task for each in tasks.values() for task in each]
    if arguments.fresh:
        for task in together:
            task.path.unlink(missing_ok=True)
    whole = run_all(together, jobs=arguments.jobs)
    for name in chosen:
        if all(map(is_done, tasks[name])):
            show(name, reported(EXPERIMENTS[name], settings, tasks[name]), folder)
            if arguments.publish:
                publish(
                    reported(EXPERIMENTS[name], settings, tasks[name]), PAGE, IMAGES
                )
    print(f"{machine()}; {processor_s(together) / 60:.1f} processor minutes")
    sys.exit(0 if whole else 1)


def tasks_of(name: str, settings: Settings, folder: Path) -> list[Task]:
    """Return the trials of an experiment and where their outcomes lie."""
    return [
        Task(name, trial, folder / name / f"{trial.name}.json")
        for trial in EXPERIMENTS[name].trials(settings)
    ]


def reported(experiment: Experiment, settings: Settings, tasks: list[Task]) -> Report:
    """Return what an experiment comes to, of outcomes that are there."""
    return experiment.report(settings, outcomes(tasks))


def show(name: str, report: Report, folder: Path) -> None:
    """Print the tables of an experiment and write them with its pictures."""
    print(f"\n{EXPERIMENTS[name].title}")
    for table in report.tables.values():
        print(f"\n{table}")
    write(report, folder)
    pictures = ", ".join(f"{picture}.png" for picture in report.pictures)
    tell(f"written to {folder}: {pictures}")


if __name__ == "__main__":
    main()
