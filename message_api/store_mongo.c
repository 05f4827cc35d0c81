#include "store_backend.h"

static err_t mongo_open(const store_config_t *config, const log_t *log, void **state)
{
    (void)config, (void)state;
    log_error(log, "store_open_failed", "reason=%s", "this build has no MongoDB");
    return ERR_INVALID_SETTING;
}

const store_backend_t store_mongo_backend = {.name = "MongoDB", .open = mongo_open};
