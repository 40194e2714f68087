/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * epoll_io.h - backend_epoll: what waits for a disk (epoll_io.c, epoll_file.c)
 */
#ifndef SEDAK_EPOLL_IO_H
#define SEDAK_EPOLL_IO_H

#include "epoll.h"
#include "file.h"

/*
 * Starts a request, whose end() a worker of the pool will call: 0, or -ENOMEM
 * or what else kept the pool from having an engine.
 */
int ep_io_start(struct sedak_pool *pool, struct io_req *req);
/* The engine has something: a worker that was told by epoll looks */
void ep_io_reap(struct worker *w);
/* After the workers: waits for what has begun, and calls the end() of all */
void ep_io_end(struct sedak_pool *pool);
void ep_io_free(struct sedak_pool *pool);

/* epoll_file.c; sendfile_more(): 1 done, 0 it goes on, or -errno; ep->lock is held */
int ep_file_open(struct sedak_file *f);
void ep_file_close(struct sedak_file *f);
int ep_file_do(struct worker *w, struct file_op *op, bool nowait);
void ep_files_end(struct sedak_rt *rt);
int ep_sendfile_more(struct worker *w, struct source *src);
void ep_sendfile_end(struct epoll_src *ep);
int ep_op_sendfile(struct worker *w, struct source *src, struct sedak_file *f,
		   uint64_t offset, size_t len);

#endif /* SEDAK_EPOLL_IO_H */
