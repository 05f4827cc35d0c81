/* Commands of people, from their arrival to the got for them: carried out in order, what they changed brought to
 * the disk, answered, and the answer acknowledged; only then is got said. So a crash at any moment loses no
 * command, and what comes again gets the same answer under the same id. */
#ifndef P2P_REQUESTS_H
#define P2P_REQUESTS_H
#include "commands.h"
#include "common/chat_session.h"
#include "report.h"
#include "subscribers.h"

enum {
    REQUESTS_MAX = 20000, /* held at once: the server sends no more before it wants a got */
    REQUESTS_ACTIVE = 512 /* carried out and without got: fewer than are known as handled after a restart */
};

typedef struct requests requests_t;

typedef struct {
    /* Saves the state of now, requests_on_saved follows. Never asked while a save is under way. */
    void (*save)(void *context);
    /* again: it may have been sent before the program was started. */
    err_t (*send)(void *context, message_t *message, bool again);
    void (*got)(void *context, const char *sender, const char *id);
    void (*reboot)(void *context);
    void (*on_subscribed)(void *context, subscriber_t *subscriber);
    void (*on_unsubscribing)(void *context, subscriber_t *subscriber);
} requests_events_t; /* none may be NULL */

/* interval_s: for the answers. subscribers and readings live longer. */
requests_t *requests_new(uv_loop_t *loop, subscribers_t *subscribers, const readings_t *readings,
                         double interval_s, const requests_events_t *events, void *context);
/* Frees itself from the loop. What is under way comes again after the next start. */
void requests_close(requests_t *requests);

/* A message that came; got is said later. One too many is left to the mailbox. stored: it had waited there. */
void requests_add(requests_t *requests, const message_t *message, bool stored);
/* Something else than a command changed the state: save it soon. */
void requests_touch(requests_t *requests);
void requests_on_saved(requests_t *requests, err_t err);
/* True when it is about an answer. code only for rejected. */
bool requests_on_receipt(requests_t *requests, const char *id, receipt_status_t status, const char *code);

#endif
