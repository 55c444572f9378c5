"""How many decimals two numbers need beside each other."""


def digits_apart(one: float, other: float, least: int = 2, most: int = 4) -> int:
    """Decimals with which two numbers are read as different ones; ``least`` where not even ``most`` show it."""
    shown = range(least, most + 1)
    return next((digits for digits in shown if f'{one:.{digits}f}' != f'{other:.{digits}f}'), least)
