#include "common/text.h"
#include "thermometer/report.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The metadata as an object; the report must be fit for a message. */
static cJSON *check(const report_t *report)
{
    cJSON *metadata = json_parse(report->metadata.data, report->metadata.length);

    assert_true(text_is_message(report->text.data, report->text.length));
    assert_true(report->text.length > 0);
    assert_true(report->metadata.length <= MESSAGE_MAX_METADATA);
    assert_true(cJSON_IsObject(metadata));
    return metadata;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void test_reading(void **state)
{
    const reading_t reading = {21.4321, 1795366899123456, "simulated room"};
    report_t report;

    (void)state;
    report_init(&report);
    report_reading(&report, &reading, NULL);
    assert_string_equal(buffer_text(&report.text), "Temperature: 21.4 °C (simulated room)");
    assert_string_equal(
        buffer_text(&report.metadata),
        "{\"temperature\":21.43,\"unit\":\"°C\",\"time\":\"2026-11-22T17:01:39.123456+00:00\","
        "\"source\":\"simulated room\"}");
    report_free(&report);

    report_init(&report);
    report_reading(&report, &reading, "t-1");
    cJSON *metadata = check(&report);
    assert_string_equal(json_string(metadata, "replaces"), "t-1");
    cJSON_Delete(metadata);
    report_free(&report);
}

static void test_range(void **state)
{
    reading_t reading = {-39.994, 1795366899123456, ""};
    readings_t readings;
    report_t report;

    (void)state;
    memset(reading.source, 'x', sizeof(reading.source) - 1);
    readings_reset(&readings);
    report_init(&report);
    report_range(&report, &readings);
    cJSON *metadata = check(&report);
    assert_true(number(metadata, "count") == 0);
    cJSON_Delete(metadata);
    report_free(&report);

    /* The longest numbers, and as many as are kept: it must fit. */
    for (int i = 0; i < 1000; i++, reading.time_us += 1000001) {
        reading.celsius = i == 3 ? 120.006 : -88.888;
        readings_add(&readings, &reading);
    }
    report_init(&report);
    report_range(&report, &readings);
    metadata = check(&report);
    assert_true(number(metadata, "count") == 1000);
    assert_true(number(metadata, "minimum") == -88.89 && number(metadata, "maximum") == 120.01);
    assert_true(number(metadata, "mean") == -88.68);
    assert_string_equal(json_string(metadata, "since"), "2026-11-22T17:01:39.123456+00:00");
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(metadata, "readings");
    assert_int_equal(cJSON_GetArraySize(list), READINGS_KEPT);
    assert_string_equal(json_string(cJSON_GetArrayItem(list, READINGS_KEPT - 1), "time"),
                        "2026-11-22T17:18:18.124455+00:00");
    assert_true(number(cJSON_GetArrayItem(list, 0), "temperature") == -88.89);
    assert_non_null(
        strstr(buffer_text(&report.text),
               "Range: -88.9 to 120.0 °C, mean -88.7 °C, of 1000 readings since 2026-11-22 17:01:39 UTC"));
    cJSON_Delete(metadata);
    report_free(&report);
}

static void test_answers(void **state)
{
    const reading_t reading = {21.44, 0, "simulated room"};
    report_t reports[7];

    (void)state;
    for (size_t i = 0; i < 7; i++)
        report_init(&reports[i]);
    report_subscribed(&reports[0], 100, &reading, false);
    report_subscribed(&reports[1], 0.25, NULL, true);
    report_unsubscribed(&reports[2], false);
    report_unsubscribed(&reports[3], true);
    report_rebooted(&reports[4]);
    report_help(&reports[5]);
    report_refused(&reports[6], "subscribe", "its disk is full");
    assert_string_equal(
        buffer_text(&reports[0].text),
        "You are subscribed: the temperature comes every 100 s. Now: 21.4 °C (simulated room).");
    assert_string_equal(buffer_text(&reports[1].text),
                        "You are already subscribed: the temperature comes every 0.25 s.");
    assert_string_not_equal(buffer_text(&reports[2].text), buffer_text(&reports[3].text));
    for (size_t i = 0; i < 7; i++) {
        cJSON_Delete(check(&reports[i]));
        report_free(&reports[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
