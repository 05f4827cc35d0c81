/* The ids of what the thermometer sends, all made from the id of the command that caused them: when a command
 * comes again after a crash, its answer and its subscription's readings are the same messages again. Pure. */
#ifndef P2P_KEYS_H
#define P2P_KEYS_H
#include "common/id.h"
#include <stdbool.h>
#include <stdint.h>

enum { KEY_LENGTH = 32, KEY_SIZE = KEY_LENGTH + 1 };

/* 32 hexadecimal digits, another for every (sender, id). */
void key_make(const char *sender, const char *id, char out[KEY_SIZE]);
bool key_is_valid(const char *key);
/* The id of the answer to a command. */
void key_reply_id(const char *key, char out[ID_SIZE]);
/* The id of a subscription's reading, number 1 and up. */
void key_reading_id(const char *key, int64_t number, char out[ID_SIZE]);

#endif
