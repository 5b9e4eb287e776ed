"""Random tables, and what AlterTable may make of them."""
from model import ACTIVE, DELETED, END, ID, READ, START, SYNCED, SYSTEM_COLUMNS, Column, Table

TYPES = list(READ)
SYSTEM = (START, END, ACTIVE, SYNCED, DELETED, ID)

# Mostly types between which values may fit; all pairs occur in the end.
RELATED = [("SHORT", "INT", "LONG", "DECIMAL", "DOUBLE", "FLOAT", "STRING"),
           ("NAIVE_DATE", "NAIVE_DATETIME", "UTC_DATETIME", "STRING"),
           ("STRING", "JSON", "XML", "BINARY"), ("BOOLEAN", "STRING", "INT"),
           ("NAIVE_TIME", "STRING", "NAIVE_DATE")]


class Tables:
    def __init__(self, values):
        self.values = values
        self.random = values.random
        self.chance = values.chance

    def new(self, destination):
        """A table that is not there yet: live, soft deleted or with history."""
        columns = self.columns(self.random.choice([0, 1, 1, 2, 3]), self.random.randrange(0, 10))
        if not any(column.key for column in columns):
            columns.append(Column(ID, "STRING"))
        if self.chance(0.4):
            columns += SYSTEM_COLUMNS
        else:
            columns += [Column(SYNCED, "UTC_DATETIME"), Column(DELETED, "BOOLEAN")]
            columns = columns if self.chance(0.7) else columns[:-1]
        if self.chance(0.5):
            self.random.shuffle(columns)
        schema = self.random.choice(["shop", "a.b", "ü 表"])
        return Table(schema, self.new_name(destination, schema), columns)

    def new_name(self, destination, schema):
        name = self.values.name()
        while destination.find(schema, name) is not None:
            name = f"{self.values.name()} {self.random.randrange(100)}"
        return name

    def columns(self, keys, others):
        names = list(dict.fromkeys(self.values.name() for _ in range(keys + others)))
        return [self.column(name, key=i < keys) for i, name in enumerate(names)]

    def column(self, name, key=False):
        return self.with_params(Column(name, self.random.choice(TYPES), key))

    def with_params(self, column):
        if column.type == "DECIMAL" and self.chance(0.6):
            return column.with_(precision=self.random.choice([5, 20, 38, 43]),
                                scale=self.random.choice([0, 2, 15]))
        length = 256 if column.type == "STRING" and self.chance(0.3) else None
        return column.with_(precision=None, scale=None, string_byte_length=length)

    def wished(self, table):
        """The table as AlterTable may wish it: mostly one thing is other."""
        columns = [column.with_() for column in table.columns]
        for change in self.random.choices(
                [self.add, self.drop, self.retype, self.change_key, self.change_params],
                weights=[4, 3, 4, 3, 1], k=self.random.choice([0, 1, 1, 1, 2, 4])):
            columns = change(columns)
        if self.chance(0.5):
            self.random.shuffle(columns)
        return Table(table.schema, table.name, columns)

    def add(self, columns):
        name = self.values.name()
        if self.chance(0.1):
            name = self.random.choice(SYSTEM)
        if any(column.name == name for column in columns):
            return columns
        return columns + [self.column(name, key=self.chance(0.2))]

    def drop(self, columns):
        dropped = self.usual(columns)
        return [column for column in columns if column is not dropped]

    def retype(self, columns):
        changed = self.usual(columns)
        if changed is None:
            return columns
        related = [group for group in RELATED if changed.type in group]
        types = self.random.choice(related) if self.chance(0.9) else TYPES
        if changed.type not in ("BINARY", *RELATED[2]):
            types = [name for name in types if name != "BINARY"]
        other = self.with_params(changed.with_(type_name=self.random.choice(types)))
        return [other if column is changed else column for column in columns]

    def change_key(self, columns):
        changed = self.usual(columns)
        return [column.with_(key=not column.key) if column is changed else column
                for column in columns]

    def change_params(self, columns):
        return [self.with_params(column) if column.type == "DECIMAL" else column
                for column in columns]

    def usual(self, columns):
        """Any column, though seldom one of those that history and soft deletes need."""
        usual = [column for column in columns if column.name not in SYSTEM]
        if usual and self.chance(0.95):
            return self.random.choice(usual)
        return self.random.choice(columns) if columns and self.chance(0.2) else None
