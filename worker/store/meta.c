/* What a table's environment says of its last batch: one BatchEntry. */
#include "common/buffer.h"
#include "common/mem.h"
#include "worker/store/store_internal.h"

static MDB_val entry_key(void)
{
    static char name[] = "batch";

    return (MDB_val){.mv_data = name, .mv_size = sizeof name - 1};
}

bool batch_entry_read(MDB_txn *txn, MDB_dbi meta, Weir__BatchEntry **entry_out, struct error *err)
{
    MDB_val key = entry_key();
    MDB_val value = {0};
    int result = mdb_get(txn, meta, &key, &value);

    /* No bytes are a valid message with every field zero. */
    if (result != 0 && result != MDB_NOTFOUND) {
        return env_fail(err, result, "could not read the table's last batch");
    }
    *entry_out = weir__batch_entry__unpack(NULL, value.mv_size, value.mv_data);
    return *entry_out != NULL ||
           error_set(err, ERROR_STORE, "the entry of the table's last batch is damaged");
}

bool batch_entry_write(MDB_txn *txn, MDB_dbi meta, const Weir__BatchEntry *entry, struct error *err)
{
    OWNED(buffer_clear) struct buffer packed = {0};
    size_t size = weir__batch_entry__get_packed_size(entry);
    MDB_val key = entry_key();
    MDB_val value;
    int result = 0;

    packed.length = weir__batch_entry__pack(entry, buffer_reserve(&packed, size));
    value = (MDB_val){.mv_data = packed.bytes, .mv_size = packed.length};
    result = mdb_put(txn, meta, &key, &value, 0);
    return result == 0 || env_fail(err, result, "could not write the table's last batch");
}
