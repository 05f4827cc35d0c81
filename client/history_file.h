/* What was typed, kept for the next time: $XDG_STATE_HOME/p2p-chat/history (~/.local/state without it),
 * readable by its owner alone. Belongs to readline's history. */
#ifndef P2P_CLIENT_HISTORY_FILE_H
#define P2P_CLIENT_HISTORY_FILE_H

/* Makes the folder and the file and reads it. NULL when there is no place for it: then nothing is kept. The
 * path is the caller's to free. */
char *history_file_open(void);
/* Puts the line into the history, and into the file unless path is NULL. */
void history_file_add(const char *path, const char *line);
/* Cuts the file to the last lines, and forgets the history in memory. */
void history_file_close(const char *path);

#endif
