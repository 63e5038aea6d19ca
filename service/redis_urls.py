"""What `KANTOR_REDIS_URL` may be, and how a password gets into it.

No message repeats a URL: it may hold a password.
"""

from urllib.parse import quote, unquote, urlsplit

SCHEMES = ("redis", "rediss", "unix")
_HINT = (
    "a password with characters such as '/', '@' or '#' is percent-encoded in a URL, "
    "or stands as it is in KANTOR_REDIS_PASSWORD"
)
_OTHERS = {
    "sentinel": (
        "a Redis Sentinel: every step of a job is one script on one server, and a "
        "failover to a copy that lags behind loses jobs that were accepted; name the "
        "server itself, with appendonly on"
    ),
    "cluster": (
        "a Redis Cluster: all keys of the queue lie in one slot, so that one node "
        "would do all the work; name a server that is not part of a cluster"
    ),
}


def check_url(url: str) -> str:
    """Return a URL that names one server.

    Raises:
        ValueError: It is none, or one of a Cluster or Sentinels.
    """
    scheme = url.partition("://")[0]
    for kind, reason in _OTHERS.items():
        if kind in scheme:
            raise ValueError(f"expected one server, received {reason}")
    if scheme not in SCHEMES:
        raise ValueError("expected redis://, rediss:// or unix://, received other")
    hosts = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    if "," in hosts and not hosts.startswith(":"):
        raise ValueError(f"expected one server, received {_OTHERS['sentinel']}")
    try:
        parts = urlsplit(url)
        usable = bool(parts.path if scheme == "unix" else parts.hostname)
        _ = parts.port
    except ValueError:
        raise ValueError(f"expected a host and a port; {_HINT}") from None
    if not usable:
        raise ValueError(f"expected {scheme}://host:port/number; {_HINT}")
    return url


def with_password(url: str, password: str) -> str:
    """Return a URL with the password in it, whatever characters it has.

    >>> with_password("redis://valkey:6379/0", "a/b@c")
    'redis://:a%2Fb%40c@valkey:6379/0'

    Raises:
        ValueError: The URL has another password already.
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name, _, known = user.partition(":")
    if known and unquote(known) != password:
        raise ValueError("expected one password, received another one in the URL")
    netloc = f"{name}:{quote(password, safe='')}@{host}"
    return parts._replace(netloc=netloc).geturl()
