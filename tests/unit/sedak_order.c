// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: with many connections and workers the bytes of each come in order,
 * and no two workers handle one connection at once; items come in order, too, by
 * whichever queue, when a stage between is held back and goes on.
 */
#include "sedak_test.h"

#define CONNS	32
#define WORDS	20000

struct state {
	_Atomic int busy;
	uint32_t next;
	uint32_t part, have;
};

static _Atomic int overlaps, disorder;
static uint32_t words[WORDS];

static void check(struct state *s, const unsigned char *p, size_t n)
{
	for (; n; n--, p++) {
		s->part |= (uint32_t)*p << (8 * s->have);
		if (++s->have == 4) {
			if (s->part != s->next++)
				disorder++;
			s->part = 0;
			s->have = 0;
		}
	}
}

static void handler(struct sedak_stage *stage, struct sedak_event *ev,
		    unsigned int n)
{
	struct state *s;
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (ev[i].type == SEDAK_EV_ACCEPT) {
			sedak_conn_set_user(ev[i].conn, calloc(1, sizeof(*s)));
			continue;
		}
		s = sedak_conn_user(ev[i].conn);
		if (atomic_fetch_add(&s->busy, 1))
			overlaps++;
		if (ev[i].type == SEDAK_EV_DATA) {
			check(s, ev[i].data, ev[i].len);
			sedak_conn_send_event(ev[i].conn, &ev[i], 0, ev[i].len,
					      0);
		} else if (ev[i].type == SEDAK_EV_EOF) {
			sedak_conn_close(ev[i].conn);
		}
		atomic_fetch_sub(&s->busy, 1);
		if (ev[i].type == SEDAK_EV_CLOSED) {
			if (s->next != WORDS)
				disorder++;
			free(s);
		}
	}
}

/* Small and large writes, and reads that lag behind a little */
static void *client(void *arg)
{
	char *in = malloc(sizeof(words));
	uint16_t port = *(uint16_t *)arg;
	size_t done = 0, got = 0, n;
	long ok = 0;
	int fd = dial(port);
	uint32_t i;

	for (i = 0; done < sizeof(words); i++) {
		n = 1 + (i * 2654435761u >> 20) % 3000;
		if (n > sizeof(words) - done)
			n = sizeof(words) - done;
		if (!give(fd, (char *)words + done, n))
			break;
		done += n;
		if (done - got > 8000) {
			if (!take(fd, in + got, done - got))
				break;
			got = done;
		}
	}
	shutdown(fd, SHUT_WR);
	if (take(fd, in + got, sizeof(words) - got) &&
	    !memcmp(in, words, sizeof(words)) && recv(fd, in, 1, 0) == 0)
		ok = 1;
	close(fd);
	free(in);
	return (void *)ok;
}

TEST(order)
{
	struct sedak_rt_stats st = { .size = sizeof(st) };
	struct sedak_stage_opts o = { .size = sizeof(o), .handler = handler };
	struct sedak_rt *rt = rt_new(4);
	pthread_t t[CONNS];
	void *ok;
	uint16_t port;
	int i;

	for (i = 0; i < WORDS; i++)
		words[i] = (uint32_t)i;
	ASSERT_EQ(0, sedak_stage_create(rt, &o, &(struct sedak_stage *){ NULL }));
	port = listen_on(sedak_rt_stage(rt, 0));
	ASSERT_EQ(0, sedak_rt_start(rt));
	for (i = 0; i < CONNS; i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, client, &port));
	for (i = 0; i < CONNS; i++) {
		pthread_join(t[i], &ok);
		EXPECT_NE(NULL, ok);
	}
	ASSERT_EQ(0, sedak_rt_drain(rt, 20 * SEC));
	ASSERT_EQ(0, sedak_rt_get_stats(rt, &st));
	EXPECT_EQ(CONNS, st.accepted);
	EXPECT_EQ(CONNS, st.closed);
	EXPECT_EQ(0, st.aborted);
	EXPECT_EQ(CONNS * WORDS * 4ull, st.bytes_in);
	EXPECT_EQ(CONNS * WORDS * 4ull, st.bytes_out);
	sedak_rt_destroy(rt);
	EXPECT_EQ(0, atomic_load(&overlaps));
	EXPECT_EQ(0, atomic_load(&disorder));
}

#define ITEMS	6000
#define AT_ONCE	10

static struct sedak_stage *middle, *sink;
static uintptr_t posted, arrived;

static void begins(struct sedak_stage *stage, struct sedak_event *ev,
		   unsigned int n)
{
	int i;

	for (; n; n--)
		for (i = 0; i < AT_ONCE; i++)
			disorder += sedak_stage_post(middle, (void *)(++posted));
}

static void forwards(struct sedak_stage *stage, struct sedak_event *ev,
		     unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		disorder += sedak_stage_post(sink, ev[i].data);
}

static void ends(struct sedak_stage *stage, struct sedak_event *ev,
		 unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		disorder += (uintptr_t)ev[i].data != ++arrived;
	/* so that the queue before is full, most of the time */
	usleep(50);
}

TEST(held_back)
{
	struct sedak_stage_stats st = { .size = sizeof(st) };
	struct sedak_stage_opts first = { .size = sizeof(first),
					  .handler = begins };
	struct sedak_stage_opts then = {
		.size = sizeof(then), .handler = forwards, .max_batch = 2,
		.capacity = ITEMS,
	};
	struct sedak_stage_opts last = {
		.size = sizeof(last), .handler = ends, .capacity = 4,
		.full = SEDAK_FULL_BACKPRESSURE,
	};
	struct sedak_pool_opts own = { .size = sizeof(own), .workers = 1 };
	struct sedak_rt *rt = rt_new(1);
	struct sedak_stage *begin;
	int i;

	ASSERT_EQ(0, sedak_pool_create(rt, &own, &last.pool));
	ASSERT_EQ(0, sedak_stage_create(rt, &first, &begin));
	ASSERT_EQ(0, sedak_stage_create(rt, &then, &middle));
	ASSERT_EQ(0, sedak_stage_create(rt, &last, &sink));
	ASSERT_EQ(0, sedak_rt_start(rt));
	for (i = 0; i < ITEMS / AT_ONCE; i++) {
		ASSERT_EQ(0, sedak_stage_post(begin, NULL));
		usleep(100);
	}
	ASSERT_EQ(0, sedak_rt_drain(rt, 20 * SEC));
	ASSERT_EQ(0, sedak_stage_get_stats(middle, &st));
	EXPECT_LT(10, st.pauses);
	EXPECT_EQ(ITEMS, arrived);
	EXPECT_EQ(0, atomic_load(&disorder));
	sedak_rt_destroy(rt);
}

TEST_HARNESS_MAIN
