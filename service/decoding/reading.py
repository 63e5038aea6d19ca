"""How to read a file where its owner knows better than a look at its start."""

from dataclasses import dataclass

from kantor.service.decoding.limits import Undecodable


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Settings of the reader; None and `auto` are found out.

    Attributes:
        delimiter: Sign between the cells of a csv file; `tab` is one, too.
        quote: Sign around cells.
        decimal: Sign before the fraction of a number: point or comma.
        encoding: Of text, such as utf-8, utf-16 or cp1252.
        header: Whether the first line of a csv file holds names: auto, yes or no.
        drop: Names of columns that are not read, whatever they hold.
    """

    delimiter: str | None = None
    quote: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: str = "auto"
    drop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            Undecodable: A sign is not one character, or two signs are the same.
        """
        if self.delimiter in ("tab", "\\t"):
            object.__setattr__(self, "delimiter", "\t")
        for name, sign in (("delimiter", self.delimiter), ("quote", self.quote)):
            plain = sign is None or (len(sign) == 1 and " " <= sign <= "~")
            if not plain and (name, sign) != ("delimiter", "\t"):
                raise Undecodable(
                    f"expected a {name} of one plain character, received {sign!r}"
                )
        if self.decimal not in (None, ".", ","):
            raise Undecodable(
                f"expected a decimal sign of . or a comma, received {self.decimal!r}"
            )
        if self.header not in ("auto", "yes", "no"):
            raise Undecodable(
                f"expected a header of auto, yes or no, received {self.header!r}"
            )
        if self.quote is not None and self.quote in (self.delimiter, self.decimal):
            raise Undecodable("expected a quote that is no other sign of the file")
