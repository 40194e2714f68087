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
	struct sedak_buf *spare;	/* taken and not used, for the next reads of files */
	unsigned int nr_spare;
	bool must_see, joined;
	_Atomic uint64_t enters;
};

#define SD_SPARE	4		/* at most */
#define SD_TAKEN	UINT64_MAX	/* buf->kept_at: the device has known it before */

int sd_ioctl(const struct sedak_rt *rt, unsigned long call, void *arg);

/* seda_ops.c */
struct seda_op *sd_next_op(struct worker *w, uint8_t code,
			   const struct source *src);
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

/* seda_file.c */
void sd_spare_put(struct sd_worker *s, struct sedak_buf *b);
int sd_file_open(struct sedak_file *f);
void sd_file_close(struct sedak_file *f);
struct sedak_buf *sd_buf_take(struct worker *w);
int sd_file_do(struct worker *w, struct file_op *op, bool nowait);
int sd_op_sendfile(struct worker *w, struct source *src, struct sedak_file *f,
		   uint64_t offset, size_t len);

#endif /* SEDAK_SEDA_H */
