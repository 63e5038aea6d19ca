"""The `kantor` command. Starting it loads no torch unless it estimates."""

from kantor.service.cli.app import main

__all__ = ["main"]
