// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sending responses; see reply.h.  Heads and small bodies are copied into the
 * write queue in one piece; larger bodies are sent from where they are.
 */
#include <http_parser.h>
#include <limits.h>
#include <stdlib.h>

#include "path.h"
#include "reply.h"

/* Up to this size copying a body is cheaper than keeping track of it. */
#define COPY_MAX	8192
/* What a caller of reply_status() may add to a head. */
#define EXTRA_MAX	(2 * PATH_SIZE)

static struct head head_of(const struct exchange *x)
{
	struct head head = {
		.minor = x->req.minor,
		.keep_alive = x->keep_alive,
		.chunked = x->meta.endless && x->req.minor,
		.now = time(NULL),
	};

	return head;
}

/* Queues a copy of @out; a connection that takes no more is to be closed. */
static void send_copy(struct exchange *x, const struct out *out)
{
	if (sedak_conn_send(x->client->conn, out->p, out->len, 0) < 0)
		x->keep_alive = false;
}

void reply_status(struct exchange *x, int status, const char *extra)
{
	char page[256], text[HEAD_SIZE + EXTRA_MAX + sizeof(page)];
	struct out body = OUT_OF(page), out = OUT_OF(text);
	const char *reason = http_status_str(status);
	struct head head = head_of(x);

	x->status = status;
	out_printf(&body, "<!doctype html>\n<title>%d %s</title>\n"
		   "<h1>%d %s</h1>\n", status, reason, status, reason);
	if (status == 204) {
		head_put(&out, &head, status, extra, NULL, 0);
		send_copy(x, &out);
		exchange_finish(x);
		return;
	}
	head_put(&out, &head, status, extra, "text/html; charset=utf-8",
		 body.len);
	if (x->req.method != METHOD_HEAD) {
		out_str(&out, (struct str){ page, body.len });
		x->body_bytes = body.len;
	}
	send_copy(x, &out);
	exchange_finish(x);
}

void reply_redirect(struct exchange *x)
{
	/* Encoding makes a byte three at most; the query came encoded. */
	size_t size = 3 * x->path.n + x->query.n + 64;
	char *extra = malloc(size);
	struct out out = { extra, 0, size, false };
	int n;

	if (!extra) {
		reply_status(x, 503, "Retry-After: 1\r\n");
		return;
	}
	out_lit(&out, "Location: ");
	n = path_encode(x->path, extra + out.len, size - out.len);
	out.len += n > 0 ? n : 0;
	out_lit(&out, "/");
	if (x->query.p) {
		out_lit(&out, "?");
		out_str(&out, x->query);
	}
	out_lit(&out, "\r\n");
	out_str(&out, (struct str){ "", 1 });
	if (n < 0 || out.overflow || out.len > EXTRA_MAX)
		reply_status(x, 414, "");
	else
		reply_status(x, 301, extra);
	free(extra);
}

void reply_meta(struct exchange *x)
{
	char text[HEAD_SIZE];
	struct out out = OUT_OF(text);
	struct head head = head_of(x);

	x->status = x->plan.status;
	head_put_plan(&out, &head, &x->plan, &x->meta);
	send_copy(x, &out);
	exchange_finish(x);
}

static void entry_sent(struct sedak_conn *conn, void *arg, int res)
{
	(void)conn;
	(void)res;
	cache_entry_put(arg);
}

/* Sends @len bytes of the entry in place. */
static void send_entry(struct exchange *x, uint64_t off, uint64_t len)
{
	struct cache_entry *entry = x->entry;
	struct iovec iov = { (void *)(entry->data + off), len };

	atomic_fetch_add_explicit(&entry->refs, 1, memory_order_relaxed);
	if (sedak_conn_sendv(x->client->conn, &iov, 1, 0, entry_sent,
			     entry) < 0) {
		cache_entry_put(entry);
		x->keep_alive = false;
	}
}

static void send_entry_parts(struct exchange *x, struct out *out)
{
	const struct plan *plan = &x->plan;
	int i;

	for (i = 0; i <= plan->parts; i++) {
		const struct range *r = &plan->part[i];

		plan_put_part_head(plan, &x->meta, i, out);
		if (out->len)
			send_copy(x, out);
		out->len = 0;
		if (i < plan->parts && range_len(r))
			send_entry(x, r->first, range_len(r));
	}
}

void reply_entry(struct exchange *x)
{
	char text[HEAD_SIZE + COPY_MAX];
	struct cache_entry *entry = x->entry;
	struct plan *plan = &x->plan;
	struct out out = OUT_OF(text);
	struct head head = head_of(x);

	x->meta.size = entry->size;
	x->meta.endless = false;
	x->meta.type = entry->type;
	x->meta.validators = entry->validators;
	plan_make(plan, &x->req, &x->meta,
		  atomic_fetch_add_explicit(&x->server->boundary, 1,
					    memory_order_relaxed), head.now);
	head_put_plan(&out, &head, plan, &x->meta);
	x->status = plan->status;
	if (x->req.method == METHOD_HEAD || !plan->parts) {
		send_copy(x, &out);
	} else if (plan->parts == 1 && plan->body <= COPY_MAX) {
		x->body_bytes = plan->body;
		out_str(&out, (struct str){ entry->data + plan->part[0].first,
					    plan->body });
		send_copy(x, &out);
	} else {
		x->body_bytes = plan->body;
		send_entry_parts(x, &out);
	}
	exchange_finish(x);
}

/* The connection's memory is free again: the exchange has ended. */
static void text_sent(struct sedak_conn *conn, void *arg, int res)
{
	struct exchange *x = arg;

	(void)conn;
	if (res)
		x->keep_alive = false;
	exchange_finish(x);
}

void reply_text(struct exchange *x, const char *type)
{
	struct iovec iov = { x->chunk, x->chunk_len };
	char text[HEAD_SIZE];
	struct out out = OUT_OF(text);
	struct head head = head_of(x);

	x->status = 200;
	head_put(&out, &head, 200, "Cache-Control: no-store\r\n", type,
		 x->chunk_len);
	send_copy(x, &out);
	if (x->req.method == METHOD_HEAD) {
		exchange_finish(x);
		return;
	}
	x->body_bytes = x->chunk_len;
	if (sedak_conn_sendv(x->client->conn, &iov, 1, 0, text_sent, x) < 0) {
		x->keep_alive = false;
		exchange_finish(x);
	}
}

/* TCP has taken the chunk: now, and no earlier, the next one is read. */
static void chunk_sent(struct sedak_conn *conn, void *arg, int res)
{
	struct exchange *x = arg;

	(void)conn;
	atomic_fetch_add(&x->client->progress, 1);
	if (!res && !x->failed && !x->last &&
	    exchange_post_file(x, JOB_READ, UINT_MAX))
		return;
	/* A response that ends early can only be told by closing. */
	if (res || x->failed || !x->last)
		x->keep_alive = false;
	exchange_finish(x);
}

void reply_chunk(struct exchange *x)
{
	struct iovec iov = { x->chunk, x->chunk_len };
	char text[HEAD_SIZE];
	struct out out = OUT_OF(text);
	struct head head;

	if (!x->head_sent) {
		/* Only closing ends an endless body without chunks. */
		if (x->meta.endless && !x->req.minor)
			x->keep_alive = false;
		head = head_of(x);
		head_put_plan(&out, &head, &x->plan, &x->meta);
		x->status = x->plan.status;
		x->head_sent = true;
		send_copy(x, &out);
	}
	x->body_bytes += x->chunk_len;
	if (sedak_conn_sendv(x->client->conn, &iov, 1, 0, chunk_sent, x) < 0) {
		x->keep_alive = false;
		exchange_finish(x);
	}
}
