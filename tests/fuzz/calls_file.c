// SPDX-License-Identifier: GPL-2.0
/* What happens to the sockets and files below the sources.  No call blocks. */
#include "tests/fuzz/box.h"

#define FILE_END	(1 << 24)	/* no call makes one that is longer */

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return sin;
}

static int dial(uint16_t port, int flags)
{
	struct sockaddr_in sin = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) &&
	    errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void small(int fd, uint64_t size)
{
	int n = size;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
}

static long put_both(struct box *b, uint64_t x, int fd, uint64_t y, int peer)
{
	long ret = box_put_fd(b, x, fd);

	return box_put_fd(b, y, peer) ?: ret;
}

static uint16_t port_of(int fd, bool peer)
{
	struct sockaddr_in sin = { 0 };
	socklen_t len = sizeof(sin);

	if (peer)
		getpeername(fd, (struct sockaddr *)&sin, &len);
	else
		getsockname(fd, (struct sockaddr *)&sin, &len);
	return sin.sin_port;
}

/* A TCP connection with both ends; a[2]: the size of its buffers. */
long run_pair(struct box *b, const uint64_t *a)
{
	int peer = dial(b->listener_port, SOCK_NONBLOCK), fd;
	uint16_t port = port_of(peer, false);

	if (peer < 0)
		return -errno;
	/* what others left behind, or what another thread waits for */
	do {
		fd = accept4(b->listener, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			close(peer);
			return -EAGAIN;
		}
		if (port_of(fd, true) == port)
			break;
		close(fd);
	} while (1);
	if (a[2]) {
		small(fd, a[2]);
		small(peer, a[2]);
	}
	return put_both(b, a[0], fd, a[1], peer);
}

long run_listener(struct box *b, const uint64_t *a)
{
	struct sockaddr_in sin = loopback(0);
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) ||
	    listen(fd, a[1]) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) ||
	    a[0] >= NR_FDS) {
		close(fd);
		return -EINVAL;
	}
	b->port[a[0]] = ntohs(sin.sin_port);
	return box_put_fd(b, a[0], fd);
}

/* Connects to the listener of place a[1], a[2]: and writes as many bytes. */
long run_dial(struct box *b, const uint64_t *a)
{
	int fd = a[1] < NR_FDS && b->port[a[1]] ?
		 dial(b->port[a[1]], SOCK_NONBLOCK) : -1;

	if (fd < 0)
		return -ECONNREFUSED;
	if (a[2])
		send(fd, b->mem, a[2] % MEM_SIZE, MSG_DONTWAIT | MSG_NOSIGNAL);
	return box_put_fd(b, a[0], fd);
}

long run_accept(struct box *b, const uint64_t *a)
{
	return box_put_fd(b, a[0], accept4(box_fd(b, a[1]), NULL, NULL,
					   SOCK_CLOEXEC | SOCK_NONBLOCK));
}

static int udp(uint16_t *port)
{
	struct sockaddr_in sin = loopback(0);
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	bind(fd, (struct sockaddr *)&sin, sizeof(sin));
	getsockname(fd, (struct sockaddr *)&sin, &len);
	*port = ntohs(sin.sin_port);
	return fd;
}

/* Two UDP sockets; the second is connected, with a[2] both are. */
long run_udp(struct box *b, const uint64_t *a)
{
	struct sockaddr_in sin;
	uint16_t port[2];
	int fd[2] = { udp(&port[0]), udp(&port[1]) };

	sin = loopback(port[0]);
	connect(fd[1], (struct sockaddr *)&sin, sizeof(sin));
	sin = loopback(port[1]);
	if (a[2])
		connect(fd[0], (struct sockaddr *)&sin, sizeof(sin));
	if (a[0] < NR_FDS)
		b->port[a[0]] = port[0];
	if (a[1] < NR_FDS)
		b->port[a[1]] = port[1];
	return put_both(b, a[0], fd[0], a[1], fd[1]);
}

long run_eventfd(struct box *b, const uint64_t *a)
{
	return box_put_fd(b, a[0], eventfd(a[1], EFD_NONBLOCK | EFD_CLOEXEC |
					   (a[2] ? EFD_SEMAPHORE : 0)));
}

long run_pipe(struct box *b, const uint64_t *a)
{
	int fd[2];

	if (pipe2(fd, O_NONBLOCK | O_CLOEXEC))
		return -errno;
	return put_both(b, a[0], fd[0], a[1], fd[1]);
}

long run_timerfd(struct box *b, const uint64_t *a)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct itimerspec its = {
		.it_value.tv_nsec = a[1] % 1000000000,
		.it_interval.tv_nsec = a[2] % 1000000000,
	};

	timerfd_settime(fd, 0, &its, NULL);
	return box_put_fd(b, a[0], fd);
}

long run_unix(struct box *b, const uint64_t *a)
{
	int type = a[2] ? SOCK_DGRAM : SOCK_STREAM;
	int fd[2];

	if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd))
		return -errno;
	return put_both(b, a[0], fd[0], a[1], fd[1]);
}

long run_signalfd(struct box *b, const uint64_t *a)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGURG);
	return box_put_fd(b, a[0], signalfd(-1, &set,
					    SFD_NONBLOCK | SFD_CLOEXEC));
}

long run_epoll(struct box *b, const uint64_t *a)
{
	return box_put_fd(b, a[0], epoll_create1(EPOLL_CLOEXEC));
}

long run_write(struct box *b, const uint64_t *a)
{
	return box_errno(write(box_fd(b, a[0]), b->mem, a[1] % MEM_SIZE));
}

long run_read(struct box *b, const uint64_t *a)
{
	return box_errno(read(box_fd(b, a[0]), b->mem, a[1] % MEM_SIZE));
}

long run_shut(struct box *b, const uint64_t *a)
{
	return box_errno(shutdown(box_fd(b, a[0]), a[1]));
}

long run_close_fd(struct box *b, const uint64_t *a)
{
	int fd;

	if (a[0] >= NR_FDS)
		return -EBADF;
	fd = __atomic_exchange_n(&b->fd[a[0]], -1, __ATOMIC_SEQ_CST);
	if (fd < 0)
		return -EBADF;
	return box_errno(close(fd));
}

/* Closes with a reset. */
long run_reset(struct box *b, const uint64_t *a)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(box_fd(b, a[0]), SOL_SOCKET, SO_LINGER, &linger,
		   sizeof(linger));
	return run_close_fd(b, a);
}

long run_option(struct box *b, const uint64_t *a)
{
	static const int option[][2] = {
		{ SOL_SOCKET, SO_SNDBUF }, { SOL_SOCKET, SO_RCVBUF },
		{ SOL_SOCKET, SO_RCVLOWAT }, { SOL_SOCKET, SO_OOBINLINE },
		{ SOL_SOCKET, SO_KEEPALIVE }, { SOL_SOCKET, SO_BUSY_POLL },
		{ IPPROTO_TCP, TCP_NODELAY }, { IPPROTO_TCP, TCP_CORK },
		{ IPPROTO_TCP, TCP_DEFER_ACCEPT }, { IPPROTO_TCP, TCP_QUICKACK },
		{ IPPROTO_TCP, TCP_NOTSENT_LOWAT },
		{ IPPROTO_TCP, TCP_WINDOW_CLAMP },
	};
	unsigned int nr = a[1] % (sizeof(option) / sizeof(option[0]) + 1);
	int value = a[2];

	if (nr == sizeof(option) / sizeof(option[0]))
		return box_errno(setsockopt(box_fd(b, a[0]), IPPROTO_TCP,
					    TCP_ULP, "tls", 4));
	return box_errno(setsockopt(box_fd(b, a[0]), option[nr][0],
				    option[nr][1], &value, sizeof(value)));
}

long run_urgent(struct box *b, const uint64_t *a)
{
	return box_errno(send(box_fd(b, a[0]), b->mem, 1, MSG_OOB |
			      MSG_DONTWAIT | MSG_NOSIGNAL));
}

long run_dup(struct box *b, const uint64_t *a)
{
	return box_put_fd(b, a[0], fcntl(box_fd(b, a[1]), F_DUPFD_CLOEXEC, 3));
}

long run_disconnect(struct box *b, const uint64_t *a)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return box_errno(connect(box_fd(b, a[0]), &none, sizeof(none)));
}

static const struct kind {
	uint8_t disk;
	int flags;
} kinds[] = {
	{ DISK_FAST, O_RDWR }, { DISK_FAST, O_RDONLY }, { DISK_FAST, O_WRONLY },
	{ DISK_FAST, O_RDWR | O_DIRECT }, { DISK_SLOW, O_RDWR },
	{ DISK_SLOW, O_RDWR | O_DIRECT }, { DISK_DIR, O_RDWR },
	{ DISK_DIR, O_RDWR | O_DIRECT }, { DISK_DIR, O_RDWR | O_APPEND },
};

/* A file that a[1] tells of (the last: on tmpfs); a[2]: its length, if it is a file. */
long run_file(struct box *b, const uint64_t *a)
{
	unsigned int nr = sizeof(kinds) / sizeof(kinds[0]), k = a[1] % (nr + 1);
	const char *path = k < nr ? box_disk(kinds[k].disk) : "";
	int fd;

	if (!*path)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	else if (kinds[k].disk == DISK_DIR)
		fd = open(path, kinds[k].flags | O_TMPFILE | O_CLOEXEC, 0600);
	else
		fd = open(path, kinds[k].flags | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* of a disk it fails */
	if (!ftruncate(fd, a[2] % FILE_END))
		pwrite(fd, b->mem, a[2] % FILE_END / 2 % 4096, 0);
	return box_put_fd(b, a[0], fd);
}

/* a[1]: forgets what is in memory, reads, writes, cuts; a[2]: where, a[3]: how much. */
long run_touch(struct box *b, const uint64_t *a)
{
	uint64_t at = a[2] % FILE_END, len = a[3] % MEM_SIZE;
	int fd = box_fd(b, a[0]);

	switch (a[1] % 5) {
	case 0:
		return -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	case 1:
		return box_errno(pread(fd, b->mem, len, at));
	case 2:
		return box_errno(pwrite(fd, b->mem, len, at));
	case 3:
		return box_errno(ftruncate(fd, at));
	default:
		return box_errno(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
					   FALLOC_FL_KEEP_SIZE, at, len ?: 1));
	}
}
