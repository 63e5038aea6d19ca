"""Names of the Redis keys; their types and meanings stand in `scripts/common.lua`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Keys:
    """Keys that begin with `prefix`, all in the cluster slot of one hash tag."""

    prefix: str

    @property
    def tag(self) -> str:
        """What every key starts with; the scripts build the others from it."""
        return "{" + self.prefix + "}"

    def __call__(self, name: str, *parts: str) -> str:
        """Return the key of the given parts, as `keys("job", id)`."""
        return ":".join((self.tag, name, *map(_encoded, parts)))


def _encoded(part: str) -> str:
    """Write the separator otherwise, as `part` in `scripts/common.lua` does."""
    return part.replace("%", "%25").replace(":", "%3A")
