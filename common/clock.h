/* Clocks: one that never jumps, for waiting and measuring, and the wall's, for people. */
#ifndef WEIR_COMMON_CLOCK_H
#define WEIR_COMMON_CLOCK_H

#include <stdint.h>

/* Microseconds of a clock that never jumps, from an unknown start. */
uint64_t clock_us(void);

/* Milliseconds since 1970, UTC. */
int64_t clock_wall_ms(void);

/* Sleeps for that long, going on after signals. */
void clock_sleep_ms(uint64_t ms);

#endif
