/* SPDX-License-Identifier: GPL-2.0 */
/* Memory whose reader waits until it is filled in, by userfaultfd. */
#ifndef STUCK_H
#define STUCK_H

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STUCK_SIZE	65536

static inline int stuck_map(char **memory, unsigned int mode,
			    struct uffdio_register *reg)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = mode == UFFDIO_REGISTER_MODE_WP ?
			    UFFD_FEATURE_PAGEFAULT_FLAG_WP : 0,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	*memory = mmap(NULL, STUCK_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg->mode = mode;
	reg->range.start = (uintptr_t)*memory;
	reg->range.len = STUCK_SIZE;
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, reg))
		return -errno;
	return fd;
}

/* The descriptor for stuck_await() and stuck_free(), or -errno. */
static inline int stuck_make(char **memory)
{
	struct uffdio_register reg;

	return stuck_map(memory, UFFDIO_REGISTER_MODE_MISSING, &reg);
}

/* The same, for memory with such contents that waits for who writes it. */
static inline int stuck_protect(char **memory, const void *data, size_t len)
{
	struct uffdio_writeprotect protect = {
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};
	struct uffdio_register reg;
	int fd = stuck_map(memory, UFFDIO_REGISTER_MODE_WP, &reg);

	if (fd < 0)
		return fd;
	memcpy(*memory, data, len);
	protect.range = reg.range;
	return ioctl(fd, UFFDIO_WRITEPROTECT, &protect) ? -errno : fd;
}

/* Somebody touches it now, and waits. */
static inline int stuck_await(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, -1) == 1 ? 0 : -errno;
}

/* It is all zero from now on; who waits goes on. */
static inline int stuck_free(int fd, char *memory)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)memory, .len = STUCK_SIZE },
	};

	return ioctl(fd, UFFDIO_ZEROPAGE, &zero) ? -errno : 0;
}

#endif /* STUCK_H */
