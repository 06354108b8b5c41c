"""Money is written one way, with its currency."""

import pytest

from gpt25.errors import ConfigurationError
from gpt25.records import money_text, price_text, require_currency, require_currency_with_price
from gpt25.training import TrackConfiguration


def test_amounts_and_prices() -> None:
    assert money_text(1234.5, "EUR") == "1,234.50 EUR"
    assert price_text(2.5, "USD") == "2.5 USD an hour"
    assert price_text(36, "USD") == "36 USD an hour"


@pytest.mark.parametrize("currency", ["USD", "€", "CA$"])
def test_a_currency_is_a_short_word(currency: str) -> None:
    require_currency(currency, field="--currency")
    require_currency_with_price(currency, 1.0)
    assert TrackConfiguration(currency=currency).currency == currency


@pytest.mark.parametrize("currency", ["", " ", "US dollars", "much too long", "\x1b[31m", "U\nS"])
def test_anything_else_is_none(currency: str) -> None:
    with pytest.raises(ConfigurationError, match=r"track\.currency is .*; it must be the name of a currency in 1 to 8"):
        TrackConfiguration(currency=currency)
    with pytest.raises(ConfigurationError, match="--currency is "):
        require_currency_with_price(currency, 1.0)


def test_a_currency_needs_a_price() -> None:
    require_currency_with_price(None, None)
    with pytest.raises(ConfigurationError, match="--currency is EUR without a price in it: give --price-per-hour too"):
        require_currency_with_price("EUR", None)
