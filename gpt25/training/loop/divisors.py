"""Into what equal parts a number of rows can be cut."""

import math


def divisors(number: int) -> list[int]:
    """divisors(12) -> [1, 2, 3, 4, 6, 12]: all of them, rising, in as many steps as the number's square root."""
    small = [divisor for divisor in range(1, math.isqrt(number) + 1) if number % divisor == 0]
    large = [number // divisor for divisor in reversed(small)]
    return small + (large[1:] if small and small[-1] == large[0] else large)
