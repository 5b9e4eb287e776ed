"""Values of an input file as the cells of a batch file."""
from batchfile import NULL

# Between these a double is printed in plain notation, as the sender's runtime does it.
PLAIN_FROM, PLAIN_BELOW = 1e-3, 1e7


def cell_of(value):
    """The cell of a JSON value: None is NULL; raises ValueError for what is no scalar."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return text_of_double(value)
    if isinstance(value, (int, str)):
        return str(value)
    raise ValueError(f"{value!r} is no text, number, boolean or null")


def text_of_double(number):
    """The shortest digits that read back the same: 100.0 or 1.2345678901234568E22."""
    mantissa, _, exponent = f"{number!r}".partition("e")
    if number == 0 or PLAIN_FROM <= abs(number) < PLAIN_BELOW:
        return format(number, "f") if exponent else mantissa
    if not exponent:
        sign = "-" if number < 0 else ""
        whole, _, fraction = mantissa.lstrip("-").partition(".")
        digits = (whole + fraction).lstrip("0").rstrip("0")
        power = len(whole) - 1 if whole != "0" else -(len(fraction) - len(fraction.lstrip("0"))) - 1
        mantissa, exponent = f"{sign}{digits[0]}.{digits[1:] or 0}", str(power)
    elif "." not in mantissa:
        mantissa += ".0"
    return f"{mantissa}E{int(exponent)}"
