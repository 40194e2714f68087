/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of libsedak share: a stage that records its events, and
 * blocking sockets for the other end.  The backend is SEDAK_BACKEND's.
 */
#ifndef SEDAK_TEST_H
#define SEDAK_TEST_H

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "sedak.h"

#define MS		1000000ull
#define SEC		1000000000ull
/* nothing takes so long, but on an emulated machine with checks */
#define PATIENCE_MS	20000

struct rec {
	uint32_t type;
	int32_t res;
	struct sedak_conn *conn;
	void *user;
	void *data;
	size_t len;
	uint64_t amount;
	void *op;
};

/* A stage's state: the events it was given, and what else it does with them */
struct box {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct rec recs[8192];
	unsigned int n;
	unsigned int counts[16];
	char *bytes;		/* all data, in order */
	size_t nr_bytes, room;
	void (*act)(struct box *box, struct sedak_event *ev);
	void *arg;
	struct sedak_rt *rt;
	struct sedak_stage *stage;
	struct sedak_conn *conn;	/* the last accepted or connected */
};

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SEC + (uint64_t)ts.tv_nsec;
}

static inline void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static inline void box_record(struct box *box, const struct sedak_event *ev)
{
	struct rec *r;

	pthread_mutex_lock(&box->lock);
	if (box->n < sizeof(box->recs) / sizeof(box->recs[0])) {
		r = &box->recs[box->n++];
		r->type = ev->type;
		r->res = ev->res;
		r->conn = ev->conn;
		r->user = ev->user;
		r->data = ev->data;
		r->len = ev->len;
		r->amount = ev->amount;
		r->op = ev->op;
	}
	box->counts[ev->type & 15]++;
	if (ev->type == SEDAK_EV_ACCEPT ||
	    (ev->type == SEDAK_EV_CONNECT && !ev->res))
		box->conn = ev->conn;
	if (ev->type == SEDAK_EV_DATA) {
		if (box->nr_bytes + ev->len > box->room) {
			box->room = 2 * (box->nr_bytes + ev->len);
			box->bytes = realloc(box->bytes, box->room);
		}
		memcpy(box->bytes + box->nr_bytes, ev->data, ev->len);
		box->nr_bytes += ev->len;
	}
	pthread_cond_broadcast(&box->cond);
	pthread_mutex_unlock(&box->lock);
}

static inline void box_handler(struct sedak_stage *stage,
			       struct sedak_event *ev, unsigned int n)
{
	struct box *box = sedak_stage_state(stage);
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (box->act)
			box->act(box, &ev[i]);
		box_record(box, &ev[i]);
	}
}

static inline unsigned int box_count(struct box *box, uint32_t type)
{
	unsigned int n;

	pthread_mutex_lock(&box->lock);
	n = box->counts[type];
	pthread_mutex_unlock(&box->lock);
	return n;
}

static inline void deadline(struct timespec *ts, unsigned int ms)
{
	clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_sec += ms / 1000;
	ts->tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000;
	}
}

/* Waits for the count-th event of the type */
static inline bool box_wait(struct box *box, uint32_t type, unsigned int count)
{
	struct timespec ts;
	int ret = 0;

	deadline(&ts, PATIENCE_MS);
	pthread_mutex_lock(&box->lock);
	while (box->counts[type] < count && !ret)
		ret = pthread_cond_timedwait(&box->cond, &box->lock, &ts);
	pthread_mutex_unlock(&box->lock);
	return !ret;
}

/*
 * The only worker handles one of these items a round: the second one comes when it has
 * been told what was asked before, the third when it has submitted that.
 */
static inline bool seen_to(struct box *box)
{
	unsigned int i, n = box_count(box, SEDAK_EV_ITEM);

	for (i = 1; i <= 3; i++)
		if (sedak_stage_post(box->stage, NULL) ||
		    !box_wait(box, SEDAK_EV_ITEM, n + i))
			return false;
	return true;
}

static inline bool box_wait_bytes(struct box *box, size_t n)
{
	struct timespec ts;
	int ret = 0;

	deadline(&ts, PATIENCE_MS);
	pthread_mutex_lock(&box->lock);
	while (box->nr_bytes < n && !ret)
		ret = pthread_cond_timedwait(&box->cond, &box->lock, &ts);
	pthread_mutex_unlock(&box->lock);
	return !ret;
}

/* The nth (from 0) event of the type, or NULL */
static inline struct rec *box_find(struct box *box, uint32_t type,
				   unsigned int nth)
{
	struct rec *found = NULL;
	unsigned int i;

	pthread_mutex_lock(&box->lock);
	for (i = 0; i < box->n && !found; i++)
		if (box->recs[i].type == type && !nth--)
			found = &box->recs[i];
	pthread_mutex_unlock(&box->lock);
	return found;
}

static inline struct box *box_new(void)
{
	struct box *box = calloc(1, sizeof(*box));
	pthread_condattr_t attr;

	pthread_mutex_init(&box->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&box->cond, &attr);
	pthread_condattr_destroy(&attr);
	return box;
}

static inline void box_free(struct box *box)
{
	free(box->bytes);
	free(box);
}

static inline struct sedak_rt *rt_new(unsigned int workers)
{
	struct sedak_rt_opts o = { .size = sizeof(o), .workers = workers };
	struct sedak_rt *rt = NULL;
	int ret = sedak_rt_create(&o, &rt);

	if (ret < 0) {
		fprintf(stderr, "sedak_rt_create: %s\n", strerror(-ret));
		exit(1);
	}
	return rt;
}

static inline struct sedak_stage *stage_of(struct sedak_rt *rt, struct box *box)
{
	struct sedak_stage_opts o = { .size = sizeof(o),
				      .handler = box_handler, .state = box };

	box->rt = rt;
	if (sedak_stage_create(rt, &o, &box->stage))
		abort();
	return box->stage;
}

static inline uint16_t port_of(const struct sedak_listener *l)
{
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);

	if (sedak_listener_addr(l, (struct sockaddr *)&a, &len))
		abort();
	return ntohs(a.sin6_port);
}

/* A listener of the stage on a port of 127.0.0.1 that the system chooses */
static inline uint16_t listen_on(struct sedak_stage *stage)
{
	struct sedak_listen_opts o = { .size = sizeof(o), .host = "127.0.0.1",
				       .stage = stage };
	struct sedak_listener *l;

	if (sedak_listen(&o, &l))
		abort();
	return port_of(l);
}

/* A runtime with one recording stage that listens, started */
static inline struct box *server(unsigned int workers, uint16_t *port,
				 void (*act)(struct box *, struct sedak_event *))
{
	struct box *box = box_new();

	box->act = act;
	stage_of(rt_new(workers), box);
	*port = listen_on(box->stage);
	if (sedak_rt_start(box->rt))
		abort();
	return box;
}

static inline void server_end(struct box *box)
{
	sedak_rt_destroy(box->rt);
	box_free(box);
}

/* ------------------------------------------------- the other end: blocking */

static inline int dial(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval tv = { .tv_sec = PATIENCE_MS / 1000 };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A listening socket of the test's own; *port receives its port */
static inline int passive(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 16) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		abort();
	*port = ntohs(a.sin_port);
	return fd;
}

/* Reads exactly n bytes; false at an end or error */
static inline bool take(int fd, void *buf, size_t n)
{
	ssize_t ret;

	for (; n; n -= (size_t)ret, buf = (char *)buf + ret) {
		ret = recv(fd, buf, n, 0);
		if (ret <= 0)
			return false;
	}
	return true;
}

static inline bool give(int fd, const void *buf, size_t n)
{
	ssize_t ret;

	for (; n; n -= (size_t)ret, buf = (const char *)buf + ret) {
		ret = send(fd, buf, n, MSG_NOSIGNAL);
		if (ret <= 0)
			return false;
	}
	return true;
}

/* Bytes that are different everywhere */
static inline void pattern(char *buf, size_t n, uint32_t seed)
{
	size_t i;

	for (i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		buf[i] = (char)(seed >> 24);
	}
}

/* Threads of this process */
static inline int nr_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;	/* . and .. */
}

static inline void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* without a second one all are on the first */
	sched_setaffinity(0, sizeof(set), &set);
}

static inline bool until(bool (*test)(void *), void *arg)
{
	uint64_t end = now_ns() + PATIENCE_MS * MS;

	while (!test(arg)) {
		if (now_ns() > end)
			return false;
		sleep_ms(2);
	}
	return true;
}

/* For until(): one that was joined is a thread for a while yet */
static inline bool are_threads(void *n)
{
	return nr_threads() == *(int *)n;
}

#endif /* SEDAK_TEST_H */
