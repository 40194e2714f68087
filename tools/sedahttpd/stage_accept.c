// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The accept stage: new connections become clients.  Their number is bounded by
 * the library (--max-conns): above it they wait in the listener's backlog, and
 * those that are in make room as soon as they can.  The server's tick comes here
 * as well, since this stage is the least busy one.
 */
#include "exchange.h"

static void accept_one(struct server *server, struct sedak_conn *conn)
{
	uint64_t ns = server->o.header_timeout_ns;

	if (!client_create(server, conn)) {
		sedak_conn_abort(conn);
		return;
	}
	if (ns > server->o.idle_timeout_ns)
		ns = server->o.idle_timeout_ns;
	/*
	 * No limit to the queue: the parse stage starts no request while it is
	 * long, and a response queues no more than one cached file or chunk.
	 */
	sedak_conn_set_marks(conn, QUEUE_LOW, QUEUE_HIGH, 1u << 30);
	client_timeout(conn, ns);
}

static void tick(struct server *server)
{
	slow_sweep(server);
	client_nudge_idle(server);
}

void accept_handler(struct sedak_stage *stage, struct sedak_event *events,
		    unsigned int n)
{
	struct server *server = sedak_stage_state(stage);
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (events[i].type == SEDAK_EV_ACCEPT)
			accept_one(server, events[i].conn);
		else if (events[i].type == SEDAK_EV_TIMER)
			tick(server);
	}
}
