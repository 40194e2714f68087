// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to read from a file that is in memory, to send it to a connection, and to
 * read it from the disk: the system calls (Linux' aio for the last), io_uring and
 * /dev/seda.  Under icount a nanosecond is an instruction.  "cost" is of one operation,
 * the mean of --count; for "send" that of the receiver, who discards, is in it, and the
 * same for all.  "direct" reads with O_DIRECT, --batch at a time, and waits for all.
 *
 * Each has it as good as it gets: io_uring a registered file and buffers, a single
 * issuer and deferred task work; the sockets room for what is sent.
 */
#include <fcntl.h>
#include <getopt.h>
#include <linux/aio_abi.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <time.h>

#include <liburing.h>

#include "tests/lib/disk.h"
#include "tools/bench/echo.h"

static unsigned int size = 4096, batch = 1;
static long count = 10000;
static int file, pair[2];

/* Does batch operations. */
struct engine {
	const char *name;
	void (*begin)(void);
	void (*read)(void);
	void (*send)(void);
	void (*direct)(void);
};

/* Neighbours on the disk would become one request. */
static bool scattered;

static uint64_t offset(unsigned int i)
{
	return (uint64_t)i * (scattered ? 17 : 1) * size % (DISK_MB << 20);
}

static void wrong(const char *what, long res)
{
	errno = res < 0 ? -res : EPROTO;
	die(what);
}

/* ------------------------------------------------------------ system calls */

static char *memory;

static void call_begin(void)
{
	memory = aligned_alloc(4096, (size_t)size * batch);
	memset(memory, 1, (size_t)size * batch);
}

static void call_read(void)
{
	unsigned int i;

	for (i = 0; i < batch; i++)
		if (pread(file, memory + (size_t)i * size, size, offset(i)) !=
		    (ssize_t)size)
			die("pread");
}

static void drain(size_t len)
{
	ssize_t n;

	for (; len; len -= n) {
		n = recv(pair[1], NULL, len, MSG_TRUNC);
		if (n <= 0)
			die("recv");
	}
}

static void call_send(void)
{
	unsigned int i;
	off_t at;

	for (i = 0; i < batch; i++) {
		at = offset(i);
		if (sendfile(pair[0], file, &at, size) != (ssize_t)size)
			die("sendfile");
		drain(size);
	}
}

static aio_context_t aio;

static void call_direct(void)
{
	static struct iocb iocbs[1024], *list[1024];
	static struct io_event events[1024];
	unsigned int i;

	if (!aio && syscall(SYS_io_setup, 1024, &aio))
		die("io_setup");
	for (i = 0; i < batch; i++) {
		iocbs[i] = (struct iocb){
			.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = file,
			.aio_buf = (uintptr_t)memory + (size_t)i * size,
			.aio_nbytes = size, .aio_offset = offset(i),
		};
		list[i] = &iocbs[i];
	}
	if (syscall(SYS_io_submit, aio, batch, list) != batch ||
	    syscall(SYS_io_getevents, aio, batch, batch, events, NULL) != batch)
		die("aio");
	for (i = 0; i < batch; i++)
		if (events[i].res != size)
			wrong("aio", events[i].res);
}

/* ---------------------------------------------------------------- io_uring */

static struct io_uring ring;
static int pipes[2];

static void uring_begin(void)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
	};
	int fds[] = { file, pair[0] }, ret;
	struct iovec iov;

	call_begin();
	iov.iov_base = memory;
	iov.iov_len = (size_t)size * batch;
	ret = io_uring_queue_init_params(batch * 2, &ring, &p);
	if (!ret)
		ret = io_uring_register_files(&ring, fds, 2);
	if (!ret && iov.iov_len <= 1 << 24)
		ret = io_uring_register_buffers(&ring, &iov, 1);
	if (ret)
		wrong("io_uring", ret);
	if (pipe2(pipes, O_CLOEXEC) ||
	    fcntl(pipes[0], F_SETPIPE_SZ, 1 << 20) < 0)
		die("pipe");
}

/* nr completions of size bytes each */
static void uring_take(unsigned int nr)
{
	struct io_uring_cqe *cqe;
	unsigned int n = 0, head;
	int ret;

	ret = io_uring_submit_and_wait(&ring, nr);
	if (ret < 0)
		wrong("io_uring_submit", ret);
	io_uring_for_each_cqe(&ring, head, cqe) {
		if (cqe->res != (int)size)
			wrong("io_uring", cqe->res);
		n++;
	}
	if (n != nr)
		wrong("io_uring", 0);
	io_uring_cq_advance(&ring, n);
}

static void uring_read(void)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < batch; i++) {
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_read_fixed(sqe, 0, memory + (size_t)i * size, size,
					 offset(i), 0);
		sqe->flags |= IOSQE_FIXED_FILE;
	}
	uring_take(batch);
}

static void uring_send(void)
{
	struct io_uring_sqe *sqe;
	unsigned int i;

	for (i = 0; i < batch; i++) {
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_splice(sqe, file, offset(i), pipes[1], -1, size, 0);
		sqe->flags |= IOSQE_IO_LINK;
		sqe = io_uring_get_sqe(&ring);
		io_uring_prep_splice(sqe, pipes[0], -1, pair[0], -1, size, 0);
		uring_take(2);
		drain(size);
	}
}

/* -------------------------------------------------------------------- seda */

static struct app app;
static struct worker w;
static uint64_t source, conn;
static int *bufs;

static void seda_begin(void)
{
	struct seda_setup_args setup = {
		.buf_size = size > SEDA_MAX_BUF_SIZE ? SEDA_MAX_BUF_SIZE : size,
		.bufs = batch + 16, .ops = batch * 2,
		.events = batch < 64 ? 64 : batch,
	};
	uint64_t stage;
	unsigned int i;

	errno = -app_open(&app, &setup);
	if (errno)
		die("/dev/seda");
	if (app_stage(&app, NULL, &stage) || worker_join(&app, &w) ||
	    app_file(&app, file, stage, 0, 0, &source) ||
	    app_adopt(&app, pair[0], stage, 0, 0, &conn))
		die("seda");
	bufs = calloc(batch, sizeof(*bufs));
	for (i = 0; i < batch; i++) {
		bufs[i] = worker_take(&w);
		if (bufs[i] < 0)
			wrong("TAKE", bufs[i]);
	}
}

static void seda_read(void)
{
	unsigned int i;

	for (i = 0; i < batch; i++)
		w.ops[i] = file_op(SEDA_OP_READ, source, offset(i), bufs[i], size, i);
	w.nr_ops = batch;
	if (worker_submit(&w))
		die("ENTER");
	for (i = 0; i < batch; i++)
		if (w.ops[i].res != (int)size)
			wrong("READ", w.ops[i].res);
}

static void seda_direct(void)
{
	unsigned int i, waiting = 0;
	int n;

	for (i = 0; i < batch; i++)
		w.ops[i] = file_op(SEDA_OP_READ, source, offset(i), bufs[i], size, i);
	w.nr_ops = batch;
	if (worker_submit(&w))
		die("ENTER");
	for (i = 0; i < batch; i++) {
		waiting += w.ops[i].res == -EINPROGRESS;
		if (w.ops[i].res != -EINPROGRESS && w.ops[i].res != (int)size)
			wrong("READ", w.ops[i].res);
	}
	for (; waiting; waiting -= n) {
		n = worker_enter(&w, waiting, SEDA_FOREVER);
		if (n <= 0)
			wrong("ENTER", n);
		if (w.events[0].res != (int)size)
			wrong("READ", w.events[0].res);
	}
}

static void seda_send(void)
{
	struct seda_op *op;
	unsigned int i;

	for (i = 0; i < batch; i++) {
		op = worker_op(&w, SEDA_OP_SENDFILE, conn);
		op->file = source;
		op->offset = offset(i);
		op->len = size;
		if (worker_submit(&w))
			die("ENTER");
		if (op->res != (int)size)
			wrong("SENDFILE", op->res);
		drain(size);
	}
}

/* -------------------------------------------------------------------------- */

static const struct engine engines[] = {
	{ "syscall", call_begin, call_read, call_send, call_direct },
	{ "io_uring", uring_begin, uring_read, uring_send, uring_read },
	{ "seda", seda_begin, seda_read, seda_send, seda_direct },
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* A pair with room for a lot. */
static void connect_pair(void)
{
	int room = 16 << 20, i;

	errno = -tcp_pair(pair);
	if (errno)
		die("socket");
	for (i = 0; i < 2; i++) {
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
		setsockopt(pair[i], SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	}
}

static void fill(void)
{
	static char block[1 << 16];
	uint64_t at;

	for (at = 0; at < DISK_MB << 20; at += sizeof(block))
		if (pwrite(file, block, sizeof(block), at) != sizeof(block))
			die("write");
}

static void measure(const struct engine *e, const char *what)
{
	void (*once)(void) = e->read;
	uint64_t begun;
	long i;

	if (!strcmp(what, "send"))
		once = e->send;
	else if (scattered)
		once = e->direct;
	e->begin();
	for (i = 0; i < 200; i++)
		once();
	begun = now();
	for (i = 0; i < count; i += batch)
		once();
	printf("%s what=%s size=%u batch=%u cost=%llu\n", e->name, what, size, batch,
	       (unsigned long long)(now() - begun) / i);
}

static void usage(FILE *to, const char *name)
{
	fprintf(to, "usage: %s [--size BYTES] [--batch N] [--count N] --file PATH "
		"syscall|io_uring|seda read|send|direct\n", name);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "batch", required_argument, NULL, 'b' },
		{ "count", required_argument, NULL, 'c' },
		{ "file", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *path = NULL;
	unsigned int i;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			size = strtoul(optarg, NULL, 0);
			break;
		case 'b':
			batch = strtoul(optarg, NULL, 0);
			break;
		case 'c':
			count = strtol(optarg, NULL, 0);
			break;
		case 'f':
			path = optarg;
			break;
		case 'h':
			usage(stdout, argv[0]);
			return 0;
		default:
			usage(stderr, argv[0]);
			return 2;
		}
	}
	if (!path || argc != optind + 2 || !size || !batch) {
		usage(stderr, argv[0]);
		return 2;
	}
	file = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0)
		die(path);
	fill();
	scattered = !strcmp(argv[optind + 1], "direct");
	if (scattered) {
		close(file);
		file = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
		if (file < 0)
			die(path);
	}
	connect_pair();
	for (i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (strcmp(engines[i].name, argv[optind]))
			continue;
		measure(&engines[i], argv[optind + 1]);
		return 0;
	}
	usage(stderr, argv[0]);
	return 2;
}
