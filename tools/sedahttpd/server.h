/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server: what all stages share, and the graph they form.
 *
 *   listener --> accept      connections become clients
 *   connection -> parse      bytes become requests; timeouts, closing
 *                  |
 *                cache       hits are answered here, misses admitted or refused
 *                  |
 *                file        blocks: opens and reads, in a pool of its own
 *                  |
 *                send        answers with what was read; asks for the next chunk
 *                            when TCP has taken this one
 *
 * An exchange (one request and its response) travels along the arrows and is at
 * every moment in exactly one place.  A client's own fields are the parse stage's.
 */
#ifndef SEDAHTTPD_SERVER_H
#define SEDAHTTPD_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include <sedak.h>

#include "accesslog.h"
#include "cache.h"
#include "options.h"
#include "root.h"

struct client;
struct exchange;

/* How long a cached file is served before its status is looked at again. */
#define CHECK_INTERVAL_NS	1000000000ULL

/* Write queue of a connection: over HIGH its next request has to wait. */
#define QUEUE_HIGH		(256u << 10)
#define QUEUE_LOW		(64u << 10)

struct server {
	struct options o;
	struct sedak_rt *rt;
	struct sedak_listener *listener;
	struct sedak_timer *tick;
	struct sedak_stage *accept;
	struct sedak_stage *parse;
	struct sedak_stage *cache_stage;
	struct sedak_stage *file;
	struct sedak_stage *send;
	struct root root;
	struct cache *cache;
	struct accesslog *log;		/* NULL: none */
	uint64_t started_ns;

	atomic_uint file_jobs;		/* queued in or run by the file stage */
	atomic_uint transfers;		/* responses sent in chunks */
	atomic_ullong boundary;		/* of the next multipart response */
	atomic_bool stopping;

	pthread_mutex_t clients_lock;	/* protects the list of clients */
	struct client *clients;
	atomic_uint crowd;		/* how many there are */

	pthread_mutex_t slow_lock;	/* protects the list in slow.c */
	struct exchange *slow;
};

/* Handlers; the state of every stage is the server. */
void accept_handler(struct sedak_stage *stage, struct sedak_event *events,
		    unsigned int n);
void parse_handler(struct sedak_stage *stage, struct sedak_event *events,
		   unsigned int n);
void cache_handler(struct sedak_stage *stage, struct sedak_event *events,
		   unsigned int n);
void file_handler(struct sedak_stage *stage, struct sedak_event *events,
		  unsigned int n);
void send_handler(struct sedak_stage *stage, struct sedak_event *events,
		  unsigned int n);

/* Makes the runtime, its stages and the listener.  0, or an exit status. */
int server_create(struct server *server);
/* Frees what server_create() made, all of it or the part that it got to. */
void server_destroy(struct server *server);

#endif
