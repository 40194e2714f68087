/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * seda.h - what the files of backend_seda share
 */
#ifndef SEDAK_SEDA_H
#define SEDAK_SEDA_H

#include <linux/seda.h>

#include "backend.h"

/* A runtime's part: one open of the device */
struct sd_rt {
	int fd;
	struct seda_setup_args setup;
	char *arena;
	const char *counters;
};

/* A worker's part: its arrays in the arena */
struct sd_worker {
	uint64_t id;
	int fd;
	struct seda_event *events;
	struct seda_ctl *ctl;
	struct seda_op *ops;
	unsigned int max_ops, nr_ops, nr_sends;
	bool must_see, joined;
	_Atomic uint64_t enters;
};

int sd_ioctl(const struct sedak_rt *rt, unsigned long call, void *arg);

int sd_listen(struct source *src, int fd);
int sd_adopt(struct source *src, int fd);
int sd_connect(struct source *src, const struct sockaddr_in6 *to);
int sd_watch(struct source *src, int fd, uint32_t mask, uint32_t flags);
int sd_attach(struct worker *w, struct source *src, uint64_t child);
void sd_refuse(const struct sedak_rt *rt, uint64_t child);
int sd_op_send(struct worker *w, struct source *src, struct iovec *iov,
	       unsigned int n, struct sedak_buf *buf);
int sd_op_send_buf(struct worker *w, struct source *src, const char *data,
		   uint32_t len, struct sedak_buf *buf);
int sd_op_udp_send(struct worker *w, struct source *src, const void *data,
		   size_t len, const struct sockaddr_in6 *to);
int sd_op_shutdown(struct worker *w, struct source *src);
int sd_op_close(struct worker *w, struct source *src, bool abort);
int sd_op_arm(struct worker *w, struct source *src, uint32_t mask);
int sd_op_disarm(struct worker *w, struct source *src);
int sd_op_release(struct worker *w, struct source *src);
int sd_op_return(struct worker *w, struct sedak_buf *b);
int sd_set_clock(struct sedak_pool *pool, struct worker *w, uint64_t when);
void sd_forget(struct source *src);
void sd_kill(struct source *src);

#endif /* SEDAK_SEDA_H */
