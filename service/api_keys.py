"""API keys: whose each is, and what it may do. Of a key itself, only a digest is kept.

    {"ada": "<digest>",
     "bob": ["<digest>", "<digest of the key that takes its place>"],
     "ci":  {"digest": "<digest>", "scopes": ["submit"], "name": "nightly"}}

An owner has one key or several, so that one can be replaced while the other still
works; each is a digest, or an object that says more.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from kantor.service.secret_files import json_secret

KEY_BYTES = 24
SHOWN_DIGITS = 8
"""Of a digest, where it stands for the name of a key: tells keys apart, and no more."""

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")
_FIELDS = {"digest", "scopes", "name"}


class Scope(StrEnum):
    """What a key may do; none contains another."""

    SUBMIT = "submit"
    READ = "read"
    OPERATE = "operate"
    METRICS = "metrics"


USUAL = (Scope.SUBMIT, Scope.READ)
"""What a key may do that says nothing of it."""


@dataclass(frozen=True)
class ApiKey:
    """One key.

    Attributes:
        digest: SHA-256 digest of the key, 64 lower-case hex digits.
        scopes: What it may do.
        name: What logs call it; by default the first digits of the digest.
    """

    digest: SecretStr
    scopes: tuple[Scope, ...]
    name: str


Owners = dict[str, tuple[ApiKey, ...]]
"""The keys of each owner."""


def parse_keys(given: Any) -> Owners:
    """Check API keys as a setting or a file has them.

    Raises:
        ValueError: An owner, a digest, a scope or a name is none, or a digest is there
            twice. Says nothing of what stands in the place of a digest.
    """
    if not isinstance(given, Mapping):
        raise ValueError("expected an object of owners and their keys")
    found = {_owner(owner): _keys_of(owner, keys) for owner, keys in given.items()}
    digests = [key.digest.get_secret_value() for keys in found.values() for key in keys]
    if len(set(digests)) < len(digests):
        raise ValueError("expected each digest once, received one twice")
    return found


def read_keys(path: Path) -> Owners:
    """Read API keys from a file; an empty one has none.

    Raises:
        SecretUnreadable: It cannot be read, or is no JSON.
        ValueError: As `parse_keys`.
    """
    return parse_keys(json_secret(path, "KANTOR_API_KEYS_FILE") or {})


def new_key() -> str:
    """Return a key that nobody can guess."""
    return f"kt_{secrets.token_hex(KEY_BYTES)}"


def digest_of(key: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def short_name(digest: str) -> str:
    """Return what a key without a name is called."""
    return digest[:SHOWN_DIGITS]


def _owner(given: Any) -> str:
    if not isinstance(given, str) or not _OWNER.fullmatch(given):
        raise ValueError(
            "expected owners of 1 to 64 letters, digits, '_', '.', '@' or '-', "
            f"received {str(given)[:80]!r}"
        )
    return given


def _keys_of(owner: str, given: Any) -> tuple[ApiKey, ...]:
    several = given if isinstance(given, list | tuple) else [given]
    if not several:
        raise ValueError(f"expected a key of {owner}, received none")
    return tuple(_key(owner, item) for item in several)


def _key(owner: str, given: Any) -> ApiKey:
    if isinstance(given, ApiKey):
        return given
    said = given if isinstance(given, Mapping) else {"digest": given}
    if unknown := set(said) - _FIELDS:
        raise ValueError(
            f"expected of {owner}'s key digest, scopes and name, "
            f"received {len(unknown)} other fields"
        )
    digest = _digest(owner, said.get("digest"))
    name = said.get("name") or short_name(digest)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"expected a name of {owner}'s key of 1 to 64 letters, digits, '_', '.', "
            "'@' or '-', received something else"
        )
    return ApiKey(SecretStr(digest), _scopes(owner, said.get("scopes", USUAL)), name)


def _digest(owner: str, given: Any) -> str:
    text = given.get_secret_value() if isinstance(given, SecretStr) else given
    if not isinstance(text, str) or not _DIGEST.fullmatch(text):
        raise ValueError(
            f"expected the SHA-256 digest of {owner}'s key as 64 hex digits "
            "(never the key itself), received something else"
        )
    return text.lower()


def _scopes(owner: str, given: Any) -> tuple[Scope, ...]:
    known = [scope.value for scope in Scope]
    wanted = given if isinstance(given, list | tuple) else [given]
    for item in wanted:
        if item not in known:
            raise ValueError(
                f"expected scopes of {owner}'s key among {', '.join(known)}, "
                f"received {str(item)[:40]!r}"
            )
    if not wanted:
        raise ValueError(f"expected a scope of {owner}'s key, received none")
    return tuple(scope for scope in Scope if scope in wanted)
