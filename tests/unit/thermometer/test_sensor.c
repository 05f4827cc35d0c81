#include "thermometer/sensor.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char root[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/p2p-sensor-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *at(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static void put(const char *name, const char *content)
{
    char *slash, path[256];

    strcpy(path, at(name));
    for (slash = strchr(path + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void assert_value(const char *content, err_t expected, double celsius)
{
    double value = -1000;

    put("value", content);
    assert_int_equal(sensor_read(at("value"), &value), expected);
    assert_true(value == (expected == ERR_OK ? celsius : -1000));
}

static void test_values(void **state)
{
    double value;

    (void)state;
    assert_value("45123\n", ERR_OK, 45.123);
    assert_value("-5000", ERR_OK, -5);
    assert_value("0\n", ERR_OK, 0);
    assert_value("", ERR_INVALID_TEXT, 0);
    assert_value("\n", ERR_INVALID_TEXT, 0);
    assert_value("hot\n", ERR_INVALID_TEXT, 0);
    assert_value("45.1\n", ERR_INVALID_TEXT, 0);
    assert_value("-128000\n", ERR_INVALID_TEXT, 0);
    assert_value("999999\n", ERR_INVALID_TEXT, 0);
    assert_value("99999999999999999999999999\n", ERR_INVALID_TEXT, 0);
    assert_int_equal(sensor_read(at("none"), &value), ERR_IO);
    assert_int_equal(sensor_read(root, &value), ERR_IO);
    /* A pipe that nobody writes to would hang for ever. */
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    assert_int_equal(sensor_read(at("pipe"), &value), ERR_IO);
}

static void test_find(void **state)
{
    sensor_t sensor;

    (void)state;
    assert_false(sensor_find(root, &sensor));
    put("thermal/thermal_zone0/temp", "-274000\n");
    put("thermal/thermal_zone0/type", "broken\n");
    assert_false(sensor_find(root, &sensor));
    put("thermal/thermal_zone1/temp", "40000\n");
    put("thermal/thermal_zone1/type", "board\x1b\"é\n");
    assert_true(sensor_find(root, &sensor));
    assert_string_equal(sensor.path, at("thermal/thermal_zone1/temp"));
    assert_string_equal(sensor.name, "board____");
    put("hwmon/hwmon0/temp1_input", "30000\n");
    put("hwmon/hwmon0/name", "nvme\n");
    assert_true(sensor_find(root, &sensor));
    assert_string_equal(sensor.name, "nvme");
    put("hwmon/hwmon3/temp2_input", "50000\n");
    put("hwmon/hwmon3/name", "k10temp\n");
    assert_true(sensor_find(root, &sensor));
    assert_string_equal(sensor.path, at("hwmon/hwmon3/temp2_input"));
    assert_string_equal(sensor.name, "k10temp");
}

static void test_named_by_user(void **state)
{
    char path[SENSOR_PATH_SIZE + 1];
    sensor_t sensor;

    (void)state;
    assert_int_equal(sensor_at("/sys/x/temp1_input", &sensor), ERR_OK);
    assert_string_equal(sensor.name, "temp1_input");
    assert_int_equal(sensor_at("plain", &sensor), ERR_OK);
    assert_string_equal(sensor.name, "plain");
    memset(path, 'a', sizeof(path));
    path[SENSOR_PATH_SIZE] = '\0';
    assert_int_equal(sensor_at(path, &sensor), ERR_TOO_LONG);
    path[SENSOR_PATH_SIZE - 1] = '\0';
    assert_int_equal(sensor_at(path, &sensor), ERR_OK);
    assert_int_equal(strlen(sensor.name), SENSOR_NAME_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_find, set_up, tear_down),
        cmocka_unit_test(test_named_by_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
