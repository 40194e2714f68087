/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * backend.h - the seam between libsedak and the system
 *
 * It is shaped after the device: one call (enter) submits operations, harvests
 * events and waits; a source whose event was harvested gives no events to other
 * workers until the harvester's next enter, or, held, until op_release.  The
 * device does this in the kernel; backend_epoll does it in user space.
 *
 * Functions named op_ are for a worker of the source's pool, in its own thread
 * (op_attach: of the pool that accepted it).
 * They return 0 or -EAGAIN: no slot free, try after the next enter.  Their
 * effect is in order, and at the latest at the next enter; where another
 * worker's could overtake it, they set in_ring.  The others may be called from
 * any thread.
 */
#ifndef SEDAK_BACKEND_H
#define SEDAK_BACKEND_H

#include "internal.h"

struct backend {
	const char *name;

	/*
	 * The life of a runtime.  open() also makes the receive buffers
	 * (bufs_make()).  close() ends all sources without events.
	 */
	int (*open)(struct sedak_rt *rt);
	void (*close)(struct sedak_rt *rt);
	int (*pool_open)(struct sedak_pool *pool);
	void (*pool_close)(struct sedak_pool *pool);
	int (*stage_open)(struct sedak_stage *stage);
	/* in the worker's own thread, before and after all of its enters */
	int (*worker_open)(struct worker *w);
	void (*worker_close)(struct worker *w);

	/*
	 * New sources.  fd is the backend's when they succeed, but for watch().
	 * From then on events may come, even before they return.
	 */
	int (*listen)(struct source *src, int fd);
	int (*adopt)(struct source *src, int fd);
	int (*connect)(struct source *src, const struct sockaddr_in6 *to);
	int (*udp)(struct source *src, int fd);
	int (*watch)(struct source *src, int fd, uint32_t mask, uint32_t flags);
	/* The program may close the file then; op_close() follows.  May be NULL. */
	void (*unwatch)(struct source *src);

	/* Gives an accepted child its source; then its events may come. */
	int (*op_attach)(struct worker *w, struct source *src, uint64_t child);
	/* Ends a child that has no source, with a reset */
	void (*refuse)(const struct sedak_rt *rt, uint64_t child);

	/*
	 * Sends iov[0..n-1], which stay in place until the result is known.  One
	 * at a time for a source.  The result is given to conn_send_result()
	 * before enter() returns: bytes, -errno, or -EINPROGRESS; then BEV_SENT
	 * comes later.  buf: the only piece lies in this buffer of the batch in
	 * hand, which the backend keeps as long as it needs.
	 */
	int (*op_send)(struct worker *w, struct source *src, struct iovec *iov,
		       unsigned int n, struct sedak_buf *buf);
	/* The same for data in a buffer of the batch in hand, if keeps_bufs */
	int (*op_send_buf)(struct worker *w, struct source *src, const char *data,
			   uint32_t len, struct sedak_buf *buf);
	/* As op_send(), bytes of a file */
	int (*op_sendfile)(struct worker *w, struct source *src,
			   struct sedak_file *f, uint64_t offset, size_t len);
	int (*op_udp_send)(struct worker *w, struct source *src,
			   const void *data, size_t len,
			   const struct sockaddr_in6 *to);
	int (*op_shutdown)(struct worker *w, struct source *src);
	/* after what was sent; BEV_CLOSED follows, of every kind of source */
	int (*op_close)(struct worker *w, struct source *src, bool abort);
	/* receiving (a connection), accepting, watching (mask) on and off */
	int (*op_arm)(struct worker *w, struct source *src, uint32_t mask);
	int (*op_disarm)(struct worker *w, struct source *src);
	int (*op_release)(struct worker *w, struct source *src);
	int (*op_return)(struct worker *w, struct sedak_buf *buf);

	/* Makes it known (src->rt, ->stage, fd); and ends it, without any operations */
	int (*file_open)(struct sedak_file *f);
	void (*file_close)(struct sedak_file *f);
	/*
	 * An operation by a worker of any pool.  nowait: a read, -EAGAIN if it would
	 * have to wait.  Else -EINPROGRESS: op is the backend's until it calls
	 * file_op_done(), maybe before this returns.  Or what it ended with.
	 */
	int (*file_do)(struct worker *w, struct file_op *op, bool nowait);
	/* At the stop: no file_op_done() follows, no memory is in use.  May be NULL. */
	void (*files_end)(struct sedak_rt *rt);
	/* A free receive buffer becomes the library's, or NULL */
	struct sedak_buf *(*buf_take)(struct worker *w);

	/* marks an event of the batch in hand */
	void (*hold)(struct worker *w, int slot);
	void (*keep)(struct worker *w, struct sedak_buf *buf);

	/*
	 * Whether what was submitted must be seen before sleeping.  If so, the
	 * worker calls enter() with timeout 0 first.
	 */
	bool (*must_see)(const struct worker *w);
	/*
	 * Submits, reports results, lets go of the last batch, harvests up to max
	 * events into w->bev, waits up to timeout ns (0: not, -1: for ever).
	 * Returns how many, or -errno.
	 */
	int (*enter)(struct worker *w, unsigned int max, int64_t timeout);

	/* The pool's clock: BEV_TIMER at `when` (CLOCK_MONOTONIC, NEVER: none) */
	int (*set_clock)(struct sedak_pool *pool, struct worker *w, uint64_t when);
	/* Makes one sleeping worker of the pool return from enter() */
	void (*wake)(struct sedak_pool *pool);
	/* A pollable descriptor of the (nested) runtime */
	int (*poll_fd)(const struct sedak_rt *rt);
	/* Events the device has counted for a stage; 0 if there is none */
	uint64_t (*delivered)(const struct sedak_stage *stage);
	/* The last reference to a source is gone: free what it has */
	void (*forget)(struct source *src);
	/* At the stop: lets go of a source that a worker has held.  May be NULL. */
	void (*unhold)(struct source *src);
	/* Ends a source after the workers are gone, with a reset */
	void (*kill)(struct source *src);
	/* ... and sees to it that it has happened.  May be NULL. */
	void (*finish)(struct sedak_pool *pool);

	bool batches;		/* honours min_batch and max_delay_ns itself */
	bool copies_udp;	/* op_udp_send() has read the memory on return */
	bool keeps_bufs;	/* op_send() of a buffer keeps it by itself */
};

extern const struct backend backend_epoll;
extern const struct backend backend_seda;

int backend_choose(struct sedak_rt *rt, unsigned int wanted);

#endif /* SEDAK_BACKEND_H */
