/* p2p-load PROTOCOL WORK PORT [pairs=50] [messages=10000] [window=256] [logins=100]
 * Prints one line of JSON. The work `idle` prints it when all are logged in and stays until its input ends. */
#include "load.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const protocol_t *find_protocol(const char *name)
{
    for (size_t i = 0; i < protocol_count; i++)
        if (strcmp(protocols[i].name, name) == 0)
            return &protocols[i];
    fail("no such protocol: %s", name);
}

static const work_t *find_work(const char *name)
{
    for (size_t i = 0; i < work_count; i++)
        if (strcmp(works[i].name, name) == 0)
            return &works[i];
    fail("no such work: %s", name);
}

static void take_option(load_t *load, const char *option)
{
    const struct {
        const char *name;
        uint32_t *value;
    } options[] = {{"pairs", &load->pairs},
                   {"messages", &load->messages},
                   {"window", &load->window},
                   {"logins", &load->logins_at_once}};
    size_t name_length = strcspn(option, "=");

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strlen(options[i].name) == name_length && memcmp(options[i].name, option, name_length) == 0 &&
            option[name_length] == '=') {
            *options[i].value = (uint32_t)strtoul(option + name_length + 1, NULL, 10);
            if (*options[i].value > 0)
                return;
        }
    }
    fail("not an option: %s", option);
}

static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static void print_result(load_t *load)
{
    double seconds = (double)(load->ended - load->started) / 1e9;
    uint64_t done = load->total_sent > 0 ? load->total_sent : load->ready;

    printf("{\"done\":%lu,\"seconds\":%.6f,\"rate\":%.1f", done, seconds, (double)done / seconds);
    if (load->latency_count > 0) {
        qsort(load->latencies, load->latency_count, sizeof *load->latencies, compare);
        printf(",\"p50_us\":%.1f,\"p99_us\":%.1f", load->latencies[load->latency_count / 2] / 1e3,
               load->latencies[load->latency_count * 99 / 100] / 1e3);
    }
    puts("}");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    load_t load = {.pairs = 50, .messages = 10000, .window = 256, .logins_at_once = 100, .host = "127.0.0.1"};

    if (argc < 4)
        fail("usage: p2p-load PROTOCOL WORK PORT [NAME=VALUE…]");
    load.protocol = find_protocol(argv[1]);
    load.work = find_work(argv[2]);
    load.port = atoi(argv[3]);
    for (int i = 4; i < argc; i++)
        take_option(&load, argv[i]);
    raise_file_limit();
    load_run(&load);
    print_result(&load);
    if (strcmp(load.work->name, "idle") == 0)
        while (getchar() != EOF)
            ;
    load_free(&load);
    return 0;
}
