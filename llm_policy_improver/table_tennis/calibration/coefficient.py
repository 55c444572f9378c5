"""What a calibration says of one number: its value, how sure, and whether the data determine it."""

from dataclasses import dataclass
from typing import Any, Final

SHRINKS: Final = 0.5
"""A number is determined where its standard error is below this share of what was known of it beforehand."""

KNOWN_BEFORE: Final = {
    'drag_coefficient': 0.06,
    'lift_coefficient': 0.27,
    'lift_saturation': 0.07,
    'table_restitution': 0.04,
    'table_friction': 0.05,
    'racket_restitution': 0.05,
    'racket_grip': 0.15,
    'height': 0.02,
    'roll': 0.01,
    'pitch': 0.01,
}
"""How far real cells are off the defaults, standard deviations; m, rad, else dimensionless. Drag, restitution and
friction of the table, tilts and heights: recordings of three cells; lift, grip: the half-widths of
`rehearsal_config.BallRanges`; the racket's restitution more widely, as those are of one rubber; saturation: half of the
default."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A number of the cell.

    Attributes:
        name: as in the settings.
        value: measured; where the data do not determine it, the one from before.
        standard_error: of what was measured; infinite where nothing was.
        determined: whether the measured value is taken.
        before: the value from before.
        unit: empty where it has none.
        why: where it is not determined, the reason.
    """

    name: str
    value: float
    standard_error: float
    determined: bool
    before: float
    unit: str = ''
    why: str = ''

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'value': self.value,
            'standard_error': self.standard_error,
            'determined': self.determined,
            'before': self.before,
            'unit': self.unit,
            'why': self.why,
        }


def is_determined(name: str, standard_error: float) -> bool:
    """Whether data with this standard error say clearly more than was known before."""
    return standard_error < SHRINKS * KNOWN_BEFORE[name]
