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

TEST_HARNESS_MAIN
