// SPDX-License-Identifier: GPL-2.0
/*
 * Connections in a BPF sockmap, which keeps what a program redirected to them in
 * a queue of its own: received all the same, and the map's callbacks stay.
 */
#include <kselftest_harness.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

#include "tests/lib/seda_rig.h"

#define TARGET	0	/* keys in the map: who gets */
#define FROM	1	/* what comes in here */

FIXTURE(sockmap) {
	struct rig r;
	uint64_t id;
	int map;
	int own, peer;		/* own is at TARGET */
	int from, sender;	/* from is at FROM */
};

static int bpf(int cmd, union bpf_attr *attr)
{
	int ret = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return ret < 0 ? -errno : ret;
}

static int map_create(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4,
		.value_size = 4, .max_entries = 2,
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

static int map_put(int map, uint32_t key, int fd)
{
	union bpf_attr attr = { .map_fd = map };

	attr.key = (uintptr_t)&key;
	attr.value = (uintptr_t)&fd;
	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

static int prog_load(int type, const struct bpf_insn *code, unsigned int n)
{
	union bpf_attr attr = { .prog_type = type, .insn_cnt = n };

	attr.insns = (uintptr_t)code;
	attr.license = (uintptr_t)"GPL";
	return bpf(BPF_PROG_LOAD, &attr);
}

static int prog_attach(int map, int prog, int type)
{
	union bpf_attr attr = { .target_fd = map, .attach_type = type };

	attr.attach_bpf_fd = prog;
	return prog < 0 ? prog : bpf(BPF_PROG_ATTACH, &attr);
}

/* What is sent passes: return SK_PASS. */
static int pass_attach(int map)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = SK_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return prog_attach(map, prog_load(BPF_PROG_TYPE_SK_MSG, code, 2),
			   BPF_SK_MSG_VERDICT);
}

/* A program: return bpf_sk_redirect_map(skb, map, TARGET, BPF_F_INGRESS). */
static int redirect_load(int map)
{
	struct bpf_insn code[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_2,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3,
		  .imm = TARGET },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4,
		  .imm = BPF_F_INGRESS },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_sk_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return prog_load(BPF_PROG_TYPE_SK_SKB, code,
			 sizeof(code) / sizeof(code[0]));
}

static int redirect_attach(int map)
{
	return prog_attach(map, redirect_load(map), BPF_SK_SKB_STREAM_VERDICT);
}

FIXTURE_SETUP(sockmap)
{
	struct seda_setup_args setup = { .buf_size = 64 };
	const char *kind = getenv("SEDA_DEBUG");
	int fd[2];

	if (kind && !strcmp(kind, "lockdep"))
		SKIP(return, "lockdep reports sockmap's own locks");
	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	self->map = map_create();
	if (self->map == -ENOSYS || self->map == -EINVAL)
		SKIP(return, "no BPF sockmap here");
	ASSERT_LE(0, self->map);
	ASSERT_EQ(0, tcp_pair(fd));
	self->own = fd[0];
	self->peer = fd[1];
	ASSERT_EQ(0, tcp_pair(fd));
	self->from = fd[0];
	self->sender = fd[1];
}

FIXTURE_TEARDOWN(sockmap)
{
	rig_close(&self->r);
}

static void gets(struct __test_metadata *_metadata, struct rig *r, int sender)
{
	unsigned char data[1000], got[1000];
	struct seda_event *ev;
	size_t done = 0;

	pattern_fill(data, 0, sizeof(data));
	ASSERT_EQ(1000, write(sender, data, 1000));
	while (done < sizeof(got)) {
		ev = rig_next(r);
		ASSERT_NE(NULL, ev);
		ASSERT_EQ(SEDA_EV_IN, ev->events & ~SEDA_EV_MORE);
		ASSERT_LE(done + ev->len, sizeof(got));
		memcpy(got + done, rig_data(r, ev), ev->len);
		done += ev->len;
	}
	EXPECT_TRUE(pattern_is(got, 0, done));
	EXPECT_TRUE(rig_quiet(r));
}

/* Sends go out, and the end comes. */
static void works(struct __test_metadata *_metadata, struct rig *r,
		  uint64_t id, int peer)
{
	char byte = 0;

	ASSERT_EQ(1, rig_send(r, id, "x", 1, 0));
	ASSERT_EQ(1, read(peer, &byte, 1));
	EXPECT_EQ('x', byte);
	ASSERT_EQ(0, shutdown(peer, SHUT_WR));
	ASSERT_NE(NULL, rig_await(r, SEDA_EV_EOF));
}

TEST_F(sockmap, in_the_map_before)
{
	ASSERT_EQ(0, map_put(self->map, TARGET, self->own));
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	gets(_metadata, &self->r, self->peer);
	works(_metadata, &self->r, self->id, self->peer);
}

TEST_F(sockmap, in_the_map_after)
{
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(0, map_put(self->map, TARGET, self->own));
	gets(_metadata, &self->r, self->peer);
	works(_metadata, &self->r, self->id, self->peer);
}

/* The program moves to own what the sender sends to the other connection. */
TEST_F(sockmap, what_was_redirected_comes)
{
	ASSERT_EQ(0, map_put(self->map, TARGET, self->own));
	ASSERT_EQ(0, redirect_attach(self->map));
	ASSERT_EQ(0, map_put(self->map, FROM, self->from));
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	gets(_metadata, &self->r, self->sender);
	works(_metadata, &self->r, self->id, self->peer);
}

/* The end of the connection itself does not overtake what the map keeps. */
TEST_F(sockmap, the_end_is_told_after_the_last_byte)
{
	unsigned char data[1000];
	struct seda_event *ev;
	size_t done = 0;

	ASSERT_EQ(0, map_put(self->map, TARGET, self->own));
	ASSERT_EQ(0, redirect_attach(self->map));
	ASSERT_EQ(0, map_put(self->map, FROM, self->from));
	pattern_fill(data, 0, sizeof(data));
	ASSERT_EQ(1000, write(self->sender, data, 1000));
	while (recv(self->own, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT) != 1000)
		sleep_ms(1);
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	sleep_ms(50);
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	do {
		ev = rig_next(&self->r);
		ASSERT_NE(NULL, ev);
		done += ev->events & SEDA_EV_IN ? ev->len : 0;
	} while (!(ev->events & SEDA_EV_EOF));
	EXPECT_EQ(1000, done);
	EXPECT_TRUE(rig_quiet(&self->r));
}

/* To who reads by RECV, too; what ends the connection for good comes behind. */
TEST_F(sockmap, the_end_is_told_without_buffers)
{
	struct linger reset = { .l_onoff = 1 };
	struct seda_op op = { .op = SEDA_OP_RECV, .len = 1000 };
	struct seda_event *ev;
	char data[1000] = "";

	ASSERT_EQ(0, redirect_attach(self->map));
	ASSERT_EQ(0, map_put(self->map, TARGET, self->own));
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage,
			       0, SEDA_SOURCE_NOBUF, &self->id));
	ASSERT_EQ(10, write(self->peer, data, 10));
	ev = rig_await(&self->r, SEDA_EV_IN);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(10, ev->amount);
	op.source = self->id;
	op.addr = (uintptr_t)data;
	EXPECT_EQ(10, rig_op(&self->r, &op));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_EOF, ev->events);
	EXPECT_TRUE(rig_quiet(&self->r));
	setsockopt(self->peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(self->peer);
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_ERR, ev->events);
	EXPECT_EQ(-EPIPE, ev->res);
	EXPECT_TRUE(rig_quiet(&self->r));
}

/* Out of the map it is a plain connection again. */
TEST_F(sockmap, taken_out_of_the_map)
{
	union bpf_attr attr = { .map_fd = self->map };
	uint32_t key = TARGET;

	ASSERT_EQ(0, map_put(self->map, TARGET, self->own));
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	gets(_metadata, &self->r, self->peer);
	attr.key = (uintptr_t)&key;
	ASSERT_EQ(0, bpf(BPF_MAP_DELETE_ELEM, &attr));
	gets(_metadata, &self->r, self->peer);
	works(_metadata, &self->r, self->id, self->peer);
}

#ifndef TCP_ULP
#define TCP_ULP	31
#endif

/* TLS that only sends takes over what the map had put in, and keeps it. */
TEST_F(sockmap, with_tls_on_top_and_taken_out)
{
	union bpf_attr attr = { .map_fd = self->map };
	uint32_t key = TARGET;

	ASSERT_EQ(0, map_put(self->map, TARGET, self->own));
	if (setsockopt(self->own, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")))
		SKIP(return, "no kernel TLS here");
	attr.key = (uintptr_t)&key;
	ASSERT_EQ(0, bpf(BPF_MAP_DELETE_ELEM, &attr));
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	gets(_metadata, &self->r, self->peer);
	works(_metadata, &self->r, self->id, self->peer);
}

#define MUCH	(1 << 20)

static void *reads_all(void *arg)
{
	size_t done = 0;
	char *data = malloc(MUCH);
	bool ok = true;
	ssize_t n;

	while (ok && done < MUCH) {
		n = read(*(int *)arg, data + done, MUCH - done);
		ok = n > 0;
		done += ok ? (size_t)n : 0;
	}
	ok = ok && pattern_is((unsigned char *)data, 0, MUCH);
	free(data);
	return ok ? arg : NULL;
}

/*
 * A program sees what is sent: more is taken off the memory then than there is
 * room for, and once more from the right place when there is some.
 */
TEST_F(sockmap, a_program_sees_long_sends)
{
	unsigned char *data = malloc(MUCH);
	struct seda_event *ev;
	pthread_t thread;
	int small = 4096;
	void *ok;

	ASSERT_EQ(0, pass_attach(self->map));
	ASSERT_EQ(0, setsockopt(self->own, SOL_SOCKET, SO_SNDBUF, &small,
				sizeof(small)));
	ASSERT_EQ(0, map_put(self->map, TARGET, self->own));
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	pattern_fill(data, 0, MUCH);
	EXPECT_EQ(-EINPROGRESS, rig_send(&self->r, self->id, (char *)data,
					 MUCH / 4, 0));
	EXPECT_EQ(-EINPROGRESS, rig_send(&self->r, self->id,
					 (char *)data + MUCH / 4,
					 MUCH - MUCH / 4, 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, reads_all, &self->peer));
	do {
		ev = rig_await(&self->r, SEDA_EV_SENT);
		ASSERT_NE(NULL, ev);
		ASSERT_EQ(0, ev->events & SEDA_EV_ERR);
	} while (ev->done != 1);
	pthread_join(thread, &ok);
	EXPECT_EQ(&self->peer, ok);
	free(data);
}

TEST_HARNESS_MAIN
