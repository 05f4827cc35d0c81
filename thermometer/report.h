/* The words and the metadata of what the thermometer tells. Pure. */
#ifndef P2P_REPORT_H
#define P2P_REPORT_H
#include "common/message.h"
#include "readings.h"

typedef struct {
    buffer_t text;     /* valid text of a message */
    buffer_t metadata; /* a JSON object of at most MESSAGE_MAX_METADATA bytes */
} report_t;

void report_init(report_t *report);
void report_free(report_t *report);

/* Each fills a report that report_init made. */

/* replaces: the id of the reading that is taken out of the mailbox for this one, NULL for none. */
void report_reading(report_t *report, const reading_t *reading, const char *replaces);
/* Figures of all readings; the last of them are in the metadata, oldest first. */
void report_range(report_t *report, const readings_t *readings);
/* newest may be NULL. again: had been subscribed already. */
void report_subscribed(report_t *report, double interval_s, const reading_t *newest, bool again);
void report_unsubscribed(report_t *report, bool was_none);
void report_rebooted(report_t *report);
void report_help(report_t *report);
/* Nothing was changed; why is for people. */
void report_refused(report_t *report, const char *what, const char *why);

#endif
