/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file.h - operations on files: what file.c, the backends and their parts share
 */
#ifndef SEDAK_FILE_OP_H
#define SEDAK_FILE_OP_H

#include "backend.h"

enum io_code {
	IO_READ,
	IO_WRITE,
	IO_SYNC,
	IO_ADVISE
};

/* What is to be done, as the system needs it */
struct io_req {
	uint8_t code;
	uint8_t flags;		/* SEDAK_FILE_* */
	int fd;
	char *data;		/* of a read or write */
	uint32_t len;
	uint32_t done;		/* bytes, of one that came in parts (epoll) */
	uint64_t offset;
	int32_t res;
	/* epoll: called by a worker of the pool, or with NULL after the stop */
	void (*end)(struct worker *w, struct io_req *req);
	struct io_req *next;
};

/* One that has to wait has all; one that is tried, on its caller's stack, no links */
struct file_op {
	struct io_req req;
	struct sedak_file *file;	/* a reference */
	struct sedak_buf *buf;		/* that has the bytes, a reference; or NULL */
	void *user;
	struct file_op *next;		/* file->done */
	struct file_op *all_prev, *all_next;	/* rt->file_ops; rt->lock */
};

/* file.c */
void file_op_done(struct file_op *op, int32_t res);
uint64_t file_size(int fd);

#endif /* SEDAK_FILE_OP_H */
