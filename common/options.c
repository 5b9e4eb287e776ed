/* The options of `weir serve`. */
#include "common/options.h"

#include <sched.h>

#include "common/limits.h"

static uint64_t processor_cores(void);

void options_init(struct options *options)
{
    *options = (struct options){.workers = processor_cores()};
}

bool options_read(struct options *options, int arguments_count, const char *const arguments[],
                  bool *help_out, struct error *err)
{
    struct option_reading reading = {.options = serve_options, .target = options};

    options_init(options);
    if (!option_read(&reading, arguments_count, arguments, err)) {
        return false;
    }
    *help_out = reading.help;
    return true;
}

/* The cores that this process may use, which a container may have limited. */
static uint64_t processor_cores(void)
{
    cpu_set_t allowed;

    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return 1;
    }

    uint64_t count = (uint64_t)CPU_COUNT(&allowed);

    return count > LIMIT_WORKERS ? LIMIT_WORKERS : count;
}
