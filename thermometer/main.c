/* p2p-thermometer: a device service that people subscribe to. */
#include "common/daemon.h"
#include "thermometer.h"

int main(int argc, char **argv)
{
    config_t config = {0};
    int status = config_read(argc, argv, &config);

    if (status < 0) {
        daemon_hide_memory();
        status = thermometer_run(&config);
    }
    config_free(&config);
    return status;
}
