/* The handlers, one per file rpc_<name>.c; rpc_table.c alone names them. */
#ifndef WEIR_FRONTEND_RPC_RPC_HANDLERS_H
#define WEIR_FRONTEND_RPC_RPC_HANDLERS_H

#include "frontend/rpc/rpc.h"

rpc_handle rpc_configuration_form;
rpc_handle rpc_capabilities;
rpc_handle rpc_test;
rpc_handle rpc_describe_table;
rpc_handle rpc_create_table;
rpc_handle rpc_alter_table;
rpc_handle rpc_truncate;
rpc_handle rpc_migrate;
rpc_handle rpc_write_batch;
rpc_handle rpc_write_history_batch;
rpc_handle rpc_compact;

#endif
