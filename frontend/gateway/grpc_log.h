/* What gRPC logs: its complaints become lines of our log, and one of them is heeded. */
#ifndef WEIR_FRONTEND_GATEWAY_GRPC_LOG_H
#define WEIR_FRONTEND_GATEWAY_GRPC_LOG_H

#include <stdbool.h>

/* Before grpc_init(). */
void grpc_log_begin(void);

/* Whether an address accepts no more connections. Any thread. */
bool grpc_log_told_of_deafness(void);

#endif
