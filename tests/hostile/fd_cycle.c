// SPDX-License-Identifier: GPL-2.0
/*
 * Apps in flight in the very sockets they look at end with the last descriptor:
 * the app holds no reference to such a file, or is no reference that a cycle
 * could close (CVE-2022-2602, CVE-2023-6531).
 */
#include <kselftest_harness.h>

#include <liburing.h>

#include "tests/lib/fdpass.h"
#include "tests/lib/stages.h"

#define ROUNDS	25

/* A pair of Unix sockets; source: the first end, as the app knows it. */
static int watched_pair(struct rig *r, int type, int s[2], uint64_t *source)
{
	MUST(!rig_open(r, NULL, NULL));
	MUST(!socketpair(AF_UNIX, type, 0, s));
	MUST(!app_watch(&r->app, s[0], r->stage, POLLIN, 0, source));
	return 0;
}

/* The queue of the socket that is watched has the app. */
static int in_its_own_queue(int type)
{
	uint64_t id;
	struct rig r;
	int s[2];

	MUST(!watched_pair(&r, type, s, &id));
	MUST(!fd_send(s[1], r.app.fd));
	MUST(rig_next(&r));
	rig_close(&r);
	close(s[0]);
	close(s[1]);
	return 0;
}

/* The queue of the other end has it. */
static int in_the_peers_queue(int type)
{
	uint64_t id;
	struct rig r;
	int s[2];

	MUST(!watched_pair(&r, type, s, &id));
	MUST(!fd_send(s[0], r.app.fd));
	close(s[1]);
	close(s[0]);
	rig_close(&r);
	return 0;
}

/* Two apps, each in the queue of the socket that the other watches. */
static int in_each_others(int type)
{
	uint64_t id;
	struct rig a, b;
	int s[2], t[2];

	MUST(!watched_pair(&a, type, s, &id));
	MUST(!watched_pair(&b, type, t, &id));
	MUST(!fd_send(s[1], b.app.fd));
	MUST(!fd_send(t[1], a.app.fd));
	close(s[0]);
	close(s[1]);
	close(t[0]);
	close(t[1]);
	rig_close(&a);
	rig_close(&b);
	return 0;
}

/* The sockets and the app are all in flight in each other. */
static int with_the_socket(int type)
{
	uint64_t id;
	struct rig r;
	int s[2];

	MUST(!watched_pair(&r, type, s, &id));
	MUST(!fd_send(s[1], r.app.fd));
	MUST(!fd_send(s[1], s[0]));
	MUST(!fd_send(s[0], s[1]));
	close(s[0]);
	close(s[1]);
	rig_close(&r);
	return 0;
}

/*
 * A ring has both, and polls the app; the socket's queue has the ring, where the
 * kernel still lets one send it (not since 2024).
 */
static int with_a_ring(int type)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int files[2], s[2];
	uint64_t id;
	struct rig r;

	MUST(!watched_pair(&r, type, s, &id));
	MUST(!io_uring_queue_init(4, &ring, 0));
	files[0] = r.app.fd;
	files[1] = s[0];
	MUST(!io_uring_register_files(&ring, files, 2));
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_poll_add(sqe, 0, POLLIN);
	sqe->flags |= IOSQE_FIXED_FILE;
	MUST(io_uring_submit(&ring) == 1);
	fd_send(s[1], ring.ring_fd);
	close(s[0]);
	close(s[1]);
	rig_close(&r);
	io_uring_queue_exit(&ring);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(int type);
} cycles[] = {
	{ "in its own queue", in_its_own_queue },
	{ "in the peer's queue", in_the_peers_queue },
	{ "in each other's", in_each_others },
	{ "with the socket", with_the_socket },
	{ "with a ring", with_a_ring },
};

/* The kernel collects descriptors in flight when a Unix socket is closed. */
static void collect(void)
{
	close(socket(AF_UNIX, SOCK_STREAM, 0));
}

TEST(all_end)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
	size_t i;
	int n;

	for (i = 0; i < 2 * sizeof(cycles) / sizeof(cycles[0]); i++) {
		for (n = 0; n < ROUNDS; n++) {
			ASSERT_EQ(0, cycles[i / 2].run(types[i % 2])) {
				TH_LOG("%s", cycles[i / 2].name);
			}
		}
		collect();
		EXPECT_TRUE(await_gone()) {
			TH_LOG("%s", cycles[i / 2].name);
		}
	}
}

TEST_HARNESS_MAIN
