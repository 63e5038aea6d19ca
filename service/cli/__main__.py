"""Run the command as `python -m kantor.service.cli`."""

from kantor.service.cli import main

main()
