/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * epoll.h - what the files of backend_epoll share
 *
 * The device's ownership rule in user space: files are registered once, edge
 * triggered, and an event sets bits in its source's word.  Who sets EP_OWNED in
 * an idle word has the source (reads it, makes its events) until it lets go at
 * its next enter(); bits that come meanwhile make it pump again.  So no system
 * call is needed to arm, and no two workers read one connection.
 *
 * Memory of sources is never given back while the runtime lives: an event that
 * epoll_wait() returned just before another worker closed the file finds a dead
 * word, or the word of the next user, to whom one needless look does no harm.
 */
#ifndef SEDAK_EPOLL_H
#define SEDAK_EPOLL_H

#include <sched.h>
#include <sys/epoll.h>

#include "backend.h"

/* word: the bits of epoll events, which are below 1 << 16, and */
#define EP_OWNED	(1u << 16)
#define EP_DEAD		(1u << 17)	/* with OWNED: closed, or never opened */
#define EP_CLOSE	(1u << 18)	/* to be closed by whoever has it */
#define EP_AGAIN	(1u << 19)	/* look again, more may be there */
#define EP_BITS		(0xffffu | EP_CLOSE | EP_AGAIN)

/* flags */
#define EPF_ARMED	(1u << 0)
#define EPF_EOF		(1u << 1)	/* was told */
#define EPF_CONNECTING	(1u << 2)
#define EPF_FOREIGN_FD	(1u << 3)	/* may be open elsewhere: epoll must forget */
#define EPF_EDGE	(1u << 4)
#define EPF_ONESHOT	(1u << 5)
#define EPF_CLOSING	(1u << 6)	/* lock: close when the send is done */
#define EPF_SHUT	(1u << 7)	/* lock: shut down when it is done */
#define EPF_ABORT	(1u << 8)	/* lock: reset */
#define EPF_HUP		(1u << 10)	/* read until nothing is left */
#define EPF_GONE	(1u << 9)	/* lock: out of the epoll set */

/* A worker's part */
struct ep_worker {
	struct epoll_event *evs;
	struct source **owned;		/* by slot of the batch */
	struct sedak_buf **given;	/* by slot of the batch */
	unsigned int nr;		/* slots of the last batch */
	struct source *ready, *ready_tail;	/* owned, to be pumped */
	struct sedak_buf *bufs;		/* free ones, last used first */
	unsigned int nr_bufs;
	bool stalled;			/* a source waits for a buffer */
};

/* A send goes on; ep->lock is held */
static inline bool ep_sends(const struct epoll_src *ep)
{
	return ep->iov || ep->sf;
}

static inline void ep_lock(struct epoll_src *ep)
{
	while (atomic_flag_test_and_set_explicit(&ep->lock,
						 memory_order_acquire))
		sched_yield();	/* held for one system call at most */
}

static inline void ep_unlock(struct epoll_src *ep)
{
	atomic_flag_clear_explicit(&ep->lock, memory_order_release);
}

/* backend_epoll.c */
void ep_ready(struct worker *w, struct source *src);
void ep_kick(struct worker *w, struct source *src, uint32_t bits);
struct sedak_buf *ep_buf_get(struct worker *w);
void ep_buf_put(struct worker *w, struct sedak_buf *b);

/* epoll_pump.c: events of an owned source into w->bev[n..]; returns how many */
unsigned int ep_pump(struct worker *w, struct source *src, unsigned int n,
		     unsigned int max);
int ep_send_more(struct source *src);
void ep_rearm(struct source *src);

/* epoll_source.c */
void ep_open(struct source *src, int fd, uint32_t flags);
int ep_listen(struct source *src, int fd);
int ep_adopt(struct source *src, int fd);
int ep_connect(struct source *src, const struct sockaddr_in6 *to);
int ep_udp(struct source *src, int fd);
int ep_watch(struct source *src, int fd, uint32_t mask, uint32_t flags);
void ep_unwatch(struct source *src);
int ep_attach(struct worker *w, struct source *src, uint64_t child);
void ep_refuse(const struct sedak_rt *rt, uint64_t child);
int ep_op_send(struct worker *w, struct source *src, struct iovec *iov,
	       unsigned int n, struct sedak_buf *buf);
int ep_op_udp_send(struct worker *w, struct source *src, const void *data,
		   size_t len, const struct sockaddr_in6 *to);
int ep_op_shutdown(struct worker *w, struct source *src);
int ep_op_close(struct worker *w, struct source *src, bool abort);
int ep_op_arm(struct worker *w, struct source *src, uint32_t mask);
int ep_op_disarm(struct worker *w, struct source *src);
int ep_op_release(struct worker *w, struct source *src);
void ep_kill(struct source *src);

#endif /* SEDAK_EPOLL_H */
