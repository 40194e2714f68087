/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory whose reader waits for a file system that never answers: the pages of a
 * file of FUSE, which is mounted on it and has no other.
 */
#ifndef STUCK_FILE_H
#define STUCK_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define STUCK_FILE	"/run/seda-stuck-file"
#define STUCK_FILE_SIZE	65536

struct stuck_file {
	char *memory;
	int touched;		/* for stuck_await(): somebody waits for it */
	pid_t server;
};

static inline void stuck_file_reply(int dev, uint64_t request, int error,
				    const void *data, size_t len)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + len, .error = error, .unique = request,
	};
	struct iovec v[2] = {
		{ &out, sizeof(out) }, { (void *)data, len },
	};

	/* a request that wants no answer, or is gone, is an error */
	if (writev(dev, v, 2) < 0 && errno != ENOENT && errno != EINVAL)
		_exit(1);
}

/* Answers all but reads, which it tells of. */
static inline void stuck_file_serve(int dev, int tell)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = STUCK_FILE_SIZE, .flags = FUSE_ASYNC_READ,
		.max_write = 4096,
	};
	struct fuse_attr_out attr = {
		.attr_valid = 3600,
		.attr = {
			.ino = FUSE_ROOT_ID, .size = STUCK_FILE_SIZE,
			.mode = S_IFREG | 0600, .nlink = 1,
		},
	};
	struct fuse_open_out opened = { 0 };
	union {
		struct fuse_in_header in;
		char bytes[FUSE_MIN_READ_BUFFER];
	} r;

	while (read(dev, &r, sizeof(r)) > 0) {
		switch (r.in.opcode) {
		case FUSE_READ:
			if (write(tell, "", 1) != 1)
				_exit(1);
			break;
		case FUSE_INIT:
			stuck_file_reply(dev, r.in.unique, 0, &init,
					 sizeof(init));
			break;
		case FUSE_GETATTR:
			stuck_file_reply(dev, r.in.unique, 0, &attr,
					 sizeof(attr));
			break;
		case FUSE_OPEN:
			stuck_file_reply(dev, r.in.unique, 0, &opened,
					 sizeof(opened));
			break;
		default:
			stuck_file_reply(dev, r.in.unique, -ENOSYS, NULL, 0);
		}
	}
	_exit(1);
}

/* As root.  Its server is a process that has what the caller has by now. */
static inline int stuck_file_mount(int dev)
{
	char options[80];
	int fd = open(STUCK_FILE, O_CREAT | O_RDONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=100000,user_id=0,group_id=0", dev);
	return mount("seda", STUCK_FILE, "fuse", MS_NOSUID | MS_NODEV,
		     options) ? -errno : 0;
}

/* The kernel asks for the file's size when it is asked for it. */
static inline char *stuck_file_map(void)
{
	int fd = open(STUCK_FILE, O_RDONLY | O_CLOEXEC);
	char *memory = MAP_FAILED;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size == STUCK_FILE_SIZE)
		memory = mmap(NULL, STUCK_FILE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	return memory;
}

/* Nobody waits any more, and all is gone. */
static inline void stuck_file_end(struct stuck_file *f)
{
	kill(f->server, SIGKILL);
	waitpid(f->server, NULL, 0);
	munmap(f->memory, STUCK_FILE_SIZE);
	umount2(STUCK_FILE, MNT_DETACH);
	unlink(STUCK_FILE);
	close(f->touched);
}

/* 0 or -errno. */
static inline int stuck_file_make(struct stuck_file *f)
{
	int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC), tell[2], ret;

	/* it is a module of some kernels */
	if (dev < 0 && !system("modprobe -q fuse"))
		dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (dev < 0 || pipe(tell))
		return -errno;
	ret = stuck_file_mount(dev);
	if (ret)
		return ret;
	f->touched = tell[0];
	f->server = fork();
	if (!f->server)
		stuck_file_serve(dev, tell[1]);
	if (f->server < 0)
		return -errno;
	close(dev);
	close(tell[1]);
	f->memory = stuck_file_map();
	if (f->memory != MAP_FAILED)
		return 0;
	stuck_file_end(f);
	return -EIO;
}

#endif /* STUCK_FILE_H */
