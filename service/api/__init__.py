"""The HTTP door: submit jobs, upload samples, read answers. Never imports torch."""

from kantor.service.api.app import create_app
from kantor.service.api.server import run_api

__all__ = ["create_app", "run_api"]
