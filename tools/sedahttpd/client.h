/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client is a connection and what was received on it and not yet understood.
 *
 * Its state says whose turn it is.  The parse stage goes IDLE -> BUSY when it
 * starts an exchange, and BUSY -> MORE when there is something to do after it;
 * the stage that ends the exchange goes BUSY -> IDLE, or from MORE to IDLE with a
 * post to the parse stage, or to CLOSING with a post.  So a client with nothing
 * else to say costs no post.
 */
#ifndef SEDAHTTPD_CLIENT_H
#define SEDAHTTPD_CLIENT_H

#include "request.h"
#include "server.h"

enum client_state {
	CLIENT_IDLE,
	CLIENT_BUSY,
	CLIENT_MORE,
	CLIENT_CLOSING,
};

struct client {
	struct server *server;
	struct sedak_conn *conn;	/* we hold a reference */
	struct client *next, **link;	/* under server->clients_lock */
	struct exchange *exchange;	/* of the stage that has the exchange */
	atomic_uint refs;		/* the connection's and the exchange's */
	atomic_int state;		/* enum client_state */
	atomic_bool hangup;		/* the peer will send no more */
	atomic_uint progress;		/* chunks that were sent */

	/* The rest is the parse stage's: events of one connection are serial. */
	char *in;
	size_t in_len, in_size;
	struct head_scan scan;
	uint64_t skip;			/* bytes of body to come and to drop */
	uint64_t body_ns;		/* when that body began */
	uint64_t head_ns;		/* when an unfinished head began, or 0 */
	uint64_t active_ns;		/* when something last moved */
	uint64_t dropped;		/* bytes received while closing */
	size_t last_queued;
	unsigned int last_progress;
	bool paused;			/* reading is, the buffer is full */
	bool blocked;			/* until the write queue is shorter */
	bool draining;			/* the server stops */
	bool lingering;			/* FIN is sent, theirs is awaited */
};

/* The item of a post that asks whether the client is idle; others are NULL. */
#define CLIENT_NUDGE	((void *)1)

/* A client for a new connection, whose user pointer it becomes; or NULL. */
struct client *client_create(struct server *server, struct sedak_conn *conn);
void client_put(struct client *client);

/* Whether others may be waiting for a connection to end. */
bool client_is_crowded(struct server *server);

/* Asks the idle clients, if others may wait, to see whether they can go. */
void client_nudge_idle(struct server *server);

/* As sedak_conn_timeout(); who can have none, for want of memory, does not stay. */
void client_timeout(struct sedak_conn *conn, uint64_t ns);

/* Frees all that are left, when no stage runs any more. */
void client_free_all(struct server *server);

/*
 * The exchange has ended: the client may go on to its next request, or, unless
 * @keep, is to be closed.  Any thread.
 */
void client_release(struct client *client, bool keep);

/*
 * Asks to be posted to when the exchange in progress ends.  False if there is
 * none any more.  Parse stage.
 */
bool client_want_more(struct client *client);

#endif
