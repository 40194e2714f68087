/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request and the response to it, on its way through the stages.  The stage
 * that has it owns all its fields.
 */
#ifndef SEDAHTTPD_EXCHANGE_H
#define SEDAHTTPD_EXCHANGE_H

#include "client.h"
#include "plan.h"

/* What the file stage is to do. */
enum job {
	JOB_OPEN,		/* find out what the path is and load it */
	JOB_CHECK,		/* is `entry` still the file?  If not, JOB_OPEN */
	JOB_READ,		/* the next chunk */
};

/* What the file stage found, and the send stage is to answer. */
enum found {
	FOUND_STATUS,		/* `status`, an error */
	FOUND_ENTRY,		/* `entry` */
	FOUND_REDIRECT,		/* a directory without its slash */
	FOUND_TEXT,		/* `chunk`, a listing */
	FOUND_META,		/* `plan` without a body */
	FOUND_CHUNK,		/* `chunk`, of a transfer */
};

struct exchange {
	struct client *client;		/* we hold a reference */
	struct server *server;
	uint64_t start_ns;
	struct request req;		/* its views point into text[] */
	struct str path;		/* decoded, in text[], with a NUL */
	struct str query;
	bool keep_alive;
	int status;
	uint64_t body_bytes;		/* for the log */

	enum job job;
	enum found found;
	struct cache_entry *entry;	/* with a reference, or NULL */

	/* A transfer: a response in chunks, each read when TCP took the last. */
	int fd;
	bool transfer;			/* counted in server->transfers */
	bool head_sent;
	bool last;			/* `chunk` is the last one */
	bool failed;			/* the file ended early */
	struct meta meta;
	struct plan plan;
	int part;			/* position in the plan */
	uint64_t part_off;
	bool in_part;
	char *chunk;
	size_t chunk_len, chunk_size;

	/* While a file thread may wait for long; see slow.c. */
	struct exchange *slow_next, **slow_link;
	pthread_t thread;

	char text[];
};

/*
 * An exchange for the client, with a copy of its head and room for the decoded
 * path.  NULL: no memory.
 */
struct exchange *exchange_create(struct client *client, const char *head,
				 size_t len);

/* The response is complete, or never will be: logs, counts, goes on. */
void exchange_finish(struct exchange *x);

/* Frees without a word. */
void exchange_free(struct exchange *x);

/* Hands @x to the file stage for @next; false if that has @limit jobs already. */
bool exchange_post_file(struct exchange *x, enum job next, unsigned int limit);

/* slow.c: file threads that wait for something other than a disk. */
void slow_enter(struct exchange *x);
void slow_leave(struct exchange *x);
/* Whether nobody waits for the response any more. */
bool slow_cancelled(const struct exchange *x);
/* Interrupts those who need not wait any more; returns how many there are. */
unsigned int slow_sweep(struct server *server);
/* Installs the signal handler that the interruption needs. */
void slow_init(struct server *server);

#endif
