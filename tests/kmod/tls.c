// SPDX-License-Identifier: GPL-2.0
/*
 * Connections with kernel TLS: what is received is read through TLS, not off
 * TCP's own queue, also what TLS has decrypted and kept.
 */
#include <kselftest_harness.h>
#include <linux/tls.h>

#include "tests/lib/seda_rig.h"

#ifndef TCP_ULP
#define TCP_ULP	31
#endif
#ifndef SOL_TLS
#define SOL_TLS	282
#endif

FIXTURE(tls) {
	struct rig r;
	uint64_t id;
	int own, peer;
};

static int use_tls(int fd, int direction)
{
	struct tls12_crypto_info_aes_gcm_128 key = {
		.info = {
			.version = TLS_1_2_VERSION,
			.cipher_type = TLS_CIPHER_AES_GCM_128,
		},
		.key = "a key, not safe",
	};

	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")))
		return -errno;
	return setsockopt(fd, SOL_TLS, direction, &key, sizeof(key)) ? -errno :
		0;
}

FIXTURE_SETUP(tls)
{
	struct seda_setup_args setup = { .buf_size = 64 };
	int fd[2], ret;

	ASSERT_EQ(0, rig_open(&self->r, &setup, NULL));
	ASSERT_EQ(0, tcp_pair(fd));
	self->own = fd[0];
	self->peer = fd[1];
	ret = use_tls(self->peer, TLS_TX);
	if (ret == -ENOENT || ret == -ENOPROTOOPT)
		SKIP(return, "no kernel TLS here");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(tls)
{
	rig_close(&self->r);
}

static void gets(struct __test_metadata *_metadata, struct rig *r, int peer,
		 unsigned int records, size_t len)
{
	unsigned char data[1000], got[1000];
	struct seda_event *ev;
	size_t done = 0;
	unsigned int i;

	for (i = 0; i < records; i++) {
		pattern_fill(data + i * len, i * len, len);
		ASSERT_EQ(len, write(peer, data + i * len, len));
	}
	while (done < records * len) {
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

TEST_F(tls, one_record_of_many_buffers)
{
	ASSERT_EQ(0, use_tls(self->own, TLS_RX));
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	gets(_metadata, &self->r, self->peer, 1, 1000);
}

TEST_F(tls, many_records)
{
	ASSERT_EQ(0, use_tls(self->own, TLS_RX));
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	gets(_metadata, &self->r, self->peer, 10, 100);
}

/* As after a handshake on the connection. */
TEST_F(tls, it_begins_when_the_source_is_there)
{
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	EXPECT_TRUE(rig_quiet(&self->r));
	ASSERT_EQ(0, use_tls(self->own, TLS_RX));
	gets(_metadata, &self->r, self->peer, 10, 100);
}

/* Not with the first part of what TLS has decrypted. */
TEST_F(tls, the_end_is_told_after_the_last_byte)
{
	unsigned char data[1000], got[1000];
	struct seda_event *ev;
	size_t done = 0;

	ASSERT_EQ(0, use_tls(self->own, TLS_RX));
	pattern_fill(data, 0, sizeof(data));
	ASSERT_EQ(1000, write(self->peer, data, 1000));
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	tcp_await_end(self->own);
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0, 0,
			       &self->id));
	do {
		ev = rig_next(&self->r);
		ASSERT_NE(NULL, ev);
		if (ev->events & SEDA_EV_IN) {
			ASSERT_LE(done + ev->len, sizeof(got));
			memcpy(got + done, rig_data(&self->r, ev), ev->len);
			done += ev->len;
		}
	} while (!(ev->events & SEDA_EV_EOF));
	EXPECT_EQ(1000, done);
	EXPECT_TRUE(pattern_is(got, 0, done));
	EXPECT_TRUE(rig_quiet(&self->r));
}

static int receive(struct rig *r, uint64_t id, void *to, uint32_t len)
{
	struct seda_op op = {
		.op = SEDA_OP_RECV, .source = id, .addr = (uintptr_t)to,
		.len = len,
	};

	return rig_op(r, &op);
}

TEST_F(tls, a_source_without_buffers_is_told_of_what_tls_keeps)
{
	unsigned char data[100], got[100];
	struct seda_event *ev;
	int i;

	ASSERT_EQ(0, use_tls(self->own, TLS_RX));
	ASSERT_EQ(0, app_adopt(&self->r.app, self->own, self->r.stage, 0,
			       SEDA_SOURCE_NOBUF, &self->id));
	pattern_fill(data, 0, sizeof(data));
	ASSERT_EQ(100, write(self->peer, data, 100));
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	for (i = 0; i < 10; i++) {
		ev = rig_next(&self->r);
		ASSERT_NE(NULL, ev);
		EXPECT_EQ(SEDA_EV_IN, ev->events & (SEDA_EV_IN | SEDA_EV_EOF));
		EXPECT_LE(1, ev->amount);
		ASSERT_EQ(10, receive(&self->r, self->id, got + 10 * i, 10));
	}
	EXPECT_TRUE(pattern_is(got, 0, 100));
	ev = rig_next(&self->r);
	ASSERT_NE(NULL, ev);
	EXPECT_EQ(SEDA_EV_EOF, ev->events);
}

/* What a peer with TLS sends for twice this data: the bytes of two records. */
static int records_of(const char *data, size_t len, unsigned char *to,
		      size_t room)
{
	int fd[2], n = tcp_pair(fd);

	n = n ?: use_tls(fd[1], TLS_TX);
	if (n)
		return n;
	n = write(fd[1], data, len);
	n = write(fd[1], data, len);
	shutdown(fd[1], SHUT_WR);
	n = recv(fd[0], to, room, MSG_WAITALL);
	close(fd[0]);
	close(fd[1]);
	return n;
}

/*
 * A peer that never sends the rest of a record does not make a worker spin: neither
 * when its part comes nor when the one before was read.
 */
TEST_F(tls, part_of_a_record_is_nothing)
{
	unsigned char records[200], *next = records;
	struct seda_event *ev;
	char got[16];
	int fd[2], n, i;

	n = records_of("0123456789", 10, records, sizeof(records));
	ASSERT_LT(20, n);
	n /= 2;
	ASSERT_EQ(0, tcp_pair(fd));
	ASSERT_EQ(0, use_tls(fd[0], TLS_RX));
	ASSERT_EQ(0, app_adopt(&self->r.app, fd[0], self->r.stage, 0,
			       SEDA_SOURCE_NOBUF, &self->id));
	ASSERT_EQ(n - 1, write(fd[1], next, n - 1));
	EXPECT_TRUE(rig_quiet(&self->r));
	next += n - 1;
	/* the end of the first, most of the second; and then the end of that */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(i ? 1 : n, write(fd[1], next, i ? 1 : n));
		next += n;
		ev = rig_next(&self->r);
		ASSERT_NE(NULL, ev);
		EXPECT_EQ(SEDA_EV_IN, ev->events & SEDA_EV_IN);
		ASSERT_EQ(10, receive(&self->r, self->id, got, sizeof(got)));
		EXPECT_EQ(0, memcmp("0123456789", got, 10));
		EXPECT_TRUE(rig_quiet(&self->r));
	}
}

TEST_HARNESS_MAIN
