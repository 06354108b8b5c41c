"""Money as it is written everywhere: plans, reports, verdicts."""

from gpt25.errors import ConfigurationError

DEFAULT_CURRENCY = "USD"
_LONGEST = 8


def money_text(amount: float, currency: str) -> str:
    """money_text(1234.5, "EUR") -> "1,234.50 EUR"."""
    return f"{amount:,.2f} {currency}"


def price_text(price_per_hour: float, currency: str) -> str:
    """price_text(2.5, "USD") -> "2.5 USD an hour"."""
    return f"{price_per_hour:,g} {currency} an hour"


def require_currency(currency: str, *, field: str) -> None:
    """Raise ConfigurationError for what is no short word, such as an empty one, or one with spaces or escapes."""
    is_word = currency.isprintable() and not any(character.isspace() for character in currency)
    if not (is_word and 1 <= len(currency) <= _LONGEST):
        raise ConfigurationError(
            f"{field} is {currency[:40]!r}; it must be the name of a currency in 1 to {_LONGEST} characters without "
            "spaces, such as USD or EUR."
        )


def require_currency_with_price(currency: str | None, price_per_hour: float | None) -> None:
    """Raise ConfigurationError where the flag --currency stands without --price-per-hour, or is no currency."""
    if currency is None:
        return
    require_currency(currency, field="--currency")
    if price_per_hour is None:
        raise ConfigurationError(
            f"--currency is {currency} without a price in it: give --price-per-hour too. A recipe's own price is in "
            "its track.currency."
        )
