"""What weir and its peers have in common: a table in a folder, to which batches are applied."""


class Engine:
    """Serves the folder while it is entered. `phases`: those of a batch that it can apply."""
    name = ""
    phases = {"earliest_start", "replace", "update", "delete"}

    def __init__(self, folder):
        self.folder = folder

    @staticmethod
    def missing():
        """A sentence about why it cannot run and what would help, or None. May install it."""
        return None

    @staticmethod
    def version():
        raise NotImplementedError

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def processes(self):
        """{role: pid} of those that outlive a batch; programs of its own are counted anyway."""
        return {}

    def create(self, table):
        raise NotImplementedError

    def apply(self, table, files):
        """`files`: {phase: rows.Files}. They are durable when it returns."""
        raise NotImplementedError

    def times(self):
        """{step: milliseconds} of the last batch, as far as the engine tells."""
        return {}

    def sums(self, table):
        """rows.sums_of_text() of the whole table."""
        raise NotImplementedError
