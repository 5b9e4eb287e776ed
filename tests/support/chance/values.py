"""Random cells of every type, and random names."""
import base64

from samples import VALUES

WORDS = ["a", "A", "b c", "ü", "u\u0308", "表", "😀", '"', "'", "\\", ",", "x,y", "two\nlines", "%s",
         " ", "null", "a.b", "../up", "id", "$1", "select"]

NUMBER_NAMES, DATE_NAMES = WORDS[:7], WORDS[7:10]
NUMBER_TYPES = ("SHORT", "INT", "LONG", "DECIMAL", "FLOAT", "DOUBLE", "STRING")
DATE_TYPES = ("NAIVE_DATETIME", "UTC_DATETIME", "NAIVE_DATE", "STRING")

# Longer than a key may be in the store; what tells two of them apart stands at the end.
LONG_KEYS = ["k" * length + end for length in (440, 470, 500, 512, 3000) for end in ("", "a", "b")]

SHORT_SAMPLES = {name: [text for text in texts if len(text) < 1000]
                 for name, texts in VALUES.items()}
NOT_IN_KEYS = ("NaN",)


class Values:
    def __init__(self, random):
        self.random = random
        self.made = {
            "BOOLEAN": lambda: self.random.choice(["true", "false"]),
            "SHORT": lambda: self.whole(16), "INT": lambda: self.whole(32),
            "LONG": lambda: self.whole(64), "DECIMAL": self.decimal,
            "FLOAT": lambda: f"{self.random.uniform(-1e5, 1e5):.6g}",
            "DOUBLE": lambda: repr(self.random.uniform(-1, 1) * 10**self.random.randrange(-9, 20)),
            "NAIVE_DATE": self.date, "NAIVE_TIME": self.time,
            "NAIVE_DATETIME": lambda: f"{self.date()}T{self.time()}",
            "UTC_DATETIME": lambda: f"{self.date()}T{self.time()}Z",
            "BINARY": lambda: base64.b64encode(self.random.randbytes(
                self.random.randrange(12))).decode(),
            "STRING": self.text, "XML": lambda: f"<a>{self.text()}</a>",
            "JSON": lambda: f'{{"a": {self.random.randrange(100)}}}',
        }

    def chance(self, probability):
        return self.random.random() < probability

    def cell(self, type_name):
        """Mostly usual values; some at the edges, few very long."""
        if self.chance(0.7):
            return self.made[type_name]()
        return self.random.choice((VALUES if self.chance(0.01) else SHORT_SAMPLES)[type_name])

    def cell_of(self, column):
        """In some columns only values that other types can take, so that types can change."""
        if column.name in NUMBER_NAMES and column.type in NUMBER_TYPES:
            return str(self.random.randrange(120))
        if column.name in DATE_NAMES and column.type in DATE_TYPES:
            midnight = "T00:00:00" if column.type in DATE_TYPES[:2] else ""
            return f"2024-01-{self.random.randrange(10, 30)}{midnight}"
        return self.cell(column.type)

    def key_cell(self, type_name, wide=False):
        """Mostly one of few, so that rows meet, unless `wide`."""
        if type_name in ("STRING", "JSON", "XML") and self.chance(0.2):
            return self.random.choice(LONG_KEYS) + (self.text() if wide else "")
        if type_name in ("SHORT", "INT", "LONG") and self.chance(0 if wide else 0.8):
            return str(self.random.randrange(60))
        text = self.cell(type_name)
        return text if text not in NOT_IN_KEYS else "1"

    def whole(self, bits):
        bits = self.random.choice([4, 8, bits])
        return str(self.random.randrange(-2**(bits - 1), 2**(bits - 1)))

    def decimal(self):
        number = self.random.randrange(10**self.random.randrange(1, 20))
        fraction = f".{self.random.randrange(1000)}" if self.chance(0.7) else ""
        return f"{self.random.choice(['', '-'])}{number}{fraction}"

    def date(self):
        year = self.random.choice([2024, 2024, 2023, 1969, self.random.randrange(1, 9999)])
        return f"{year:04}-{self.random.randrange(1, 13):02}-{self.random.randrange(1, 29):02}"

    def time(self):
        fraction = self.random.choice(["", ".5", f".{self.random.randrange(10**9):09}"])
        return f"{self.random.randrange(24):02}:{self.random.randrange(60):02}:07{fraction}"

    def text(self):
        return " ".join(self.random.choice(WORDS) for _ in range(self.random.randrange(4)))

    def name(self):
        """One of few, so that a dropped one comes again; sometimes a long one."""
        return self.random.choice(WORDS) * (self.random.randrange(2, 40) if self.chance(0.1) else 1)
