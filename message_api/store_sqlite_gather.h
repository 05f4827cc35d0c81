/* SQLite's file system, with one difference: what a commit appends to the WAL goes to the kernel as one write, when it
 * is synced or read, instead of two writes a page. Nothing is told to be on disk that is not: SQLite publishes a commit
 * after its sync alone (synchronous=FULL), and a write that fails fails the sync. */
#ifndef P2P_STORE_SQLITE_GATHER_H
#define P2P_STORE_SQLITE_GATHER_H

/* The file belongs to this process as long as it is open: others, a second message API above all, are refused. So its
 * connections find each other in memory, and no commit locks and unlocks the file. */
#define SQLITE_GATHER_BASE "unix-excl"
#define SQLITE_GATHER_VFS  "p2p-gather"

/* Makes it known to SQLite, once in a program. An SQLite code. */
int sqlite_gather_register(void);

#endif
