// SPDX-License-Identifier: GPL-2.0-or-later
/* Lifetime of clients, and the hand-over between stages described in client.h. */
#include <errno.h>
#include <stdlib.h>

#include "client.h"
#include "exchange.h"

struct client *client_create(struct server *server, struct sedak_conn *conn)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->server = server;
	c->conn = sedak_conn_get(conn);
	atomic_init(&c->refs, 1);
	c->active_ns = sedak_now();

	pthread_mutex_lock(&server->clients_lock);
	c->next = server->clients;
	c->link = &server->clients;
	if (c->next)
		c->next->link = &c->next;
	server->clients = c;
	atomic_fetch_add(&server->crowd, 1);
	pthread_mutex_unlock(&server->clients_lock);
	sedak_conn_set_user(conn, c);
	return c;
}

static void client_free(struct client *c)
{
	sedak_conn_put(c->conn);
	free(c->in);
	free(c);
}

void client_put(struct client *c)
{
	/* Release our use of the client; acquire that of the others. */
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	pthread_mutex_lock(&c->server->clients_lock);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	atomic_fetch_sub(&c->server->crowd, 1);
	pthread_mutex_unlock(&c->server->clients_lock);
	client_free(c);
}

bool client_is_crowded(struct server *server)
{
	return atomic_load_explicit(&server->crowd, memory_order_relaxed) >=
	       server->o.max_conns;
}

void client_nudge_idle(struct server *server)
{
	struct client *c;

	if (!client_is_crowded(server))
		return;
	/* Who is in the list still has its reference to the connection. */
	pthread_mutex_lock(&server->clients_lock);
	for (c = server->clients; c; c = c->next)
		if (atomic_load(&c->state) == CLIENT_IDLE)
			sedak_conn_post(c->conn, CLIENT_NUDGE);
	pthread_mutex_unlock(&server->clients_lock);
}

void client_timeout(struct sedak_conn *conn, uint64_t ns)
{
	if (sedak_conn_timeout(conn, ns) == -ENOMEM)
		sedak_conn_abort(conn);
}

void client_free_all(struct server *server)
{
	struct client *c, *next;

	for (c = server->clients; c; c = next) {
		next = c->next;
		if (c->exchange)
			exchange_free(c->exchange);
		client_free(c);
	}
	server->clients = NULL;
}

void client_release(struct client *c, bool keep)
{
	int state = CLIENT_BUSY;

	/*
	 * Pairs with client_want_more(): of the two changes of BUSY one is
	 * first, and the other side sees it, so that no wake-up is lost.
	 */
	if (keep && atomic_compare_exchange_strong(&c->state, &state,
						   CLIENT_IDLE))
		return;
	atomic_store(&c->state, keep ? CLIENT_IDLE : CLIENT_CLOSING);
	if (sedak_conn_post(c->conn, NULL))
		sedak_conn_abort(c->conn);
}

bool client_want_more(struct client *c)
{
	int state = CLIENT_BUSY;

	return atomic_compare_exchange_strong(&c->state, &state,
					      CLIENT_MORE) ||
	       state == CLIENT_MORE;
}
