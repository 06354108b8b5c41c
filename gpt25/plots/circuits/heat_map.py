"""What is drawn of the parts of a model: one or several maps of figures under one scale."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class HeatMap:
    """Figures in rows and columns, layers mostly down and heads or positions across."""

    title: str
    values: "NDArray[np.floating]"
    """(rows, columns); NaN where there is nothing."""
    rows: Sequence[str]
    columns: Sequence[str]
    down: str = "layer"
    """What the rows are."""
    across: str = "head"
    """What the columns are."""


@dataclass(frozen=True)
class HeatMaps:
    """Maps that are read together."""

    title: str
    line: str
    """What to see in it, in a sentence or two."""
    maps: Sequence[HeatMap]
    label: str
    """What the colours measure, with its unit."""
    kind: Literal["signed", "share", "amount", "size"] = "signed"
    """From red through white at 0 to blue; from white at 0 to blue at 1, or at the largest; or by powers of ten."""
    eyebrow: str = "inside"
    """What kind of picture a page is."""
    notes: Sequence[tuple[str, Sequence[str]]] = field(default_factory=list)
    """Headings with lines of text, which a page shows below."""

    @property
    def limits(self) -> tuple[float, float]:
        """The figures at both ends of the colours."""
        import numpy as np

        values = np.concatenate([each.values.ravel() for each in self.maps])
        known = values[np.isfinite(values)]
        if self.kind == "share":
            return 0.0, 1.0
        largest = float(np.abs(known).max(initial=0.0)) or 1.0
        if self.kind != "size":
            return (-largest if self.kind == "signed" else 0.0), largest
        positive = known[known > 0]
        low, high = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 1.0)
        return (low, high) if low < high else (low / 2, high * 2)
