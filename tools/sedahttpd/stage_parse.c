// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parse stage: all events of the connections.  It turns bytes into exchanges,
 * one at a time for each client, so that pipelined responses are in order by
 * construction; it keeps the time; it closes.
 */
#include <stdlib.h>

#include "path.h"
#include "reply.h"
#include "stats.h"

/* How long a closing connection waits for the peer's FIN. */
#define LINGER_NS	2000000000ULL
/* How long a connection may be idle while others wait for one. */
#define CROWDED_IDLE_NS	1000000000ULL
/* What a closing connection still reads, so that no reset eats the response. */
#define LINGER_BYTES	(4u << 20)

/* A request that the scan refused has a first line for the log at most. */
static void set_line(struct exchange *x, size_t len)
{
	size_t n = 0;

	while (n < len && n < 256 && x->text[n] != '\r' && x->text[n] != '\n')
		n++;
	x->req.line = (struct str){ x->text, n };
	x->req.minor = 1;
}

static void send_continue(struct exchange *x)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	stats_add(COUNT_1XX, 1);
	sedak_conn_send(x->client->conn, text, sizeof(text) - 1, 0);
}

/* Answers what needs no file, or passes the exchange on. */
static void route(struct exchange *x, size_t head_len)
{
	char path[PATH_SIZE];
	int n;

	if (x->req.method == METHOD_OTHER) {
		reply_status(x, 405, "Allow: GET, HEAD, OPTIONS\r\n");
		return;
	}
	if (x->req.method == METHOD_OPTIONS) {
		reply_status(x, 204, "Allow: GET, HEAD, OPTIONS\r\n");
		return;
	}
	n = path_decode(x->req.target, path, &x->query);
	if (n < 0) {
		reply_status(x, -n, "");
		return;
	}
	memcpy(x->text + head_len, path, n + 1);
	x->path = (struct str){ x->text + head_len, n };
	if (sedak_stage_post(x->server->cache_stage, x))
		reply_status(x, 503, "Retry-After: 1\r\n");
}

/*
 * Starts an exchange for the head at @head, or for what head_scan() refused with
 * @status.  False if there is no memory: the connection is gone.
 */
static bool start(struct client *c, const char *head, size_t len, int status)
{
	struct exchange *x = exchange_create(c, head, len);

	if (!x) {
		sedak_conn_abort(c->conn);
		return false;
	}
	atomic_store(&c->state, CLIENT_BUSY);
	if (status)
		set_line(x, len);
	else
		status = request_parse(&x->req, &c->scan, x->text, len);
	memset(&c->scan, 0, sizeof(c->scan));
	c->head_ns = 0;
	if (!status && x->req.body > x->server->o.max_body)
		status = -413;
	x->keep_alive = !status && x->req.keep_alive && !c->draining &&
			!client_is_crowded(x->server);
	if (status) {
		reply_status(x, -status, "");
		return true;
	}
	c->skip = x->req.body;
	c->body_ns = sedak_now();
	/* Who expects a 100 and gets a 405 may or may not send the body. */
	if (x->req.expect_continue && x->req.method == METHOD_OTHER)
		x->keep_alive = false;
	else if (x->req.expect_continue && !x->req.chunked)
		send_continue(x);
	route(x, len);
	return true;
}

/* Whether the client's next request has to wait for its last response. */
static bool is_blocked(struct client *c)
{
	if (!c->blocked)
		c->blocked = sedak_conn_queued(c->conn) > QUEUE_HIGH;
	return c->blocked;
}

/* Takes one thing off @in: some of a body, or a head.  False: needs more. */
static bool parse_one(struct client *c, struct str *in)
{
	size_t n = c->skip < in->n ? c->skip : in->n;
	struct server *server = c->server;
	long len;

	c->skip -= n;
	in->p += n;
	in->n -= n;
	if (!in->n)
		return false;
	len = head_scan(&c->scan, in->p, in->n, server->o.max_header);
	if (len) {
		n = len > 0 ? (size_t)len : in->n;
		if (!start(c, in->p, n, len > 0 ? 0 : (int)len)) {
			in->n = 0;
			return false;
		}
		in->p += n;
		in->n -= n;
		return true;
	}
	if (!c->head_ns) {
		c->head_ns = sedak_now();
		client_timeout(c->conn, server->o.header_timeout_ns);
	}
	return false;
}

/* Adds @in to what is kept for later. */
static void append_input(struct client *c, struct str in)
{
	size_t size = c->in_size ? c->in_size : 512;
	char *grown = c->in;

	while (size < c->in_len + in.n)
		size *= 2;
	if (size > c->in_size)
		grown = realloc(c->in, size);
	if (!grown) {
		sedak_conn_abort(c->conn);
		return;
	}
	c->in = grown;
	c->in_size = size;
	memcpy(c->in + c->in_len, in.p, in.n);
	c->in_len += in.n;
}

/* Of what was kept the last @n bytes are still needed. */
static void keep_tail(struct client *c, size_t n)
{
	if (n) {
		memmove(c->in, c->in + c->in_len - n, n);
	} else {
		/* Idle clients hold no buffer. */
		free(c->in);
		c->in = NULL;
		c->in_size = 0;
	}
	c->in_len = n;
}

/* Reading stops while a client is far ahead of its responses. */
static void pace_input(struct client *c)
{
	bool full = c->in_len >= c->server->o.max_header;

	if (full == c->paused)
		return;
	c->paused = full;
	if (full)
		sedak_conn_pause(c->conn);
	else
		sedak_conn_resume(c->conn);
}

static void drop_input(struct client *c, size_t n)
{
	c->dropped += n;
	if (c->dropped > LINGER_BYTES)
		sedak_conn_close(c->conn);
}

/* Closes a client that is idle for good. */
static void close_if_over(struct client *c)
{
	if (atomic_load(&c->hangup) || (c->draining && !c->in_len))
		sedak_conn_close(c->conn);
}

/* Sends FIN and waits for the peer's, reading what is under way. */
static void linger(struct client *c)
{
	if (c->lingering)
		return;
	c->lingering = true;
	drop_input(c, c->in_len);
	keep_tail(c, 0);
	pace_input(c);
	if (atomic_load(&c->hangup)) {
		sedak_conn_close(c->conn);
		return;
	}
	sedak_conn_shutdown(c->conn);
	/* What is queued now has a whole timeout to move in, and one more. */
	c->last_queued = 0;
	client_timeout(c->conn, sedak_conn_queued(c->conn) ?
		       c->server->o.idle_timeout_ns : LINGER_NS);
}

/*
 * Takes requests off @in until one is under way or more bytes are needed.
 * True if the client is left idle.
 */
static bool parse_all(struct client *c, struct str *in)
{
	for (;;) {
		switch (atomic_load(&c->state)) {
		case CLIENT_CLOSING:
			drop_input(c, in->n);
			in->n = 0;
			return false;
		case CLIENT_IDLE:
			if (is_blocked(c) || !parse_one(c, in))
				return true;
			break;
		default:
			if (!in->n && !c->draining && !atomic_load(&c->hangup))
				return false;
			/* If it ended just now, nobody will tell us. */
			if (client_want_more(c))
				return false;
		}
	}
}

/* Parses @in, which is all that was kept if @kept, and keeps the rest. */
static void parse(struct client *c, struct str in, bool kept)
{
	bool idle = parse_all(c, &in);

	if (kept)
		keep_tail(c, in.n);
	else if (in.n)
		append_input(c, in);
	pace_input(c);
	if (idle && !c->blocked)
		close_if_over(c);
	else if (atomic_load(&c->state) == CLIENT_CLOSING)
		linger(c);
}

static void on_data(struct client *c, const char *data, size_t n)
{
	struct str in = { data, n };

	c->active_ns = sedak_now();
	if (c->lingering) {
		drop_input(c, n);
	} else if (c->in_len) {
		append_input(c, in);
		parse(c, (struct str){ c->in, c->in_len }, true);
	} else {
		parse(c, in, false);
	}
}

/* Something ended: an exchange, the peer's sending, our write queue's height. */
static void on_wake(struct client *c)
{
	c->active_ns = sedak_now();
	parse(c, (struct str){ c->in, c->in_len }, true);
}

/* Whether the write queue has moved since this was last asked. */
static bool has_moved(struct client *c)
{
	size_t queued = sedak_conn_queued(c->conn);
	unsigned int progress = atomic_load(&c->progress);
	bool moved = !queued || queued != c->last_queued ||
		     progress != c->last_progress;

	if (progress != c->last_progress)
		c->active_ns = sedak_now();
	c->last_queued = queued;
	c->last_progress = progress;
	return moved;
}

/* A head or a body did not come in time: says so if there was some of a head. */
static void time_out(struct client *c)
{
	stats_add(COUNT_TIMEOUTS, 1);
	if (!c->in_len || c->blocked) {
		sedak_conn_close(c->conn);
		return;
	}
	if (start(c, c->in, c->in_len, -408))
		on_wake(c);
}

static void on_timeout(struct client *c)
{
	const struct options *o = &c->server->o;
	uint64_t now = sedak_now(), due;

	if (!has_moved(c)) {
		stats_add(COUNT_TIMEOUTS, 1);
		sedak_conn_abort(c->conn);
		return;
	}
	if (c->lingering && !c->last_queued) {
		sedak_conn_close(c->conn);
		return;
	}
	due = c->active_ns + o->idle_timeout_ns;
	if (atomic_load(&c->state) == CLIENT_IDLE && !c->last_queued) {
		if (c->head_ns)
			due = c->head_ns + o->header_timeout_ns;
		else if (c->skip)
			due = c->body_ns + o->idle_timeout_ns;
		if (now >= due) {
			time_out(c);
			return;
		}
	}
	client_timeout(c->conn, due > now ? due - now : o->idle_timeout_ns);
}

/* Others wait for a connection: one that is idle has no right to stay. */
static void on_nudge(struct client *c)
{
	if (atomic_load(&c->state) == CLIENT_IDLE && !c->in_len &&
	    !sedak_conn_queued(c->conn) &&
	    sedak_now() - c->active_ns > CROWDED_IDLE_NS)
		sedak_conn_close(c->conn);
}

static void handle(struct client *c, const struct sedak_event *ev)
{
	switch (ev->type) {
	case SEDAK_EV_DATA:
		on_data(c, ev->data, ev->len);
		break;
	case SEDAK_EV_EOF:
		atomic_store(&c->hangup, true);
		if (c->lingering)
			sedak_conn_close(c->conn);
		else
			on_wake(c);
		break;
	case SEDAK_EV_SENT:
		c->blocked = false;
		on_wake(c);
		break;
	case SEDAK_EV_ITEM:
		if (ev->data == CLIENT_NUDGE)
			on_nudge(c);
		else
			on_wake(c);
		break;
	case SEDAK_EV_DRAIN:
		c->draining = true;
		on_wake(c);
		break;
	case SEDAK_EV_TIMEOUT:
		on_timeout(c);
		break;
	case SEDAK_EV_ERROR:
		atomic_store(&c->hangup, true);
		break;
	case SEDAK_EV_CLOSED:
		atomic_store(&c->hangup, true);
		client_put(c);
		break;
	}
}

void parse_handler(struct sedak_stage *stage, struct sedak_event *events,
		   unsigned int n)
{
	unsigned int i;

	(void)stage;
	/* A connection that accept_one() refused has no client. */
	for (i = 0; i < n; i++)
		if (events[i].user)
			handle(events[i].user, &events[i]);
}
