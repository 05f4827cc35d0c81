/* The server's fixed limits (section 9 of the design), in one place. Sizes are bytes. */
#ifndef P2P_SERVER_LIMITS_H
#define P2P_SERVER_LIMITS_H

enum {
    /* Times, milliseconds. */
    LIMIT_TICK = 50,      /* of the one timer that all sessions share */
    LIMIT_LOGIN = 10000,  /* a login must be finished by then */
    LIMIT_GOT_FIRST = 10, /* for which a message to somebody online waits with its put: got may save it */
    LIMIT_SILENCE = 200,  /* ends a line of a client that writes no newlines */
    LIMIT_READING = 1000, /* who takes nothing for so long does not read */
    LIMIT_LEAVING = 5000, /* a peer that has sent all waits this long for its answers */
    LIMIT_CLOSING = 2000, /* for the last bytes to reach the peer */
    LIMIT_HINT = 30000,   /* between two hints that messages wait */
    LIMIT_STOP = 3000,    /* for what is under way when the server is told to stop */
    LIMIT_PRESENCE = 200, /* between two presence frames */
    LIMIT_PRESENCE_MAX = 2000, /* the same with very many sessions */

    LIMIT_LOGIN_LINE = 4096, /* the first line */
    LIMIT_LINE_EXTRA = 1024, /* of a text line, beside the message */

    LIMIT_NAMES_TEXT = 100,  /* usernames in a list for people */
    LIMIT_NAMES_JSON = 1000, /* for programs, also in a presence frame */

    LIMIT_UNSTORED = 64 * 1024 * 1024,        /* messages not yet on disk, all sessions */
    LIMIT_UNSTORED_RESUME = 48 * 1024 * 1024, /* senders are read again below this */
    LIMIT_MAILBOX_HELD = 4 * 1024 * 1024,     /* the same of one mailbox, while the store can't take them */
    LIMIT_MAILBOX_QUEUED = 1024 * 1024,       /* live messages in memory while older ones are read */
    LIMIT_MAILBOX_UNREAD = 20000,             /* messages that a session was sent and has not said got for */
    LIMIT_POLL = 2048,                        /* held for a mailbox: worth a look at its reader's TCP */
    LIMIT_PAGE = 256,                         /* messages of one page; the store gives about 1 MiB at most */
    LIMIT_PAGE_AHEAD = 256 * 1024,            /* unread output above which the next page waits */
    LIMIT_LIVE_AHEAD = 2 * 1024 * 1024,       /* unread output above which live messages wait */
    LIMIT_PARTIAL_AHEAD = 64 * 1024,          /* unread output above which growing answers are dropped */
    LIMIT_RECENT = 32768,                     /* keys of finished messages, to know a repeat */

    LIMIT_CROWD = 500, /* sessions that come and go before free memory is given back to the system */
    LIMIT_TRIM = 5000, /* ms later, and once more: its last bytes take a while */

    LIMIT_SPARE_FILES = 64, /* descriptors that sessions may not take */
};

#endif
