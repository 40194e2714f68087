// SPDX-License-Identifier: GPL-2.0
/* The lives of descriptors, mappings, processes and threads. */
#include "tests/fuzz/box.h"

long run_map_arena(struct box *b, const uint64_t *a)
{
	struct dev *d = &b->dev[a[0] % NR_DEVS];
	size_t len = d->setup.arena_size + a[1];
	void *p;

	p = mmap(NULL, len, a[2] ? PROT_READ : PROT_READ | PROT_WRITE,
		 a[3] ? MAP_PRIVATE : MAP_SHARED, d->fd,
		 SEDA_MMAP_ARENA + a[4]);
	if (p == MAP_FAILED)
		return -errno;
	/* one that is not as it should be is only touched by the kernel */
	if (d->arena || a[1] || a[2] || a[3] || a[4])
		return box_errno(munmap(p, len));
	d->arena_len = len;
	d->arena = p;
	return 0;
}

long run_map_counters(struct box *b, const uint64_t *a)
{
	struct dev *d = &b->dev[a[0] % NR_DEVS];
	size_t len = d->setup.counters_size + a[1];
	void *p;

	p = mmap(NULL, len, a[2] ? PROT_READ | PROT_WRITE : PROT_READ,
		 MAP_SHARED, d->fd, SEDA_MMAP_COUNTERS);
	if (p == MAP_FAILED)
		return -errno;
	if (d->counters || a[1] || a[2])
		return box_errno(munmap(p, len));
	d->counters_len = len;
	d->counters = p;
	return 0;
}

/* a[1]: 0 the arena, 1 the counters, 2 the arena's first page. */
long run_unmap(struct box *b, const uint64_t *a)
{
	struct dev *d = &b->dev[a[0] % NR_DEVS];
	char **which = a[1] == 1 ? &d->counters : &d->arena;
	size_t len = a[1] == 1 ? d->counters_len : d->arena_len;
	char *p;

	if (a[1] == 2 && d->arena)
		return box_errno(madvise(d->arena, PAGE, MADV_DONTNEED));
	p = __atomic_exchange_n(which, NULL, __ATOMIC_SEQ_CST);
	return p ? box_errno(munmap(p, len)) : -ENXIO;
}

/* a[1]: 0 the arena moves, 1 its protection changes back and forth. */
long run_remap(struct box *b, const uint64_t *a)
{
	struct dev *d = &b->dev[a[0] % NR_DEVS];
	size_t len = d->arena_len;
	char *p = d->arena;

	if (!p)
		return -ENXIO;
	if (a[1] == 1) {
		mprotect(p, PAGE, PROT_READ);
		return box_errno(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	}
	d->arena = NULL;
	p = mremap(p, len, len, MREMAP_MAYMOVE);
	if (p == MAP_FAILED)
		return -errno;
	d->arena = p;
	return 0;
}

/* Another descriptor of the same device; a[2]: another open file. */
long run_dup_dev(struct box *b, const uint64_t *a)
{
	struct dev *to = &b->dev[a[0] % NR_DEVS];
	const struct dev *from = &b->dev[a[1] % NR_DEVS];
	char path[40];
	int fd, old;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", from->fd);
	fd = a[2] ? open(path, O_RDWR | O_CLOEXEC) :
		    fcntl(from->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	if (!a[2] && !to->arena)
		to->setup = from->setup;
	old = __atomic_exchange_n(&to->fd, fd, __ATOMIC_SEQ_CST);
	if (old >= 0)
		close(old);
	return 0;
}

long run_close_dev(struct box *b, const uint64_t *a)
{
	int fd = a[0] < NR_DEVS ? __atomic_exchange_n(&b->dev[a[0]].fd, -1,
						      __ATOMIC_SEQ_CST) : -1;

	return fd < 0 ? -EBADF : box_errno(close(fd));
}

static void child(struct box *b, const uint64_t *a)
{
	struct seda_info_args info = { .size = sizeof(info) };
	struct seda_post_args post = {
		.size = sizeof(post), .stage = b->stage[0],
	};
	int fd = box_dev(b, a[0]);
	unsigned int i;

	switch (a[1]) {
	case 0:
		ioctl(fd, SEDA_IOC_INFO, &info);
		ioctl(fd, SEDA_IOC_POST, &post);
		ioctl(fd, SEDA_IOC_WORKER_LEAVE, NULL);
		break;
	case 1:
		/* it has the mapping: it may read it */
		if (b->dev[0].counters)
			*(volatile char *)b->dev[0].counters;
		break;
	case 2:
		for (i = 0; i < NR_FDS; i++)
			close(b->fd[i]);
		break;
	case 3:
		execl("/bin/true", "true", NULL);
		break;
	case 4:
		kill(getpid(), SIGKILL);
		break;
	}
}

long run_fork(struct box *b, const uint64_t *a)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		child(b, a);
		_exit(0);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int send_fd(int sock, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char c = 0;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The device goes over the UNIX socket of place a[1], and stays in it. */
long run_pass(struct box *b, const uint64_t *a)
{
	return box_errno(send_fd(box_fd(b, a[1]), a[2] ? box_fd(b, a[1]) :
							  box_dev(b, a[0])));
}

long run_poll_dev(struct box *b, const uint64_t *a)
{
	struct pollfd p = { .fd = box_dev(b, a[0]), .events = POLLIN };

	return box_errno(poll(&p, 1, a[1]));
}

/* a[2]: 0 the device is added to the epoll of place a[1], 1 taken out. */
long run_epoll_dev(struct box *b, const uint64_t *a)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	return box_errno(epoll_ctl(box_fd(b, a[1]),
				   a[2] ? EPOLL_CTL_DEL : EPOLL_CTL_ADD,
				   box_dev(b, a[0]), &ev));
}

static long read_file(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long n = 0, ret = -errno;

	if (fd < 0)
		return ret;
	do {
		ret = read(fd, text, sizeof(text));
		n += ret;
	} while (ret > 0);
	close(fd);
	return ret < 0 ? -errno : n;
}

long run_fdinfo(struct box *b, const uint64_t *a)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", box_dev(b, a[0]));
	return read_file(path);
}

/* What is there of all apps. */
long run_debugfs(struct box *b, const uint64_t *a)
{
	glob_t found;
	size_t i;

	if (glob("/sys/kernel/debug/seda/*/*", 0, NULL, &found))
		return -ENOENT;
	for (i = 0; i < found.gl_pathc; i++)
		read_file(found.gl_pathv[i]);
	globfree(&found);
	return 0;
}

/* To another thread, in the middle of its call. */
long run_signal(struct box *b, const uint64_t *a)
{
	pid_t tid = __atomic_load_n(&b->player[a[0] % NR_THREADS].tid,
				    __ATOMIC_SEQ_CST);

	if (!tid)
		return -ESRCH;
	return box_errno(syscall(SYS_tgkill, getpid(), tid,
				 a[1] ? SIGURG : SIGUSR1));
}

/* The thread ends after this; thread 0 does not. */
long run_exit(struct box *b, const uint64_t *a)
{
	return 0;
}

long run_sleep(struct box *b, const uint64_t *a)
{
	const struct timespec ts = { .tv_nsec = a[0] % 2000000 };

	nanosleep(&ts, NULL);
	return 0;
}
