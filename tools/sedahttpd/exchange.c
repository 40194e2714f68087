// SPDX-License-Identifier: GPL-2.0-or-later
/* Lifetime of exchanges; see exchange.h. */
#include <stdlib.h>
#include <unistd.h>

#include "exchange.h"
#include "stats.h"

struct exchange *exchange_create(struct client *client, const char *head,
				 size_t len)
{
	/* A decoded path is no longer than the target it came from. */
	struct exchange *x = malloc(sizeof(*x) + 2 * len + 1);

	if (!x)
		return NULL;
	memset(x, 0, sizeof(*x));
	memcpy(x->text, head, len);
	x->client = client;
	x->server = client->server;
	x->start_ns = sedak_now();
	x->fd = -1;
	atomic_fetch_add_explicit(&client->refs, 1, memory_order_relaxed);
	client->exchange = x;
	return x;
}

static void log_exchange(const struct exchange *x)
{
	struct accesslog_record record = {
		.peer = sedak_conn_peer(x->client->conn),
		.when = time(NULL),
		.line = x->req.line,
		.status = x->status,
		.bytes = x->body_bytes,
		.referer = x->req.field[FIELD_REFERER],
		.user_agent = x->req.field[FIELD_USER_AGENT],
	};

	accesslog_append(x->server->log, &record);
}

void exchange_free(struct exchange *x)
{
	if (x->entry)
		cache_entry_put(x->entry);
	if (x->fd >= 0)
		close(x->fd);
	if (x->transfer)
		atomic_fetch_sub(&x->server->transfers, 1);
	free(x->chunk);
	free(x);
}

void exchange_finish(struct exchange *x)
{
	struct client *client = x->client;
	bool keep = x->keep_alive;
	uint64_t now = stats_clock();

	stats_request(x->status, x->body_bytes,
		      now > x->start_ns ? now - x->start_ns : 0);
	if (x->server->log)
		log_exchange(x);
	client->exchange = NULL;
	exchange_free(x);
	client_release(client, keep);
	client_put(client);
}

bool exchange_post_file(struct exchange *x, enum job next, unsigned int limit)
{
	struct server *server = x->server;

	x->job = next;
	if (atomic_fetch_add(&server->file_jobs, 1) < limit &&
	    !sedak_stage_post(server->file, x))
		return true;
	atomic_fetch_sub(&server->file_jobs, 1);
	return false;
}
