// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * epoll_io.c - backend_epoll: the engine that waits for disks
 *
 * A pool gets one with its first request.  It is an io_uring, or, where the system
 * refuses that (or SEDAK_IO=threads), threads that block.  Either way its descriptor,
 * the ring or an eventfd, is in the pool's epoll set, and the worker that epoll tells
 * calls what ends a request.  io->lock protects all of it; no end() runs under it.
 * Requests are started under an ep->lock, too: that comes before it and rt->lock.
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "epoll_io.h"

struct ep_io {
	pthread_mutex_t lock;
	int fd;
	bool threaded;
	struct io_req *queue, *queue_tail;	/* wait for a place, or a thread */
	/* the ring */
	struct io_uring ring;
	unsigned int in_ring;
	/* threads */
	struct io_req *done, *done_tail;
	pthread_cond_t work;
	unsigned int nr_threads, idle, queued;
	bool ending;
	pthread_t threads[IO_THREADS];
};

static void push(struct io_req **head, struct io_req **tail, struct io_req *req)
{
	req->next = NULL;
	if (*head)
		(*tail)->next = req;
	else
		*head = req;
	*tail = req;
}

static struct io_req *pop(struct io_req **head)
{
	struct io_req *req = *head;

	if (req)
		*head = req->next;
	return req;
}

/*
 * One attempt has given res.  Returns whether the request is over: what comes in
 * parts goes on to the end of the file.
 */
static bool is_over(struct io_req *req, int res)
{
	if (res == -EINTR)
		return false;
	if (req->code == IO_SYNC || req->code == IO_ADVISE) {
		req->res = res;
		return true;
	}
	if (res > 0)
		req->done += (uint32_t)res;
	if (res > 0 && req->done < req->len)
		return false;
	/* an error behind some bytes is told by who asks for what follows */
	req->res = res < 0 && !req->done ? res : (int32_t)req->done;
	return true;
}

/* ------------------------------------------------------------------- threads */

static int attempt(const struct io_req *req)
{
	off_t at = (off_t)(req->offset + req->done);
	ssize_t ret = 0;

	switch (req->code) {
	case IO_READ:
		ret = pread(req->fd, req->data + req->done, req->len - req->done, at);
		break;
	case IO_WRITE:
		ret = pwrite(req->fd, req->data + req->done, req->len - req->done, at);
		break;
	case IO_SYNC:
		ret = req->flags & SEDAK_FILE_DATA ? fdatasync(req->fd) :
						     fsync(req->fd);
		break;
	case IO_ADVISE:
		return -posix_fadvise(req->fd, at, req->len,
				      req->flags & SEDAK_FILE_DROP ?
				      POSIX_FADV_DONTNEED : POSIX_FADV_WILLNEED);
	}
	return ret < 0 ? -errno : (int)ret;
}

static void *thread_main(void *arg)
{
	static const uint64_t one = 1;
	struct ep_io *io = arg;
	struct io_req *req;

	pthread_setname_np(pthread_self(), "sedak-io");
	pthread_mutex_lock(&io->lock);
	for (;;) {
		while (!io->queue && !io->ending) {
			io->idle++;
			pthread_cond_wait(&io->work, &io->lock);
			io->idle--;
		}
		if (io->ending)
			break;
		req = pop(&io->queue);
		io->queued--;
		pthread_mutex_unlock(&io->lock);
		while (!is_over(req, attempt(req)))
			;
		pthread_mutex_lock(&io->lock);
		push(&io->done, &io->done_tail, req);
		(void)!write(io->fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&io->lock);
	return NULL;
}

/* One more, unless one has nothing to do; where it cannot be had they are fewer */
static int thread_start(struct ep_io *io)
{
	sigset_t all, old;
	int ret;

	if (io->idle > io->queued || io->nr_threads == IO_THREADS)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&io->threads[io->nr_threads], NULL, thread_main, io);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!ret)
		io->nr_threads++;
	return io->nr_threads ? 0 : -ENOMEM;
}

static int thread_give(struct ep_io *io, struct io_req *req)
{
	int ret = thread_start(io);

	if (ret < 0)
		return ret;
	push(&io->queue, &io->queue_tail, req);
	io->queued++;
	pthread_cond_signal(&io->work);
	return 0;
}

/* ------------------------------------------------------------------ the ring */

static void ring_submit(struct ep_io *io, struct io_req *req)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&io->ring);
	uint64_t at = req->offset + req->done;
	int ret;

	switch (req->code) {
	case IO_READ:
		io_uring_prep_read(sqe, req->fd, req->data + req->done,
				   req->len - req->done, at);
		break;
	case IO_WRITE:
		io_uring_prep_write(sqe, req->fd, req->data + req->done,
				    req->len - req->done, at);
		break;
	case IO_SYNC:
		io_uring_prep_fsync(sqe, req->fd, req->flags & SEDAK_FILE_DATA ?
						  IORING_FSYNC_DATASYNC : 0);
		break;
	case IO_ADVISE:
		io_uring_prep_fadvise(sqe, req->fd, at, (off_t)req->len,
				      req->flags & SEDAK_FILE_DROP ?
				      POSIX_FADV_DONTNEED : POSIX_FADV_WILLNEED);
		break;
	}
	io_uring_sqe_set_data(sqe, req);
	/* it is in the ring, and there is room: no other error but want of memory */
	do {
		ret = io_uring_submit(&io->ring);
	} while (ret == -EINTR || ret == -EAGAIN || ret == -EBUSY);
	io->in_ring++;
}

/* What the ring has finished, up to all, oldest first; others take their places */
static struct io_req *ring_take(struct ep_io *io)
{
	struct io_req *req, *list = NULL, *tail = NULL;
	struct io_uring_cqe *cqe;
	int res;

	while (!io_uring_peek_cqe(&io->ring, &cqe)) {
		req = io_uring_cqe_get_data(cqe);
		res = cqe->res;
		io_uring_cqe_seen(&io->ring, cqe);
		io->in_ring--;
		if (!is_over(req, res))
			ring_submit(io, req);
		else
			push(&list, &tail, req);
		req = io->in_ring < IO_RING ? pop(&io->queue) : NULL;
		if (req)
			ring_submit(io, req);
	}
	return list;
}

/* Where it lacks what is needed (before Linux 5.6) it counts as refused */
static bool ring_open(struct ep_io *io)
{
	const char *env = secure_getenv("SEDAK_IO");

	if ((env && !strcmp(env, "threads")) ||
	    io_uring_queue_init(IO_RING, &io->ring, 0))
		return false;
	if (io->ring.features & IORING_FEAT_RW_CUR_POS &&
	    !io_uring_ring_dontfork(&io->ring))
		return true;
	io_uring_queue_exit(&io->ring);
	return false;
}

/* ----------------------------------------------------------------- an engine */

static void io_free(struct ep_io *io)
{
	if (!io->threaded)
		io_uring_queue_exit(&io->ring);
	else if (io->fd >= 0)
		close(io->fd);
	pthread_mutex_destroy(&io->lock);
	pthread_cond_destroy(&io->work);
	free(io);
}

static int io_make(struct sedak_pool *pool, struct ep_io **iop)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET,
				  .data.ptr = &pool->ep.io_src };
	struct ep_io *io = calloc(1, sizeof(*io));
	int ret = 0;

	if (!io)
		return -ENOMEM;
	pthread_mutex_init(&io->lock, NULL);
	pthread_cond_init(&io->work, NULL);
	io->threaded = !ring_open(io);
	io->fd = io->threaded ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) :
				io->ring.ring_fd;
	if (io->fd < 0 || epoll_ctl(pool->ep.epfd, EPOLL_CTL_ADD, io->fd, &ev))
		ret = -errno;
	if (ret < 0)
		io_free(io);
	else
		*iop = io;
	return ret;
}

static int io_of(struct sedak_pool *pool, struct ep_io **iop)
{
	int ret = 0;

	*iop = atomic_load(&pool->ep.io);
	if (*iop)
		return 0;
	pthread_mutex_lock(&pool->rt->lock);
	*iop = atomic_load(&pool->ep.io);
	if (!*iop) {
		ret = io_make(pool, iop);
		if (!ret)
			atomic_store(&pool->ep.io, *iop);
	}
	pthread_mutex_unlock(&pool->rt->lock);
	return ret;
}

int ep_io_start(struct sedak_pool *pool, struct io_req *req)
{
	struct ep_io *io;
	int ret = io_of(pool, &io);

	if (ret < 0)
		return ret;
	pthread_mutex_lock(&io->lock);
	if (io->threaded)
		ret = thread_give(io, req);
	else if (io->in_ring == IO_RING)
		push(&io->queue, &io->queue_tail, req);
	else
		ring_submit(io, req);
	pthread_mutex_unlock(&io->lock);
	return ret;
}

static void end_all(struct worker *w, struct io_req *req)
{
	struct io_req *next;

	for (; req; req = next) {
		next = req->next;
		req->end(w, req);
	}
}

void ep_io_reap(struct worker *w)
{
	struct ep_io *io = atomic_load(&w->pool->ep.io);
	struct io_req *list;

	pthread_mutex_lock(&io->lock);
	if (io->threaded) {
		list = io->done;
		io->done = NULL;
	} else {
		list = ring_take(io);
	}
	pthread_mutex_unlock(&io->lock);
	end_all(w, list);
}

void ep_io_end(struct sedak_pool *pool)
{
	struct ep_io *io = atomic_load(&pool->ep.io);
	struct io_req *req, *waiting;
	struct io_uring_cqe *cqe;

	if (!io)
		return;
	pthread_mutex_lock(&io->lock);
	io->ending = true;
	waiting = io->queue;
	io->queue = NULL;
	pthread_cond_broadcast(&io->work);
	pthread_mutex_unlock(&io->lock);
	while (io->nr_threads)
		pthread_join(io->threads[--io->nr_threads], NULL);
	end_all(NULL, io->done);
	io->done = NULL;
	while (io->in_ring) {
		if (io_uring_wait_cqe(&io->ring, &cqe))
			continue;
		req = io_uring_cqe_get_data(cqe);
		io_uring_cqe_seen(&io->ring, cqe);
		io->in_ring--;
		req->end(NULL, req);
	}
	end_all(NULL, waiting);
}

void ep_io_free(struct sedak_pool *pool)
{
	struct ep_io *io = atomic_load(&pool->ep.io);

	if (io)
		io_free(io);
}
