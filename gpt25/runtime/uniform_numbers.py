"""Random numbers that are the same with and without torch."""

import random

_WORDS = 624  # of the generator's state
_WORD = (1 << 32) - 1
_MULTIPLIER = 1812433253
_DIGITS = 53  # of a float64


class UniformNumbers:
    """What torch's generator on the processor gives for a seed with `torch.rand((), dtype=torch.float64)`.

    Python's own generator is the same Mersenne Twister; torch fills its state from the seed's lowest 32 bits by the
    rule of its authors' `init_genrand`. Source: Matsumoto and Nishimura 1998, "Mersenne Twister"; torch,
    aten/src/ATen/core/MT19937RNGEngine.h and TransformationHelper.h.
    """

    def __init__(self, seed: int) -> None:
        """seed: a whole number from 0 on."""
        state = [seed & _WORD]
        for place in range(1, _WORDS):
            state.append((_MULTIPLIER * (state[-1] ^ (state[-1] >> 30)) + place) & _WORD)
        self._generator = random.Random()
        self._generator.setstate((3, (*state, _WORDS), None))  # 3: the form that Python writes states in

    def next(self) -> float:
        """The next number, uniform from 0 up to but not including 1."""
        high, low = self._generator.getrandbits(32), self._generator.getrandbits(32)
        return ((high << 32 | low) & ((1 << _DIGITS) - 1)) / (1 << _DIGITS)
