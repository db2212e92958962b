"""A font of 5 x 7 dots for frames: capitals, digits and a few signs."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

WIDTH, HEIGHT = 6, 7  # of a letter with the gap behind it, dots

# Seven rows of five dots from the top, two hexadecimal digits a row.
_ROWS = {
    "0": "0e11131519110e",
    "1": "040c040404040e",
    "2": "0e11010204081f",
    "3": "1f02040201110e",
    "4": "02060a121f0202",
    "5": "1f101e0101110e",
    "6": "0608101e11110e",
    "7": "1f010204080808",
    "8": "0e11110e11110e",
    "9": "0e11110f01020c",
    "A": "0e11111f111111",
    "B": "1e11111e11111e",
    "C": "0e11101010110e",
    "D": "1c12111111121c",
    "E": "1f10101e10101f",
    "F": "1f10101e101010",
    "G": "0e11101713110f",
    "H": "1111111f111111",
    "I": "0e04040404040e",
    "J": "0702020202120c",
    "K": "11121418141211",
    "L": "1010101010101f",
    "M": "111b1515111111",
    "N": "11191513111111",
    "O": "0e11111111110e",
    "P": "1e11111e101010",
    "Q": "0e11111115120d",
    "R": "1e11111e141211",
    "S": "0f10100e01011e",
    "T": "1f040404040404",
    "U": "1111111111110e",
    "V": "11111111110a04",
    "W": "1111111515150a",
    "X": "11110a040a1111",
    "Y": "1111110a040404",
    "Z": "1f01020408101f",
    ".": "00000000000c0c",
    ",": "00000000040408",
    ":": "000c0c000c0c00",
    "+": "0004041f040400",
    "-": "0000001f000000",
    "%": "18190204081303",
    "/": "00010204081000",
    "_": "0000000000001f",
    "(": "02040808080402",
    ")": "08040202020408",
    " ": "00000000000000",
}
_UNKNOWN = "1f11111111111f"


def line(text: str, scale: int = 1) -> Any:
    """Return a text as dots.

    Args:
        text: Small letters are drawn as capitals, unknown signs as boxes.
        scale: Pixels a dot is wide and high.

    Returns:
        (7 scale, 6 scale len(text)) bool.
    """
    return np.concatenate([_letter(sign, scale) for sign in text.upper()], axis=1)


@cache
def _letter(sign: str, scale: int) -> Any:
    rows = np.frombuffer(bytes.fromhex(_ROWS.get(sign, _UNKNOWN)), np.uint8)
    dots = np.zeros((HEIGHT, WIDTH), np.bool_)
    dots[:, :5] = np.unpackbits(rows[:, None], axis=1)[:, 3:]
    return dots.repeat(scale, axis=0).repeat(scale, axis=1)
