/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A server that does a bit of everything, and clients that behave in every
 * way, in processes of their own; both run until they are killed.  What goes
 * right is not looked at here: it is the load under which others are tested.
 */
#ifndef BUSY_H
#define BUSY_H

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "tests/stress/stress.h"

#define BUSY_WORKERS	4
#define BUSY_HELD	16
#define BUSY_FDS	24
#define BUSY_CONNS	16
#define BUSY_FLOOD	(256 << 10)

struct busy {
	struct app app;
	uint64_t accepts, data, posts, timers;
	int listener, adopting, udp, event;
	uint16_t port, adopt_port, udp_port;
	uint64_t seed;
};

static struct busy busy;
static char busy_flood[BUSY_FLOOD];

/* What the server and its clients meet at. */
static inline void busy_sockets(uint64_t seed)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);
	int room = 32768;

	memset(&busy, 0, sizeof(busy));
	busy.seed = seed;
	busy.listener = tcp_listen(&busy.port);
	busy.adopting = tcp_listen(&busy.adopt_port);
	busy.udp = socket(AF_INET, SOCK_DGRAM, 0);
	need(busy.listener >= 0 && busy.adopting >= 0 && busy.udp >= 0);
	/* little room in what they accept, so that sends have to wait */
	setsockopt(busy.listener, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(busy.adopting, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	need(!bind(busy.udp, (struct sockaddr *)&sin, sizeof(sin)));
	need(!getsockname(busy.udp, (struct sockaddr *)&sin, &len));
	busy.udp_port = sin.sin_port;
}

static inline void busy_sockets_close(void)
{
	close(busy.listener);
	close(busy.adopting);
	close(busy.udp);
}

struct busy_worker {
	struct worker w;
	uint64_t chance;
	struct { uint64_t source; uint32_t buf; } held[BUSY_HELD];
	unsigned int nr_held;
	char scratch[4096];
};

static inline void busy_release(struct busy_worker *b)
{
	while (b->nr_held) {
		b->nr_held--;
		worker_op(&b->w, SEDA_OP_RELEASE, b->held[b->nr_held].source);
		if (b->held[b->nr_held].buf != SEDA_NO_BUF)
			worker_op(&b->w, SEDA_OP_RETURN, 0)->buf =
				b->held[b->nr_held].buf;
	}
}

static inline void busy_send_flood(struct busy_worker *b, uint64_t source)
{
	struct seda_op *op = worker_op(&b->w, SEDA_OP_SEND, source);

	op->addr = (uintptr_t)busy_flood;
	op->len = sizeof(busy_flood);
	op->user_data = 1;
}

static inline void busy_in(struct busy_worker *b, const struct seda_event *ev)
{
	struct seda_op *op;

	if (ev->buf == SEDA_NO_BUF) {
		op = worker_op(&b->w, SEDA_OP_RECV, ev->source);
		op->addr = (uintptr_t)b->scratch;
		op->len = sizeof(b->scratch);
		busy_send_flood(b, ev->source);
		return;
	}
	switch (app_buf(&busy.app, ev->buf)[0]) {
	case 'f':
		busy_send_flood(b, ev->source);
		break;
	case 'x':
		worker_op(&b->w, SEDA_OP_CLOSE, ev->source)->flags =
			chance(&b->chance, 4);
		break;
	default:
		worker_echo(&b->w, ev);
	}
}

static inline void busy_event(struct busy_worker *b, unsigned int i)
{
	const struct seda_event *ev = &b->w.events[i];
	struct seda_op *op;

	if (ev->events & SEDA_EV_IN)
		busy_in(b, ev);
	if (ev->events & SEDA_EV_CONNECT && !ev->res)
		busy_send_flood(b, ev->source);
	if (ev->events & (SEDA_EV_EOF | SEDA_EV_ERR))
		worker_op(&b->w, SEDA_OP_CLOSE, ev->source)->flags =
			chance(&b->chance, 2) ? SEDA_CLOSE_ABORT : 0;
	if (!chance(&b->chance, 8)) {
		op = worker_op(&b->w, SEDA_OP_POST, busy.posts);
		op->addr = i;
	}
	if (ev->events & (SEDA_EV_IN | SEDA_EV_ACCEPT) &&
	    !chance(&b->chance, 16) && b->nr_held < BUSY_HELD) {
		b->held[b->nr_held].source = ev->events & SEDA_EV_ACCEPT ?
			ev->child : ev->source;
		b->held[b->nr_held++].buf = ev->events & SEDA_EV_ACCEPT ?
			SEDA_NO_BUF : ev->buf;
		b->w.ctl[i].flags = SEDA_CTL_HOLD | SEDA_CTL_KEEP;
	}
}

static inline void *busy_work(void *arg)
{
	struct busy_worker *b = calloc(1, sizeof(*b));
	int n, i;

	need(b && !worker_join(&busy.app, &b->w));
	b->chance = busy.seed + (uintptr_t)arg + 1;
	for (;;) {
		n = enter_some(&b->w, 1, chance(&b->chance, 2) ? TICK :
				 SEDA_FOREVER);
		if (n < 0)
			fail("ENTER: %d", n);
		if (b->nr_held == BUSY_HELD)
			busy_release(b);
		for (i = 0; i < n; i++)
			busy_event(b, i);
	}
	return NULL;
}

/* Adopts what comes in at its port, and closes descriptors under it. */
static inline void *busy_adopt(void *arg)
{
	uint64_t state = busy.seed + 100;
	int fds[BUSY_FDS], i, fd;

	memset(fds, -1, sizeof(fds));
	for (;;) {
		fd = accept4(busy.adopting, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		i = chance(&state, BUSY_FDS);
		close(fds[i]);
		fds[i] = fd;
		app_adopt(&busy.app, fd, busy.data, 1, chance(&state, 2) ?
			  SEDA_SOURCE_NOBUF : 0, NULL);
	}
	return NULL;
}

/* Posts, connects without a descriptor, and makes a file ready. */
static inline void *busy_post(void *arg)
{
	struct seda_connect_args c = {
		.size = sizeof(c), .stage = busy.data,
		.peer = { .family = AF_INET, .addr = { 127, 0, 0, 1 } },
	};
	uint64_t state = busy.seed + 200, one = 1;

	for (;;) {
		app_post(&busy.app, busy.posts, 1, 2);
		if (write(busy.event, &one, sizeof(one)) < 0)
			break;
		if (!chance(&state, 4)) {
			c.source = 0;
			c.peer.port = htons(busy.port);
			app_call(&busy.app, SEDA_IOC_CONNECT, &c);
		}
		sleep_ns(chance(&state, 1000000));
	}
	return NULL;
}

static inline void busy_sources(void)
{
	struct seda_watch_args watch = {
		.size = sizeof(watch), .stage = busy.timers, .mask = EPOLLIN,
		.flags = SEDA_WATCH_EDGE,
	};
	struct seda_timer_args timer = {
		.size = sizeof(timer), .stage = busy.timers,
		.first_ns = 100000, .period_ns = 1000000,
	};
	int i;

	need(!app_listen(&busy.app, busy.listener, busy.accepts, busy.data,
			 NULL));
	need(!app_adopt(&busy.app, busy.udp, busy.data, 1, 0, NULL));
	busy.event = eventfd(0, EFD_NONBLOCK);
	watch.fd = busy.event;
	need(!app_call(&busy.app, SEDA_IOC_WATCH, &watch));
	for (i = 0; i < 4; i++) {
		timer.source = 0;
		timer.period_ns += 100000;
		need(!app_call(&busy.app, SEDA_IOC_TIMER, &timer));
	}
}

/* The server; tells by a byte that it is up.  Until it is killed. */
static inline void busy_server(int up)
{
	struct seda_setup_args setup = { .events = 32, .bufs = 128,
					 .sources = 4096, .workers = 8 };
	struct seda_stage_args posts = { .posts = 64, .priority = 3 };
	struct seda_stage_args batched = { .min_batch = 2,
					   .max_delay_ns = 500000 };
	uintptr_t i;

	need(!app_open(&busy.app, &setup));
	need(!app_stage(&busy.app, NULL, &busy.accepts));
	need(!app_stage(&busy.app, NULL, &busy.data));
	need(!app_stage(&busy.app, &posts, &busy.posts));
	need(!app_stage(&busy.app, &batched, &busy.timers));
	busy_sources();
	for (i = 0; i < BUSY_WORKERS; i++)
		thread(busy_work, (void *)i);
	thread(busy_adopt, NULL);
	thread(busy_post, NULL);
	need(write(up, "!", 1) == 1);
	for (;;)
		pause();
}

struct busy_conn {
	int fd;
	bool slow;
};

static inline int busy_connect(uint64_t *state)
{
	int fd = tcp_connect(chance(state, 4) ? busy.port : busy.adopt_port);

	if (fd < 0)
		sleep_ns(1000000);
	return fd;
}

static inline void busy_talk(struct busy_conn *c, uint64_t *state)
{
	static const char words[] = "eeeeeffx";
	struct linger reset = { .l_onoff = 1 };
	int what = chance(state, 32);
	char data[4096];

	switch (what) {
	case 0:
	case 1:
		if (what)
			setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset,
				   sizeof(reset));
		close(c->fd);
		c->fd = -1;
		return;
	case 2:
		shutdown(c->fd, SHUT_WR);
		return;
	}
	memset(data, c->slow ? 'f' : words[chance(state, 8)], sizeof(data));
	if (send(c->fd, data, 1 + chance(state, 2000),
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
		close(c->fd);
		c->fd = -1;
	} else if (!c->slow) {
		while (recv(c->fd, data, sizeof(data), MSG_DONTWAIT) > 0)
			continue;
	}
}

static inline void *busy_client_thread(void *arg)
{
	uint64_t state = busy.seed + 300 + (uintptr_t)arg;
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = busy.udp_port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct busy_conn conns[BUSY_CONNS];
	int udp = socket(AF_INET, SOCK_DGRAM, 0), i;

	memset(conns, -1, sizeof(conns));
	for (;;) {
		i = chance(&state, BUSY_CONNS);
		if (conns[i].fd < 0) {
			conns[i].fd = busy_connect(&state);
			conns[i].slow = i < BUSY_CONNS / 4;
		} else {
			busy_talk(&conns[i], &state);
		}
		if (!chance(&state, 8))
			sendto(udp, "datagram", 8, MSG_DONTWAIT,
			       (struct sockaddr *)&sin, sizeof(sin));
		if (!chance(&state, 16))
			sleep_ns(1 + chance(&state, 300000));
	}
	return NULL;
}

/* The clients, until they are killed. */
static inline void busy_clients(void)
{
	uintptr_t i;

	for (i = 0; i < 2; i++)
		thread(busy_client_thread, (void *)i);
	for (;;)
		pause();
}

struct busy_pids {
	pid_t server, clients;
};

/* Both, up and talking to each other. */
static inline void busy_start(struct busy_pids *pids, uint64_t seed)
{
	int up[2];
	char c;

	fflush(stdout);
	busy_sockets(seed);
	need(!pipe(up));
	pids->server = fork();
	need(pids->server >= 0);
	if (!pids->server) {
		close(up[0]);
		busy_server(up[1]);
	}
	close(up[1]);
	pids->clients = fork();
	need(pids->clients >= 0);
	if (!pids->clients) {
		busy_sockets_close();
		busy_clients();
	}
	busy_sockets_close();
	need(read(up[0], &c, 1) == 1);
	close(up[0]);
}

/* Dead: by our SIGKILL, not by a failure of its own. */
static inline void busy_reap(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) == pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail("status %#x of a process that was to be killed", status);
}

static inline void busy_stop(pid_t pid)
{
	need(!kill(pid, SIGKILL));
	busy_reap(pid);
}

#endif /* BUSY_H */
