"""A disk that loses its power: what is synced is there, of the rest any part may be.

Strict on purpose: a name is only sure when its folder was synced, whatever file systems do beyond
that; writes that are not synced may be there in any subset, and one of them torn at a sector.
"""
import os

SECTOR = 512

# What becomes of the changes that are not synced.
NONE, ALL, SOME, TORN = "none", "all", "some", "torn"
FATES = (NONE, ALL, SOME, TORN)


class Entry:
    """Something durable, and changes on top of it that may be there or not."""

    def __init__(self):
        self.pending = []
        self.settled = 0  # changes that are not pending any more

    def now(self):
        """A mark: the changes up to here."""
        return self.settled + len(self.pending)

    def settle(self, mark):
        """The changes up to the mark, which are pending no more."""
        count = max(0, mark - self.settled)
        settled, self.pending = self.pending[:count], self.pending[count:]
        self.settled += len(settled)
        return settled


class Inode(Entry):
    """A file's content; changes are (offset, bytes) or (length, None), each with whether it is
    sure to be there."""

    def __init__(self):
        super().__init__()
        self.durable = bytearray()

    def write(self, offset, content, synced):
        """A synced write says nothing of those before it; none of them is above it."""
        change = (offset, content, synced)
        if synced:
            apply(self.durable, change)
        if self.pending or not synced:
            self.pending.append(change)

    def truncate(self, length):
        self.pending.append((length, None, False))

    def sync(self, mark):
        """Makes the changes up to the mark durable; sure ones behind it were, and still are above
        them."""
        for change in self.settle(mark) + [change for change in self.pending if change[2]]:
            apply(self.durable, change)

    def content(self, fate, chance):
        content = bytearray(self.durable)
        for change in survivors(self.pending, fate, chance):
            apply(content, change)
        return bytes(content)


class Folder(Entry):
    """Names: those that are durable, those that a running server sees, and the changes between,
    each {name: Inode, Folder or None}: a renaming is one change."""

    def __init__(self):
        super().__init__()
        self.durable = {}
        self.names = {}

    def change(self, names):
        self.pending.append(names)
        set_names(self.names, names)

    def sync(self, mark):
        for names in self.settle(mark):
            set_names(self.durable, names)

    def entries(self, fate, chance):
        entries = dict(self.durable)
        for names in survivors(self.pending, fate, chance):
            set_names(entries, names)
        return entries


def set_names(entries, names):
    for name, entry in names.items():
        if entry is None:
            entries.pop(name, None)
        else:
            entries[name] = entry


def apply(content, change):
    offset, written, _ = change
    if written is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset:offset + len(written)] = written


def survivors(pending, fate, chance):
    if fate == NONE:
        return []
    if fate == ALL:
        return pending
    kept = [change for change in pending if is_sure(change) or chance.random() < 0.5]
    unsure = [at for at, change in enumerate(kept) if not is_sure(change)]
    if fate == TORN and unsure:
        at = chance.choice(unsure)
        kept[at] = torn(kept[at], chance)
    return kept


def is_sure(change):
    return isinstance(change, tuple) and change[2]


def torn(change, chance):
    """Only some sectors at its beginning reached the disk."""
    if isinstance(change, dict):
        return change  # names are not torn: file systems keep a journal of them
    offset, written, _ = change
    if not isinstance(written, bytes) or len(written) < 2:
        return change
    sectors = range(SECTOR - offset % SECTOR, len(written), SECTOR)
    return (offset, written[:chance.choice(sectors)], False) if sectors else change


def holds_data(path):
    """Nothing depends on what is in LOCK, lock files and runs."""
    return ".mdb" in path and not path.endswith("-lock")


class Opened:
    """A descriptor: whether its writes are synced, and where the next one goes."""

    def __init__(self, synced):
        self.synced = synced
        self.place = 0


class Disk:
    """The folder `root` of a recorded server, changed event by event."""

    def __init__(self, root):
        self.root = root
        self.top = Folder()
        self.opened = {}
        self.syncs = {}  # under way, by thread: what was there when it began is sure at its end

    def apply(self, event):
        """True: something under the root has changed, or become durable."""
        return getattr(self, "do_" + event.name)(event)

    def inside(self, path):
        return path.startswith(self.root + "/")

    def find(self, path):
        entry = self.top
        for part in os.path.relpath(path, self.root).split("/"):
            if part != ".":
                entry = entry.names.get(part) if isinstance(entry, Folder) else None
        return entry

    def set(self, path, entry):
        """False: not under the root."""
        if not self.inside(path):
            return False
        folder = self.find(os.path.dirname(path))
        if folder is not None:
            folder.change({os.path.basename(path): entry})
        return folder is not None

    def do_openat(self, event):
        path = event.paths()[0]
        if not self.inside(path):
            return False
        self.opened[event.handle()] = Opened("SYNC" in event.arguments)
        if "O_TRUNC" in event.arguments and self.find(path) is not None:
            self.find(path).truncate(0)
        return "O_CREAT" in event.arguments and self.find(path) is None and \
            self.set(path, Inode())

    def file_of(self, event):
        """The file behind the descriptor; None: outside, deleted, or none that matters."""
        path = event.descriptor()
        entry = self.find(path) if self.inside(path) and not event.is_deleted() else None
        return entry if isinstance(entry, Inode) and holds_data(path) else None

    def do_pwrite64(self, event):
        return self.write(event, event.numbers()[-1])

    do_pwritev = do_pwrite64

    def do_writev(self, event):
        """Goes where the descriptor stands."""
        if self.file_of(event) is None:
            return False
        opened = self.opened[event.handle()]
        opened.place += event.result
        return self.write(event, opened.place - event.result)

    do_write = do_writev

    def do_lseek(self, event):
        if self.file_of(event) is not None:
            self.opened[event.handle()].place = event.result
        return False

    def write(self, event, offset):
        file = self.file_of(event)
        if file is not None:
            file.write(offset, event.content()[:event.result], self.opened[event.handle()].synced)
        return file is not None

    def do_ftruncate(self, event):
        file = self.file_of(event)
        if file is not None:
            file.truncate(event.numbers()[-1])
        return file is not None

    def do_fallocate(self, event):
        assert self.file_of(event) is None, "only lock files take room beforehand"
        return False

    def do_mmap(self, event):
        """A write through a map would be seen by nobody."""
        path = event.mapped()
        if path and self.inside(path) and holds_data(path):
            writes = "MAP_SHARED" in event.arguments and "PROT_WRITE" in event.arguments
            assert not writes, f"{path} is written through a map"
        return False

    def entry_of(self, event):
        path = event.descriptor()
        known = (path == self.root or self.inside(path)) and not event.is_deleted()
        return self.find(path) if known else None

    def do_begin_sync(self, event):
        entry = self.entry_of(event)
        if entry is not None:
            self.syncs[event.thread] = entry.now()
        return False

    def do_fsync(self, event):
        entry = self.entry_of(event)
        mark = self.syncs.pop(event.thread, None)
        if entry is not None:
            entry.sync(entry.now() if mark is None else mark)
        return entry is not None

    do_fdatasync = do_fsync

    def do_sync_file_range(self, _event):
        """Lets the disk begin, and makes nothing durable."""
        return False

    def do_mkdir(self, event):
        return self.set(event.paths()[0], Folder())

    do_mkdirat = do_mkdir

    def do_unlink(self, event):
        return self.set(event.paths()[0], None)

    do_unlinkat = do_rmdir = do_unlink

    def do_rename(self, event):
        source, target = event.paths()
        if not self.inside(source) and not self.inside(target):
            return False
        folder = os.path.dirname(source)
        assert os.path.dirname(target) == folder, "weir renames within a folder only"
        self.find(folder).change({os.path.basename(target): self.find(source),
                                  os.path.basename(source): None})
        return True

    do_renameat = do_renameat2 = do_rename

    def image(self, path, fate, chance):
        """Writes what a power cut now may leave into the new folder `path`."""
        os.mkdir(path)
        self.write_folder(self.top, path, fate, chance)

    def files(self, folder=None, path=""):
        """{path: content} of what a running server sees, for comparison with the real folder."""
        found = {}
        for name, entry in (folder or self.top).names.items():
            place = os.path.join(path, name)
            if isinstance(entry, Folder):
                found.update(self.files(entry, place) if entry.names else {})
            elif holds_data(name):
                found[place] = entry.content(ALL, None)
        return found

    def write_folder(self, folder, path, fate, chance):
        for name, entry in folder.entries(fate, chance).items():
            place = os.path.join(path, name)
            if isinstance(entry, Folder):
                os.mkdir(place)
                self.write_folder(entry, place, fate, chance)
            elif holds_data(name):
                with open(place, "wb") as file:
                    file.write(entry.content(fate, chance))
