"""A value of one type as another: what AlterTable does to the values of a column."""
import math

from .values import DAY, READ, SHOW, TEXT_TYPES, in_range, nearest_float32, to_float32

WHOLE = {"SHORT": 16, "INT": 32, "LONG": 64}
NUMBERS = (*WHOLE, "DECIMAL", "FLOAT", "DOUBLE")
MOMENTS = ("NAIVE_DATETIME", "UTC_DATETIME")


def convert(value, before, after):
    """ValueError: the value does not fit the other type."""
    if value is None or before == after:
        return value
    if after in TEXT_TYPES:
        return text_of(value, before)
    if before in TEXT_TYPES:
        return READ[after](value)
    if before in NUMBERS and after in NUMBERS:
        return convert_number(value, before, after)
    if before == "NAIVE_DATE" and after in MOMENTS:
        return value * DAY
    if before in MOMENTS and after in MOMENTS:
        return value
    if before in MOMENTS and after == "NAIVE_DATE" and value % DAY == 0:
        return value // DAY
    raise ValueError(f"no {before} fits {after}")


def convert_number(value, before, after):
    if after in WHOLE:
        if not math.isfinite(value) or value != int(value):
            raise ValueError(f"{value} is no whole number")
        return in_range(int(value), WHOLE[after])
    if after == "DECIMAL":
        return READ["DECIMAL"](text_of(value, before))
    return float(value) if after == "DOUBLE" else nearest_float32(float(value))


def text_of(value, type_name):
    """The value as `weir dump` prints it."""
    if type_name == "BOOLEAN":
        return "true" if value else "false"
    if type_name in ("FLOAT", "DOUBLE") and math.isfinite(value):
        return text_of_float(value, is_float=type_name == "FLOAT")
    return str(SHOW[type_name](value))


def text_of_float(value, is_float):
    """The shortest text that reads back the same; up to 6 or 15 digits without an exponent."""
    smallest, sure, most = (2.0**-126, 6, 9) if is_float else (2.0**-1022, 15, 17)
    nearest = to_float32 if is_float else float
    texts = (f"{value:.{digits}g}"
             for digits in range(1 if abs(value) < smallest else sure, most + 1))
    return next(text for text in texts if nearest(float(text)) == value)
