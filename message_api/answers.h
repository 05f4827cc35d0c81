/* Answers in the forms that all routes share. What went wrong is told by
 *   {"detail":"a sentence","code":"stable_word"}, and for 422 by a list (details.h). */
#ifndef P2P_ANSWERS_H
#define P2P_ANSWERS_H
#include "../common/error.h"
#include "details.h"
#include "http_call.h"

/* 200. Takes the JSON's memory over; made is what came of writing it. */
void answer_json(http_call_t *call, buffer_t *json, err_t made);
/* The HTTP status of an error; pure. */
int answer_status(err_t err);
void answer_error(http_call_t *call, err_t err);
/* The same with a sentence of one's own (literal or ours). */
void answer_problem(http_call_t *call, int status, const char *code, const char *sentence);
void answer_not_allowed(http_call_t *call, const char *allow);
void answer_too_large(http_call_t *call);
/* 422. Frees the details. */
void answer_details(http_call_t *call, details_t *details);

#endif
