#include "report.h"
#include "commands.h"
#include <stdlib.h>

#define UNIT "°C"

enum {
    TEXT_LIMIT = 4096,
    DATE_LENGTH = 10, /* of TIMESTAMP's text: the date, 'T', the time of day */
    TIME_LENGTH = 8,
};

void report_init(report_t *report)
{
    buffer_init(&report->text, TEXT_LIMIT);
    buffer_init(&report->metadata, MESSAGE_MAX_METADATA);
}

void report_free(report_t *report)
{
    buffer_free(&report->text);
    buffer_free(&report->metadata);
}

/* Texts are all ours and far below the limits: what fails is memory, for a few bytes. */
static void expect(err_t err)
{
    if (err != ERR_OK)
        abort();
}

static void append_time(buffer_t *out, const char *name, int64_t time_us)
{
    char text[TIMESTAMP_SIZE];

    timestamp_format(time_us, text);
    expect(json_append_member(out, name, text));
}

void report_reading(report_t *report, const reading_t *reading, const char *replaces)
{
    expect(
        buffer_appendf(&report->text, "Temperature: %.1f " UNIT " (%s)", reading->celsius, reading->source));
    expect(
        buffer_appendf(&report->metadata, "{\"temperature\":%.2f,\"unit\":\"" UNIT "\"", reading->celsius));
    append_time(&report->metadata, "time", reading->time_us);
    expect(json_append_member(&report->metadata, "source", reading->source));
    expect(json_append_member(&report->metadata, "replaces", replaces));
    expect(buffer_append_char(&report->metadata, '}'));
}

static void append_readings(buffer_t *out, const readings_t *readings)
{
    expect(buffer_append_text(out, ",\"readings\":["));
    for (size_t i = 0; i < readings_kept(readings); i++) {
        const reading_t *reading = readings_at(readings, i);
        expect(buffer_appendf(out, "%s{\"temperature\":%.2f", i > 0 ? "," : "", reading->celsius));
        append_time(out, "time", reading->time_us);
        expect(buffer_append_char(out, '}'));
    }
    expect(buffer_append_text(out, "]"));
}

void report_range(report_t *report, const readings_t *readings)
{
    const reading_t *newest = readings_newest(readings);
    double mean = readings_mean(readings);
    char since[TIMESTAMP_SIZE];

    if (!newest) {
        expect(buffer_append_text(&report->text, "There is no reading yet. The first comes soon."));
        expect(buffer_append_text(&report->metadata, "{\"count\":0,\"readings\":[]}"));
        return;
    }
    timestamp_format(readings->since_us, since);
    expect(buffer_appendf(&report->text,
                          "Range: %.1f to %.1f " UNIT ", mean %.1f " UNIT
                          ", of %llu reading%s since %.*s %.*s UTC (%s)",
                          readings->minimum, readings->maximum, mean, (unsigned long long)readings->count,
                          readings->count == 1 ? "" : "s", DATE_LENGTH, since, TIME_LENGTH,
                          since + DATE_LENGTH + 1, newest->source));
    expect(buffer_appendf(&report->metadata,
                          "{\"minimum\":%.2f,\"maximum\":%.2f,\"mean\":%.2f,\"count\":%llu,\"unit\":\"" UNIT
                          "\"",
                          readings->minimum, readings->maximum, mean, (unsigned long long)readings->count));
    expect(json_append_member(&report->metadata, "since", since));
    expect(json_append_member(&report->metadata, "source", newest->source));
    append_readings(&report->metadata, readings);
    expect(buffer_append_char(&report->metadata, '}'));
}

void report_subscribed(report_t *report, double interval_s, const reading_t *newest, bool again)
{
    expect(buffer_appendf(&report->text, "You are %ssubscribed: the temperature comes every %g s.",
                          again ? "already " : "", interval_s));
    if (newest)
        expect(buffer_appendf(&report->text, " Now: %.1f " UNIT " (%s).", newest->celsius, newest->source));
    expect(buffer_appendf(&report->metadata, "{\"subscribed\":true,\"interval\":%g}", interval_s));
}

void report_unsubscribed(report_t *report, bool was_none)
{
    expect(buffer_append_text(&report->text, was_none ? "You are not subscribed."
                                                      : "You are unsubscribed: no more temperatures come."));
    expect(buffer_append_text(&report->metadata, "{\"subscribed\":false}"));
}

void report_rebooted(report_t *report)
{
    expect(buffer_append_text(&report->text, "Rebooted: the readings begin anew, all subscriptions stay."));
    expect(buffer_append_text(&report->metadata, "{}"));
}

void report_help(report_t *report)
{
    expect(commands_append_help(&report->text));
    expect(buffer_append_text(&report->metadata, "{}"));
}

void report_refused(report_t *report, const char *what, const char *why)
{
    expect(buffer_appendf(&report->text, "The thermometer could not carry out \"%s\": %s. Try again later.",
                          what, why));
    expect(buffer_append_text(&report->metadata, "{}"));
}
