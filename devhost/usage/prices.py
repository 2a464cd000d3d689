"""The price table, `prices.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

PRICES: Final = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What `per` units cost in US dollars; the first `free` units of a month cost nothing."""

    name: str
    price: float
    per: float
    unit: str
    seen: str
    free: float = 0.0

    def of(self, quantity: float) -> float:
        """Return the US dollars for a month's quantity, less the free grant."""
        return self.ungranted(max(0.0, quantity - self.free))

    def ungranted(self, quantity: float) -> float:
        """Return the US dollars for a quantity to which no free grant applies."""
        return quantity / self.per * self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Every price by name, with when and for which region they were written down."""

    prices: Mapping[str, Price]
    written: date
    region: str
    currency: str
    checked: bool

    def __getitem__(self, name: str) -> Price:
        return self.prices[name]


def load_prices(file: Path = PRICES) -> PriceTable:
    """Return the price table. Raises KeyError or TypeError for a row that is not whole."""
    raw = tomllib.loads(file.read_text(encoding="utf-8"))
    about = raw.pop("table")
    return PriceTable(prices={name: Price(name=name, **row) for name, row in raw.items()}, **about)
