#include "timestamp.h"
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000)

enum { FIRST_YEAR = 1970, LAST_YEAR = 9999, SECONDS_LENGTH = 19 };

int64_t timestamp_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND + now.tv_nsec / 1000;
}

/* 2026-11-22T17:01:39 and its NUL. */
static void format_seconds(int64_t seconds, char out[TIMESTAMP_SIZE])
{
    const int64_t last = INT64_C(253402300799); /* 9999-12-31T23:59:59 */
    time_t time = seconds < 0 ? 0 : seconds > last ? last : seconds;
    struct tm parts;
    gmtime_r(&time, &parts);
    strftime(out, TIMESTAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
}

static void append_fraction(int64_t microseconds, char out[TIMESTAMP_SIZE])
{
    out[SECONDS_LENGTH] = '.';
    for (int i = 6; i > 0; i--) {
        out[SECONDS_LENGTH + i] = (char)('0' + microseconds % 10);
        microseconds /= 10;
    }
    memcpy(out + SECONDS_LENGTH + 7, "+00:00", sizeof "+00:00");
}

void timestamp_format(int64_t microseconds, char out[TIMESTAMP_SIZE])
{
    if (microseconds < 0)
        microseconds = 0;
    format_seconds(microseconds / SECOND, out);
    append_fraction(microseconds % SECOND, out);
}

int64_t timestamp_format_now(char out[TIMESTAMP_SIZE])
{
    static _Thread_local int64_t cached_second = -1;
    static _Thread_local char cached[TIMESTAMP_SIZE];
    int64_t now = timestamp_now();
    if (now < 0)
        now = 0;
    if (now / SECOND != cached_second) {
        cached_second = now / SECOND;
        format_seconds(cached_second, cached);
    }
    memcpy(out, cached, SECONDS_LENGTH);
    append_fraction(now % SECOND, out);
    return now;
}

/* Reads exactly `digits` digits and moves *text. */
static bool read_number(const char **text, int digits, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++) {
        char c = **text;
        if (c < '0' || c > '9')
            return false;
        *value = *value * 10 + (c - '0');
        (*text)++;
    }
    return true;
}

static bool read_character(const char **text, const char *wanted)
{
    if (**text == '\0' || strchr(wanted, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

static bool read_date_and_time(const char **text, struct tm *parts)
{
    int year, month;
    bool read = read_number(text, 4, &year) && read_character(text, "-") && read_number(text, 2, &month) &&
                read_character(text, "-") && read_number(text, 2, &parts->tm_mday) &&
                read_character(text, "Tt ") && read_number(text, 2, &parts->tm_hour) &&
                read_character(text, ":") && read_number(text, 2, &parts->tm_min) &&
                read_character(text, ":") && read_number(text, 2, &parts->tm_sec);
    if (!read || year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || parts->tm_mday < 1 ||
        parts->tm_mday > month_days(year, month) || parts->tm_hour > 23 || parts->tm_min > 59 ||
        parts->tm_sec > 60)
        return false;
    parts->tm_year = year - 1900;
    parts->tm_mon = month - 1;
    return true;
}

static bool read_fraction(const char **text, int64_t *microseconds)
{
    int64_t unit = SECOND / 10;
    int digits = 0;
    *microseconds = 0;
    if (**text != '.' && **text != ',')
        return true;
    for ((*text)++; **text >= '0' && **text <= '9'; (*text)++, digits++) {
        *microseconds += (**text - '0') * unit;
        unit /= 10;
    }
    return digits >= 1 && digits <= 9;
}

static bool read_offset(const char **text, int64_t *seconds)
{
    int hours, minutes;
    *seconds = 0;
    if (**text == '\0' || read_character(text, "Zz"))
        return true;
    bool west = **text == '-';
    if (!read_character(text, "+-") || !read_number(text, 2, &hours) || !read_character(text, ":") ||
        !read_number(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = (hours * 60 + minutes) * INT64_C(60) * (west ? -1 : 1);
    return true;
}

err_t timestamp_parse(const char *text, int64_t *microseconds)
{
    struct tm parts = {0};
    int64_t fraction, offset;
    if (!read_date_and_time(&text, &parts) || !read_fraction(&text, &fraction) ||
        !read_offset(&text, &offset) || *text != '\0')
        return ERR_INVALID_TIMESTAMP;
    int64_t seconds = (int64_t)timegm(&parts) - offset;
    if (seconds < 0)
        return ERR_INVALID_TIMESTAMP;
    *microseconds = seconds * SECOND + fraction;
    return ERR_OK;
}
