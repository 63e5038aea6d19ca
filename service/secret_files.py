"""Secrets that stand in files: `KANTOR_<NAME>_FILE` names the file of a secret.

A variable can be read by whoever may look at the process or its container; a file has
an owner and a mode, and is what container engines hand secrets over in. An empty file
is as good as none.
"""

import json
import os
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource


class SecretUnreadable(RuntimeError):
    """Report that a file of a secret cannot be used; says nothing of its content."""


class SecretFiles(PydanticBaseSettingsSource):
    """Reads the settings that are secrets from the files that variables name."""

    def get_field_value(
        self, field: FieldInfo, field_name: str
    ) -> tuple[Any, str, bool]:
        """Return a secret as it stands in its file, or None where there is none.

        Raises:
            SecretUnreadable: The file cannot be read, or the secret stands elsewhere
                as well.
        """
        variable = variable_of(field_name)
        path = os.environ.get(f"{variable}_FILE")
        if not path or not holds_secret(field.annotation):
            return None, field_name, False
        text = _content(Path(path), f"{variable}_FILE")
        if text and os.environ.get(variable):
            raise SecretUnreadable(
                f"expected one of {variable} and {variable}_FILE, received both"
            )
        if text and get_origin(field.annotation) is dict:
            return _parsed(text, f"{variable}_FILE"), field_name, True
        return text or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return what the files hold, by the names of the settings."""
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"KANTOR_{name.upper()}"


def holds_secret(annotation: object) -> bool:
    """Tell whether a value of this type has a secret in it, at any depth."""
    inner = get_args(annotation)
    if is_dataclass(annotation):
        inner = tuple(part.type for part in fields(annotation))
    return annotation is SecretStr or any(map(holds_secret, inner))


def json_secret(path: Path, variable: str) -> Any:
    """Return the JSON document in a file; None where the file is empty.

    Raises:
        SecretUnreadable: The file cannot be read, or is no JSON.
    """
    text = _content(path, variable)
    return _parsed(text, variable) if text else None


def _content(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise SecretUnreadable(
            f"expected a readable file in {variable}, received {path}: {error.strerror}"
        ) from None
    except UnicodeDecodeError:
        raise SecretUnreadable(
            f"expected text in the file that {variable} names, received {path}"
        ) from None


def _parsed(text: str, variable: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise SecretUnreadable(
            f"expected JSON in the file that {variable} names, received something else"
        ) from None
