import base64
import re
import time
from pathlib import Path
from typing import Any

import pytest

from kantor.service.api.webhooks.signing import Signer, sign
from kantor.service.settings import Settings

ROOT = "0123456789abcdef0123456789abcdef"
OLD_ROOT = "fedcba9876543210fedcba9876543210"
PAGE = Path(__file__).parents[4] / "docs" / "api.md"


def signer(*roots: str) -> Signer:
    return Signer(Settings.model_validate({"webhook_root_secret": " ".join(roots)}))


def test_a_signature_is_that_of_the_standard() -> None:
    """The example that the libraries of Standard Webhooks are tested with."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", body, at=1614265330)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_caller_has_a_secret_of_its_own() -> None:
    [ada], [bob] = signer(ROOT).secrets("ada"), signer(ROOT).secrets("bob")
    assert ada != bob
    assert ada.startswith("whsec_")
    assert len(base64.b64decode(ada.removeprefix("whsec_"))) == 32


def test_old_and_new_secrets_sign_together() -> None:
    new, old, both = signer(ROOT), signer(OLD_ROOT), signer(ROOT, OLD_ROOT)
    assert both.secrets("ada") == new.secrets("ada") + old.secrets("ada")
    signatures = both.headers("ada", "msg_1", b"{}", at=1)["webhook-signature"]
    expected = [s.headers("ada", "msg_1", b"{}", at=1) for s in (new, old)]
    assert signatures.split() == [e["webhook-signature"] for e in expected]


@pytest.fixture
def verify() -> Any:
    """Return the function that the documentation gives to receivers."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(next(b for b in blocks if "def verify" in b), namespace)
    return namespace["verify"]


def test_the_documented_receiver_accepts_what_is_sent(verify: Any) -> None:
    secrets = signer(ROOT, OLD_ROOT).secrets("ada")
    now = int(time.time())
    headers = signer(ROOT, OLD_ROOT).headers("ada", "msg_1", b'{"a":1}', at=now)
    assert all(verify(secret, headers, b'{"a":1}') == {"a": 1} for secret in secrets)


@pytest.mark.parametrize("changed", ["body", "id", "old", "secret"])
def test_the_documented_receiver_refuses_forgeries(verify: Any, changed: str) -> None:
    at = int(time.time()) - (3600 if changed == "old" else 0)
    headers = signer(ROOT).headers("ada", "msg_1", b"{}", at=at)
    headers |= {"webhook-id": "msg_2"} if changed == "id" else {}
    [secret] = signer(ROOT).secrets("bob" if changed == "secret" else "ada")
    with pytest.raises(ValueError, match="not from the service"):
        verify(secret, headers, b"[]" if changed == "body" else b"{}")
