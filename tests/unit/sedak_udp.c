// SPDX-License-Identifier: GPL-2.0
/*
 * libsedak: datagrams come with their sender's address and go back to it.
 *
 * vm: --smp 2
 */
#include "sedak_test.h"

static void act_echo(struct box *box, struct sedak_event *ev)
{
	if (ev->type != SEDAK_EV_DATAGRAM)
		return;
	if (ev->len == 1)	/* a copy, to the address by hand */
		sedak_udp_send(ev->udp, ev->data, ev->len, ev->addr,
			       ev->addr->sa_family == AF_INET ?
			       sizeof(struct sockaddr_in) :
			       sizeof(struct sockaddr_in6));
	else
		sedak_udp_send_event(ev->udp, ev, ev->len);
}

static struct box *udp_server(const char *host, struct sedak_udp **u,
			      struct sockaddr_in6 *addr, unsigned int buf_size)
{
	struct sedak_rt_opts ro = { .size = sizeof(ro), .workers = 2,
				    .buf_size = buf_size };
	struct sedak_udp_opts o = { .size = sizeof(o), .host = host };
	struct box *box = box_new();
	struct sedak_rt *rt;
	socklen_t len = sizeof(*addr);

	box->act = act_echo;
	if (sedak_rt_create(&ro, &rt))
		abort();
	o.stage = stage_of(rt, box);
	o.user = box;
	if (sedak_udp_open(&o, u) ||
	    sedak_udp_addr(*u, (struct sockaddr *)addr, &len) ||
	    sedak_rt_start(rt))
		abort();
	return box;
}

static int udp_client(const struct sockaddr_in6 *to)
{
	struct timeval tv = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(to->sin6_family, SOCK_DGRAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		abort();
	return fd;
}

static void talk(struct __test_metadata *_metadata, const char *host)
{
	static const size_t sizes[] = { 2, 1, 64, 1472, 4096, 60000 };
	char *out = malloc(65536), *in = malloc(65536);
	struct sockaddr_in6 addr;
	struct sedak_udp *u;
	struct box *box = udp_server(host, &u, &addr, 65536);
	int fd = udp_client(&addr);
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pattern(out, sizes[i], i);
		ASSERT_EQ((ssize_t)sizes[i], send(fd, out, sizes[i], 0));
		ASSERT_EQ((ssize_t)sizes[i], recv(fd, in, 65536, 0));
		EXPECT_EQ(0, memcmp(in, out, sizes[i]));
	}
	EXPECT_EQ(0, sedak_udp_close(u));
	EXPECT_EQ(-ESTALE, sedak_udp_close(u));
	EXPECT_EQ(-ESTALE, sedak_udp_send(u, "x", 1, (struct sockaddr *)&addr,
					  sizeof(addr)));
	close(fd);
	server_end(box);
	free(in);
	free(out);
}

TEST(ipv4) { talk(_metadata, "127.0.0.1"); }
TEST(ipv6) { talk(_metadata, "::1"); }

TEST(cut)
{
	struct sockaddr_in6 addr;
	struct sedak_udp *u;
	struct box *box = udp_server("127.0.0.1", &u, &addr, 1024);
	int fd = udp_client(&addr);
	char data[2000] = "";

	ASSERT_EQ(2000, send(fd, data, 2000, 0));
	ASSERT_TRUE(box_wait(box, SEDAK_EV_DATAGRAM, 1));
	EXPECT_EQ(1024, box_find(box, SEDAK_EV_DATAGRAM, 0)->len);
	EXPECT_LT(1024, box_find(box, SEDAK_EV_DATAGRAM, 0)->amount);
	close(fd);
	server_end(box);
}

TEST(from_any_thread)
{
	struct sockaddr_in6 addr, to;
	struct sedak_udp *u;
	struct box *box = udp_server("127.0.0.1", &u, &addr, 0);
	socklen_t len = sizeof(to);
	int fd = udp_client(&addr), i;
	char in[8];

	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&to, &len));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, sedak_udp_send(u, &i, sizeof(i),
					    (struct sockaddr *)&to, len));
		ASSERT_EQ((ssize_t)sizeof(i), recv(fd, in, sizeof(in), 0));
		ASSERT_EQ(0, memcmp(in, &i, sizeof(i)));
	}
	EXPECT_EQ(-EINVAL, sedak_udp_send(u, "x", 1, NULL, 0));
	EXPECT_EQ(-EMSGSIZE, sedak_udp_send(u, in, 70000, (struct sockaddr *)&to,
					    len));
	close(fd);
	server_end(box);
}

/* 40 are more than any batch; the socket's own buffer holds them */
TEST(bursts)
{
	struct sedak_rt_stats st = { .size = sizeof(st) };
	struct sockaddr_in6 addr;
	struct sedak_udp *u;
	struct box *box = udp_server("127.0.0.1", &u, &addr, 0);
	int fd = udp_client(&addr), i, n = 0;
	char seen[40] = "", in[64];

	for (i = 0; i < 40; i++) {
		in[0] = (char)i;
		ASSERT_EQ(20, send(fd, in, 20, 0));
	}
	for (i = 0; i < 40; i++) {
		ASSERT_EQ(20, recv(fd, in, sizeof(in), 0)) {
			sedak_rt_get_stats(box->rt, &st);
			TH_LOG("%d came, %u were received, %llu dropped", i,
			       box_count(box, SEDAK_EV_DATAGRAM),
			       (unsigned long long)st.udp_dropped);
		}
		n += !seen[(int)in[0]]++;
	}
	EXPECT_EQ(40, n);
	close(fd);
	server_end(box);
}

/* So that a worker has to wait, for the clock's lock, before it submits */
static atomic_bool sent_all;

static void *move_timer(void *timer)
{
	uint64_t ns;

	for (ns = 100000 * SEC; !atomic_load(&sent_all); ns -= 2 * MS)
		if (sedak_timer_set(timer, ns, 0))
			abort();
	return NULL;
}

/*
 * The worker that is to close may overtake the one that is about to send: they
 * share a CPU, and the close comes a little later each time.
 */
TEST(closed_after_sending)
{
	struct sedak_udp_opts o = { .size = sizeof(o), .host = "127.0.0.1" };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval tv = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 1 << 20;
	socklen_t len = sizeof(to);
	struct box *box = box_new();
	uint32_t i, j, in = 0, seq;
	struct sedak_timer *timer;
	struct sedak_udp *u;
	pthread_t mover;
	uint64_t end;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&to, sizeof(to)));
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&to, &len));
	o.stage = stage_of(rt_new(2), box);
	run_on(0);
	ASSERT_EQ(0, sedak_rt_start(box->rt));
	run_on(1);
	ASSERT_EQ(0, sedak_timer_create(box->stage, NULL, &timer));
	ASSERT_EQ(0, pthread_create(&mover, NULL, move_timer, timer));
	for (i = 0; i < 300; i++) {
		ASSERT_EQ(0, sedak_udp_open(&o, &u));
		for (j = 0; j < 20; j++) {
			seq = i * 20 + j;
			ASSERT_EQ(0, sedak_udp_send(u, &seq, sizeof(seq),
						    (struct sockaddr *)&to,
						    len));
		}
		end = now_ns() + i % 250 * 1000;
		while (now_ns() < end)
			;
		ASSERT_EQ(0, sedak_udp_close(u));
		/* what several workers send may change places, within a round */
		for (j = 0; j < 20; j++) {
			ASSERT_EQ((ssize_t)sizeof(in),
				  recv(fd, &in, sizeof(in), 0))
				TH_LOG("round %u, after %u", i, j);
			EXPECT_EQ(i, in / 20);
		}
	}
	atomic_store(&sent_all, true);
	ASSERT_EQ(0, pthread_join(mover, NULL));
	close(fd);
	server_end(box);
}

TEST_HARNESS_MAIN
