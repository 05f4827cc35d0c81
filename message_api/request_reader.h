/* Reads what a request holds into the suite's own types and tells what does not fit. Pure. Each returns true when
 * it has found nothing wrong; otherwise `details` has grown and nothing is to be freed. */
#ifndef P2P_REQUEST_READER_H
#define P2P_REQUEST_READER_H
#include "details.h"
#include "store.h"

/* The largest whole number that a JSON number is sure to hold. */
#define REQUEST_WHOLE_MAX ((INT64_C(1) << 53) - 1)

/* The most JSON values that a body with so many messages can need: whoever sends more wants our memory. */
size_t request_most_values(size_t messages);
/* Counts without parsing. */
bool request_has_at_most(const char *json, size_t length, size_t values);

/* POST /messages: mints an id and sets the time where there is none. */
bool request_read_message(const cJSON *body, size_t max_message_bytes, message_t *out, details_t *details);

/* POST /v1/messages: 1 to STORE_MAX_PUT of them; *out is malloced, for store_put_batch. */
bool request_read_messages(const cJSON *body, size_t max_message_bytes, message_t **out, size_t *count,
                           details_t *details);
void request_free_messages(message_t *messages, size_t count);

/* POST /v1/claims: *out is malloced, for store_claim. */
bool request_read_claims(const cJSON *body, store_claim_t **out, size_t *count, details_t *details);

/* POST /v1/acknowledgements: *out is malloced, for store_acknowledge. */
bool request_read_acknowledgements(const cJSON *body, store_acknowledgement_t **out, size_t *count,
                                   details_t *details);

/* POST /v1/received: *out is malloced, for store_remember. */
bool request_read_received(const cJSON *body, store_key_t **out, size_t *count, details_t *details);

/* {username} of a path, still percent-encoded. */
bool request_read_path_username(const char *text, size_t length, char username[USERNAME_SIZE],
                                details_t *details);

typedef struct {
    const char *name;
    int64_t minimum, maximum;
    bool required;
    int64_t fallback; /* when it is not required and missing */
} query_integer_t;

/* text: as MHD found it, still percent-encoded; NULL = missing. */
bool request_read_query(const query_integer_t *query, const char *text, int64_t *out, details_t *details);

#endif
