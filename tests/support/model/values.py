"""Values as the rules have them: read from a file's text, shown as `weir dump` shows them.

A value is a bool, int, Decimal, float, str or bytes; a date is its days since 1970, a time its
nanoseconds since midnight, a moment its nanoseconds since 1970. Text that a type does not accept is
a ValueError.
"""
import base64
import math
import re
import struct
from decimal import Context, Decimal

DECIMAL_CONTEXT = Context(prec=100)
DECIMAL_DIGITS = 38
DECIMAL_SCALE = 37
NANOSECONDS = 10**9
DAY = 86400 * NANOSECONDS
FLOAT32_MAX = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
# What occurs for "the largest FLOAT", printed with eight digits, lies just above it.
FLOAT32_READ_MAX = 3.4028237E38

TEXT_TYPES = ("STRING", "XML", "JSON")

NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
SPECIAL = r"[+-]?(nan|inf|infinity)"


def must_match(pattern, text):
    match = re.fullmatch(pattern, text)
    if match is None:
        raise ValueError(f"{text[:80]!r} is not of its type")
    return match


def must_be(condition, text):
    if not condition:
        raise ValueError(f"{str(text)[:80]!r} is out of range")


def read_boolean(text):
    return must_match("(?i)(true)|false", text)[1] is not None


def whole_of(bits):
    def read(text):
        must_match("[+-]?[0-9]+", text)
        return in_range(int(text), bits)

    return read


def in_range(number, bits):
    must_be(-2**(bits - 1) <= number < 2**(bits - 1), number)
    return number


def read_decimal(text):
    """Exact, with its scale. Digits beyond the limits may be there if they are zeros."""
    must_match(NUMBER, text)
    value = Decimal(text)
    while not is_within_limits(value):
        sign, digits, exponent = value.as_tuple()
        must_be(exponent < 0 and digits[-1] == 0, text)
        value = Decimal((sign, digits[:-1] or (0,), exponent + 1))
    return value if value else value.copy_abs()


def is_within_limits(value):
    _, digits, exponent = value.as_tuple()
    return len(digits) + max(exponent, 0) <= DECIMAL_DIGITS and -exponent <= DECIMAL_SCALE


def read_double(text):
    must_match(f"(?i){NUMBER}|{SPECIAL}", text)
    value = float(text)
    must_be(math.isfinite(value) or is_special(text), text)
    return value


def read_float32(text):
    """The nearest 32-bit value; just above the largest one is the largest one."""
    return nearest_float32(read_double(text))


def is_special(text):
    return re.fullmatch(f"(?i){SPECIAL}", text) is not None


def nearest_float32(value):
    must_be(abs(value) <= FLOAT32_READ_MAX or not math.isfinite(value), value)
    if math.isfinite(value) and abs(value) > FLOAT32_MAX:
        return math.copysign(FLOAT32_MAX, value)
    return to_float32(value)


def to_float32(value):
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(float("inf"), value)


def days_of(year, month, day):
    """Days since 1970-01-01 in the proleptic Gregorian calendar, year 0 included."""
    year_of_era = year - (month <= 2)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + year_of_era // 400 \
        + day_of_year - 719468


def days_in_month(year, month):
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def date_of(days):
    """The inverse of days_of: found by looking, so that the two check each other."""
    year = 1970 + days // 366 - 1
    while days_of(year + 1, 1, 1) <= days:
        year += 1
    while days_of(year, 1, 1) > days:
        year -= 1
    month = max(m for m in range(1, 13) if days_of(year, m, 1) <= days)
    return f"{year:04}-{month:02}-{days - days_of(year, month, 1) + 1:02}"


def read_date(text):
    year, month, day = map(int, must_match(r"[+]?([0-9]{4})-([0-9]{2})-([0-9]{2})", text).groups())
    must_be(1 <= month <= 12 and 1 <= day <= days_in_month(year, month), text)
    return days_of(year, month, day)


def read_time(text):
    match = must_match(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{0,9}))?)?", text)
    hours, minutes, seconds, fraction = match.groups(default="0")
    must_be(int(hours) < 24 and int(minutes) < 60 and int(seconds) < 60, text)
    return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * NANOSECONDS \
        + int(fraction.ljust(9, "0"))


def read_datetime(text):
    date, time = must_match("([^T ]*)[T ](.*)", text).groups()
    return read_date(date) * DAY + read_time(time)


def read_utc(text):
    match = must_match(r"(.*?)(Z|([+-])([0-9]{2}):?([0-9]{2}))?", text)
    local, _, sign, hours, minutes = match.groups()
    offset = (int(hours) * 3600 + int(minutes) * 60) * NANOSECONDS if sign else 0
    value = read_datetime(local) - (-offset if sign == "-" else offset)
    must_be(days_of(0, 1, 1) * DAY <= value < days_of(10000, 1, 1) * DAY, text)
    return value


def read_binary(text):
    """Base64 with or without padding; other text is its own bytes."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return text.encode()


def show_decimal(value):
    if value.as_tuple().exponent > 0:
        value = value.quantize(Decimal(1), context=DECIMAL_CONTEXT)
    return format(value, "f")


def show_double(value):
    special = {float("inf"): "Infinity", float("-inf"): "-Infinity"}
    return "NaN" if value != value else special.get(value, value)


def show_float32(value):
    """The shortest decimal that reads back as the same 32 bits."""
    if value != value or abs(value) == float("inf"):
        return show_double(value)
    return next(float(text) for text in (f"{value:.{digits}g}" for digits in range(1, 10))
                if to_float32(float(text)) == value)


def show_time(nanoseconds):
    seconds, fraction = divmod(nanoseconds, NANOSECONDS)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:09}".rstrip("0") if fraction else text


def show_datetime(nanoseconds):
    days, rest = divmod(nanoseconds, DAY)
    return f"{date_of(days)}T{show_time(rest)}"


def show_utc(nanoseconds):
    return show_datetime(nanoseconds) + "Z"


def show_binary(value):
    return base64.b64encode(value).decode()


READ = {
    "BOOLEAN": read_boolean, "SHORT": whole_of(16), "INT": whole_of(32), "LONG": whole_of(64),
    "DECIMAL": read_decimal, "FLOAT": read_float32, "DOUBLE": read_double,
    "NAIVE_DATE": read_date, "NAIVE_TIME": read_time, "NAIVE_DATETIME": read_datetime,
    "UTC_DATETIME": read_utc, "BINARY": read_binary, "STRING": str, "XML": str, "JSON": str,
}

SHOW = {
    "BOOLEAN": bool, "SHORT": int, "INT": int, "LONG": int,
    "DECIMAL": show_decimal, "FLOAT": show_float32, "DOUBLE": show_double,
    "NAIVE_DATE": date_of, "NAIVE_TIME": show_time, "NAIVE_DATETIME": show_datetime,
    "UTC_DATETIME": show_utc, "BINARY": show_binary, "STRING": str, "XML": str, "JSON": str,
}

# Text is ordered by its bytes; all other values by themselves.
ORDER = {name: str.encode for name in TEXT_TYPES}

ZERO = {
    "BOOLEAN": False, "SHORT": 0, "INT": 0, "LONG": 0, "DECIMAL": Decimal(0), "FLOAT": 0.0,
    "DOUBLE": 0.0, "NAIVE_DATE": days_of(1, 1, 1), "NAIVE_TIME": 0,
    "NAIVE_DATETIME": days_of(1, 1, 1) * DAY, "UTC_DATETIME": days_of(1, 1, 1) * DAY,
    "BINARY": b"", "STRING": "", "XML": "", "JSON": "",
}
