/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network that loses, doubles, swaps, damages and delays packets, peers that
 * reset and windows that close: connections give by /dev/seda what they give by
 * recv(): the same bytes, and the same end.  A server of each kind serves every
 * other connection.  SEDA_SEED to repeat one.
 */
#ifndef NETEM_H
#define NETEM_H

#include <poll.h>

#include "tests/stress/stress.h"

#define WORKERS		1		/* so that what its sends say comes first */
#define CLIENTS		96		/* threads */
#define PLAIN		96		/* threads of the plain server */
#define BULKS		32		/* connections for the megabytes */
#define CHUNK		32768
#define REPLY		1000
#define FLOOD		(1 << 20)
#define PAUSE		(30 * 1000000ULL)
#define PERIOD		65521		/* bytes after which a stream repeats */

/* What a connection is for. */
enum what {
	CLOSE,		/* sends and closes */
	HALF,		/* sends, shuts down, and gets as much back */
	RESET,		/* sends and resets */
	UNREAD,		/* does not read what it is sent, and closes: a reset */
	STUCK,		/* does not read until the window is closed, and resets */
	ZERO,		/* is not read for a while, so that it finds no room */
	NR_WHAT,
	BULK = NR_WHAT,	/* sends much, and gets all of it back */
};

static const char *const what_names[] = {
	"close", "half-close", "reset", "unread data", "closed window",
	"no room", "bulk",
};

/* The first bytes of each stream; answered by one byte. */
struct greeting {
	uint32_t id;
	uint32_t what;
	uint32_t len;		/* bytes that follow */
	uint32_t magic;
};

#define MAGIC	0x5eda5eda

/* What a server saw of a connection; in shared memory. */
struct outcome {
	uint32_t bytes;
	int16_t err;		/* 0: the end of the stream */
	uint8_t seen;
	uint8_t wrong;		/* a byte is not what was sent */
	uint32_t took_ms;	/* as the client sees it */
};

struct common {
	uint32_t next;		/* connection to be made */
	uint32_t served;
	struct outcome outcome[];
};

/* One period and room to read a chunk from any point of it. */
static uint8_t stream[PERIOD + FLOOD];
static struct common *common;
static uint16_t plain_port, seda_port;
static uint32_t nr_conns;
static uint64_t bulk_bytes, seed;
static uint32_t shorter;
static int most_mss;

static void stream_fill(void)
{
	uint64_t state = seed;
	size_t i;

	for (i = 0; i < PERIOD; i++)
		stream[i] = chance_next(&state) >> 32;
	for (; i < sizeof(stream); i++)
		stream[i] = stream[i - PERIOD];
}

/* Where the stream of this connection goes on. */
static const uint8_t *stream_at(uint32_t id, uint64_t offset)
{
	return &stream[(id * 8191ULL + offset) % PERIOD];
}

/* Connections come in pairs, for the one server and the other. */
static struct greeting greeting_of(uint32_t id)
{
	uint64_t state = seed + (id / 2 + 1) * 0x9e3779b97f4a7c15ULL;
	struct greeting g = { .id = id, .magic = MAGIC };

	chance_next(&state);
	g.what = id / 2 % NR_WHAT;
	g.len = chance(&state, chance(&state, 4) ? 2000 : CHUNK);
	if (g.what == ZERO)
		g.len = 4 * CHUNK;
	g.len = 1 + g.len / shorter;
	if (id < BULKS) {
		g.what = BULK;
		/* there and back by the device; less by the other server */
		g.len = bulk_bytes / BULKS / (id % 2 ? 1 : 16);
	}
	return g;
}

/* It finds room at once: a reset while it is sent would be told by the send. */
static uint32_t reply(void)
{
	return REPLY / shorter;
}

static void outcome_bytes(uint32_t id, const void *data, uint32_t len)
{
	struct outcome *o = &common->outcome[id];

	while (len) {
		uint32_t n = len < FLOOD ? len : FLOOD;

		o->wrong |= !!memcmp(data, stream_at(id, o->bytes), n);
		o->bytes += n;
		data = (const char *)data + n;
		len -= n;
	}
}

/* How it ended; the first word counts. */
static void outcome_end(uint32_t id, int err)
{
	struct outcome *o = &common->outcome[id];

	if (o->seen)
		return;
	o->err = err;
	o->seen = 1;
	__atomic_add_fetch(&common->served, 1, __ATOMIC_RELEASE);
}

/*
 * A reset may be lost, and the one who sent it is gone then: asking whether it
 * is still there tells.
 */
static int listen_alive(uint16_t *port)
{
	int fd = tcp_listen(port), one = 1, few = 20;

	need(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &few, sizeof(few));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* --- the plain server: a thread a connection --------------------------------- */

static bool read_fully(int fd, void *to, size_t len)
{
	return recv(fd, to, len, MSG_WAITALL) == (ssize_t)len;
}

static void plain_receive(int fd, uint32_t id, bool echo)
{
	static __thread char data[CHUNK];
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), 0)) > 0) {
		outcome_bytes(id, data, n);
		if (echo)
			need(send(fd, data, n, MSG_NOSIGNAL) == n);
	}
	if (!n && greeting_of(id).what == HALF)
		need(send(fd, stream_at(id, 0), greeting_of(id).len,
			  MSG_NOSIGNAL) == (ssize_t)greeting_of(id).len);
	outcome_end(id, n ? -errno : 0);
}

static void plain_serve(int fd)
{
	struct greeting g;

	need(read_fully(fd, &g, sizeof(g)) && g.magic == MAGIC);
	need(send(fd, "!", 1, MSG_NOSIGNAL) == 1);
	if (g.what == UNREAD)
		need(send(fd, stream, reply(), MSG_NOSIGNAL) ==
		     (ssize_t)reply());
	if (g.what == ZERO)
		sleep_ns(PAUSE);
	if (g.what == STUCK) {
		/* what did not go out is told by the next send */
		while (send(fd, stream, FLOOD, MSG_NOSIGNAL) >= 0)
			continue;
		outcome_end(g.id, -errno);
	}
	plain_receive(fd, g.id, g.what == BULK);
	close(fd);
}

static void *plain_thread(void *arg)
{
	int fd;

	for (;;) {
		fd = accept4((intptr_t)arg, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			plain_serve(fd);
	}
	return NULL;
}

/* --- the server on the device ------------------------------------------------ */

struct conn {
	struct greeting g;
	uint32_t have;			/* bytes of the greeting */
	bool closing;
	uint64_t source, resume_at;
	struct conn *next;		/* of those that are paused */
};

struct server {
	struct worker w;
	struct conn *paused;
};

static struct app app;
static uint64_t accepts, data_stage;

static void server_send(struct server *s, struct conn *c, const void *data,
			uint32_t len)
{
	struct seda_op *op = worker_op(&s->w, SEDA_OP_SEND, c->source);

	op->addr = (uintptr_t)data;
	op->len = len;
	op->user_data = (uintptr_t)c;
}

static void server_greeted(struct server *s, struct conn *c)
{
	need(c->g.magic == MAGIC && c->g.id < nr_conns);
	server_send(s, c, "!", 1);
	switch (c->g.what) {
	case UNREAD:
		server_send(s, c, stream, reply());
		break;
	case STUCK:
		/* more than finds room anywhere */
		server_send(s, c, stream, FLOOD);
		server_send(s, c, stream, FLOOD);
		server_send(s, c, stream, FLOOD);
		break;
	case ZERO:
		worker_op(&s->w, SEDA_OP_DISARM, c->source);
		c->resume_at = now_ns() + PAUSE;
		c->next = s->paused;
		s->paused = c;
		break;
	}
}

static void server_data(struct server *s, struct conn *c,
			const struct seda_event *ev)
{
	const char *data = app_buf(&app, ev->buf);
	uint32_t len = ev->len, n = sizeof(c->g) - c->have;

	if (n) {
		n = n < len ? n : len;
		memcpy((char *)&c->g + c->have, data, n);
		c->have += n;
		if (c->have == sizeof(c->g))
			server_greeted(s, c);
		data += n;
		len -= n;
	}
	if (!len)
		return;
	outcome_bytes(c->g.id, data, len);
	if (c->g.what == BULK)
		worker_echo(&s->w, ev)->user_data = (uintptr_t)c;
}

static void server_close(struct server *s, struct conn *c, int err)
{
	/* nobody goes before it has greeted and was answered */
	need(c->have == sizeof(c->g));
	outcome_end(c->g.id, err);
	if (c->closing)
		return;
	c->closing = true;
	if (!err && c->g.what == HALF)
		server_send(s, c, stream_at(c->g.id, 0), c->g.len);
	worker_op(&s->w, SEDA_OP_CLOSE, c->source);
}

static void server_event(struct server *s, const struct seda_event *ev)
{
	struct conn *c = (void *)(uintptr_t)ev->user_data;
	struct seda_op *op;

	if (ev->events & SEDA_EV_ACCEPT) {
		/* never freed: another worker may look at its ops' results */
		c = calloc(1, sizeof(*c));
		need(c);
		c->source = ev->child;
		op = worker_op(&s->w, SEDA_OP_SET_DATA, ev->child);
		op->user_data = (uintptr_t)c;
		return;
	}
	if (!c)
		return;
	if (ev->events & SEDA_EV_IN)
		server_data(s, c, ev);
	if (ev->events & (SEDA_EV_ERR | SEDA_EV_EOF))
		server_close(s, c, ev->events & SEDA_EV_ERR ? ev->res : 0);
}

/* Those whose time has come are read from again. */
static void server_resume(struct server *s)
{
	struct conn **at = &s->paused, *c;
	uint64_t now = now_ns();

	while ((c = *at) && s->w.nr_ops < 64) {
		if (c->resume_at > now) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		worker_op(&s->w, SEDA_OP_ARM, c->source);
	}
}

/* What ended the connection may be told by a send, as recv() and send() do. */
static void server_check_ops(const struct worker *w, unsigned int nr)
{
	const struct seda_op *op = w->ops;
	const struct conn *c;

	for (; nr--; op++) {
		if (op->res >= 0 || op->res == -EINPROGRESS)
			continue;
		c = (void *)(uintptr_t)op->user_data;
		if (!c || c->g.what != STUCK)
			fail("op %u of %u (%s): %d", op->op, c ? c->g.id : 0,
			     c ? what_names[c->g.what] : "-", op->res);
		outcome_end(c->g.id, op->res);
	}
}

static void *server_thread(void *arg)
{
	struct server s = { 0 };
	unsigned int ops;
	int n, i;

	need(!worker_join(&app, &s.w));
	for (;;) {
		server_resume(&s);
		ops = s.w.nr_ops;
		n = worker_enter(&s.w, 1, s.paused ? PAUSE / 8 : SEDA_FOREVER);
		if (n < 0)
			fail("ENTER: %d", n);
		server_check_ops(&s.w, ops);
		for (i = 0; i < n; i++)
			server_event(&s, &s.w.events[i]);
	}
	return NULL;
}

/* --- clients ----------------------------------------------------------------- */

/* The connection, greeted and answered. */
static int client_connect(const struct greeting *g)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(g->id % 2 ? seda_port : plain_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), room = 8192;
	socklen_t len = sizeof(int);
	int mss = 0;
	char c;

	need(fd >= 0);
	if (g->what == STUCK)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)))
		fail("client %u: connect: %d", g->id, errno);
	if (send(fd, g, sizeof(*g), MSG_NOSIGNAL) != sizeof(*g) ||
	    !read_fully(fd, &c, 1))
		fail("client %u: greeting: %d", g->id, errno);
	need(!getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, &len));
	need(mss > 0 && mss <= most_mss);
	return fd;
}

static void client_send(int fd, const struct greeting *g, uint64_t at,
			size_t len)
{
	if (send(fd, stream_at(g->id, at), len, MSG_NOSIGNAL) != (ssize_t)len)
		fail("client %u (%s): send: %d", g->id, what_names[g->what],
		     errno);
}

static void client_expect(int fd, const struct greeting *g, uint64_t at,
			  size_t len)
{
	static __thread char data[CHUNK];

	if (!read_fully(fd, data, len))
		fail("client %u (%s): recv: %d", g->id, what_names[g->what],
		     errno);
	if (memcmp(data, stream_at(g->id, at), len))
		fail("client %u (%s): wrong bytes", g->id, what_names[g->what]);
}

/* Until what has come does not change any more: the window is closed. */
static void client_wait_full(int fd)
{
	int had = 0, n = 0, same = 0;

	while (same < 4) {
		sleep_ns(2000000);
		need(!ioctl(fd, FIONREAD, &n));
		same = n && n == had ? same + 1 : 0;
		had = n;
	}
}

static void client_reset(int fd)
{
	struct linger reset = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

static void client_run(uint32_t id)
{
	struct greeting g = greeting_of(id);
	uint64_t start = now_ns(), done;
	struct pollfd p = { .fd = client_connect(&g), .events = POLLIN };
	uint32_t n;

	switch (g.what) {
	case BULK:
		for (done = 0; done < g.len; done += n) {
			n = g.len - done < CHUNK ? g.len - done : CHUNK;
			client_send(p.fd, &g, done, n);
			client_expect(p.fd, &g, done, n);
		}
		break;
	case HALF:
		client_send(p.fd, &g, 0, g.len);
		need(!shutdown(p.fd, SHUT_WR));
		client_expect(p.fd, &g, 0, g.len);
		break;
	case UNREAD:
		client_send(p.fd, &g, 0, g.len);
		need(poll(&p, 1, -1) == 1);
		break;
	case STUCK:
		client_wait_full(p.fd);
		client_reset(p.fd);
		break;
	case RESET:
		client_send(p.fd, &g, 0, g.len);
		client_reset(p.fd);
		break;
	default:
		client_send(p.fd, &g, 0, g.len);
	}
	close(p.fd);
	common->outcome[id].took_ms = (now_ns() - start) / 1000000;
}

static void *client_thread(void *arg)
{
	uint32_t id;

	for (;;) {
		id = __atomic_fetch_add(&common->next, 1, __ATOMIC_RELAXED);
		if (id >= nr_conns)
			return NULL;
		client_run(id);
	}
}

/* --- all of it --------------------------------------------------------------- */

static pid_t clients_start(void)
{
	pthread_t t[CLIENTS];
	pid_t pid = fork();
	int i;

	need(pid >= 0);
	if (pid)
		return pid;
	for (i = 0; i < CLIENTS; i++)
		t[i] = thread(client_thread, NULL);
	for (i = 0; i < CLIENTS; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

static void servers_start(int plain, int listener)
{
	int i;

	need(!app_open(&app, NULL));
	need(!app_stage(&app, NULL, &accepts));
	need(!app_stage(&app, NULL, &data_stage));
	need(!app_listen(&app, listener, accepts, data_stage, NULL));
	for (i = 0; i < WORKERS; i++)
		thread(server_thread, NULL);
	for (i = 0; i < PLAIN; i++)
		thread(plain_thread, (void *)(intptr_t)plain);
}

/* All that was sent came; before a reset, perhaps not all. */
static bool right_bytes(uint32_t id)
{
	const struct outcome *o = &common->outcome[id];
	struct greeting g = greeting_of(id);

	if (!o->seen || o->wrong)
		return false;
	if (g.what == RESET || g.what == UNREAD || g.what == STUCK)
		return o->bytes <= g.len;
	return o->bytes == g.len;
}

static bool same_end(uint32_t id, const struct greeting *g)
{
	const struct outcome *a = &common->outcome[id], *b = a + 1;

	if (a->err == b->err && right_bytes(id) && right_bytes(id + 1))
		return true;
	ksft_print_msg("%u (%s, %u bytes): recv %u bytes, %d%s; seda %u bytes, %d%s\n",
		       id, what_names[g->what], g->len, a->bytes, a->err,
		       a->wrong ? ", wrong" : "", b->bytes, b->err,
		       b->wrong ? ", wrong" : "");
	return false;
}

static void compare(void)
{
	struct {
		unsigned int nr, bad;
		uint32_t slowest[2];
		int err;
	} sums[NR_WHAT + 1] = { 0 }, *sum;
	const struct outcome *o = common->outcome;
	struct greeting g;
	uint32_t id, i;

	for (id = 0; id < nr_conns; id++) {
		g = greeting_of(id);
		sum = &sums[g.what];
		if (o[id].took_ms > sum->slowest[id % 2])
			sum->slowest[id % 2] = o[id].took_ms;
		if (id % 2)
			continue;
		sum->nr++;
		sum->err = o[id].err;
		sum->bad += !same_end(id, &g);
	}
	for (i = 0; i <= NR_WHAT; i++) {
		sum = &sums[i];
		claim(sum->nr && !sum->bad,
		      "%s: as by recv() (%u pairs, the last one's error %d, slowest %u and %u ms)\n",
		      what_names[i], sum->nr, sum->err, sum->slowest[0],
		      sum->slowest[1]);
	}
}

/* In a network namespace of this process's own, where "lo" is brought up so. */
#define BAD_NETWORK	"tc qdisc add dev lo root netem limit 100000 " \
			"delay 500us 300us loss 1% duplicate 1% reorder 5% " \
			"corrupt 0.1%"

struct network {
	const char *lo;		/* how it is set, for ip(8) */
	int mss;		/* segments have no more bytes */
	uint32_t conns;
	uint32_t shorter;	/* streams have only this part of their bytes */
	uint64_t bulk_bytes;
};

static void network_begin(const struct network *n)
{
	char command[256];

	seed = chance_seed();
	nr_conns = n->conns / 2 * 2;
	bulk_bytes = n->bulk_bytes;
	shorter = n->shorter;
	most_mss = n->mss;
	need(!unshare(CLONE_NEWNET));
	snprintf(command, sizeof(command), "ip link set lo %s up && %s", n->lo,
		 BAD_NETWORK);
	need(!system(command));
	common = mmap(NULL, sizeof(*common) + nr_conns * sizeof(struct outcome),
		      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	need(common != MAP_FAILED);
}

static int netem(const struct network *n)
{
	uint64_t start = now_ns();
	int plain, listener, status;
	pid_t clients;

	begin(NR_WHAT + 1);
	many_files();
	network_begin(n);
	stream_fill();
	plain = listen_alive(&plain_port);
	listener = listen_alive(&seda_port);
	clients = clients_start();
	servers_start(plain, listener);
	need(waitpid(clients, &status, 0) == clients);
	if (status)
		fail("the clients failed");
	while (__atomic_load_n(&common->served, __ATOMIC_ACQUIRE) < nr_conns)
		sleep_ns(TICK);
	ksft_print_msg("%u connections, %" PRIu64 " kB by the device, %.1f s\n",
		       nr_conns, bulk_bytes >> 10, (now_ns() - start) / 1e9);
	compare();
	return end();
}

#endif /* NETEM_H */
