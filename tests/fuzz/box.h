/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The box: what the calls of one program of the fuzzer work on.  Results are
 * kept in numbered places, and calls name these places, so that a program means
 * the same when another call is taken out of it.
 *
 * box.c and calls_*.c need libc and <linux/seda.h> only: seda-fuzz --print-c
 * prints their text before a program, and that is a reproducer.
 */
#ifndef FUZZ_BOX_H
#define FUZZ_BOX_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/seda.h>

#define MAX_ARGS	10
#define MAX_CALLS	64	/* of a program */
#define NR_THREADS	3
#define NR_DEVS		4
#define NR_POOLS	4
#define NR_STAGES	6
#define NR_WORKERS	4
#define NR_SOURCES	16	/* the last four: accepted connections */
#define FIRST_CHILD	12
#define NR_EVENTS	8	/* sources of the last batch */
#define NR_BUFS		12	/* the last four: taken, the others of events */
#define FIRST_TAKEN	8
#define NR_FDS		24
#define MAX_OPS		32
/* Numbers of places from here on are ids that never were good. */
#define WEIRD		64
/* The numbers of sources from here on are those of the last batch. */
#define EVENT_SOURCE	32

#define MEM_SIZE	(1 << 18)
#define PAGE		4096

struct box;
struct call;
typedef long run_fn(struct box *b, const uint64_t *a);

struct call {
	run_fn *run;
	uint16_t type;		/* in the table of calls */
	uint8_t thread;
	uint8_t async;		/* the next call does not wait for it */
	uint64_t a[MAX_ARGS];
};

struct dev {
	int fd;
	struct seda_setup_args setup;
	char *arena;
	size_t arena_len;
	char *counters;
	size_t counters_len;
};

/* A thread's part of a worker: who it is, and its ops that are not submitted. */
struct place {
	uint64_t id;
	int dev;
	unsigned int nr_ops;
	const struct call *ops[MAX_OPS];
};

struct player {
	struct box *box;
	pthread_t thread;
	bool alive;
	pid_t tid;		/* 0: not running */
	sem_t work;
	sem_t idle;
	const struct call *queue[MAX_CALLS];
	unsigned int head, tail;
	unsigned int ticks;	/* that its call has lasted */
};

struct box {
	struct dev dev[NR_DEVS];
	uint64_t pool[NR_POOLS];
	uint64_t stage[NR_STAGES];
	struct place worker[NR_WORKERS];
	uint64_t source[NR_SOURCES];
	uint64_t event[NR_EVENTS];
	uint32_t buf[NR_BUFS];
	unsigned int next_child, next_buf;
	int fd[NR_FDS];
	uint16_t port[NR_FDS];	/* of listeners and UDP sockets */
	int listener;		/* for pairs */
	uint16_t listener_port;
	char *mem;		/* MEM_SIZE bytes, then a page without access */
	struct player player[NR_THREADS];
	/* told of each call, and of ops when they have been submitted; or NULL */
	void (*begin)(unsigned int thread);
	void (*done)(unsigned int thread, const struct call *call, long ret);
	void (*op_done)(const struct call *call, long ret);
};

/* box.c */
enum { DISK_FAST, DISK_SLOW, DISK_DIR, NR_DISKS };

void box_disks(void);
const char *box_disk(unsigned int which);
void box_init(struct box *b);
void box_play(struct box *b, const struct call *calls, unsigned int nr);
void box_reset(struct box *b);
int box_put_fd(struct box *b, uint64_t place, int fd);
int box_fd(const struct box *b, uint64_t place);
long box_errno(long ret);
void *box_memory(struct box *b, uint64_t where, uint64_t len);
extern __thread unsigned int box_thread;

/* calls_dev.c */
run_fn run_open, run_info, run_setup, run_pool_create, run_pool_set;
run_fn run_pool_destroy, run_stage_create, run_stage_set, run_stage_destroy;
run_fn run_join, run_leave, run_listen, run_adopt, run_connect, run_watch;
run_fn run_timer, run_post, run_close, run_to_fd, run_source_info, run_raw;
run_fn run_adopt_file;

/* calls_enter.c */
run_fn run_enter, run_ctl, run_scribble, run_op_nop, run_op_send, run_op_send_buf;
run_fn run_op_send_vec, run_op_send_to, run_op_recv, run_op_shutdown;
run_fn run_op_close, run_op_cancel, run_op_arm, run_op_disarm, run_op_release;
run_fn run_op_return, run_op_set_data, run_op_post, run_op_raw;
run_fn run_op_take, run_op_read, run_op_read_vec, run_op_write, run_op_write_vec;
run_fn run_op_sync, run_op_advise, run_op_resident, run_op_sendfile;
run_fn run_op_cancel_file;

/* calls_file.c */
run_fn run_pair, run_listener, run_dial, run_udp, run_eventfd, run_pipe;
run_fn run_timerfd, run_unix, run_signalfd, run_epoll, run_write, run_read;
run_fn run_shut, run_close_fd, run_reset, run_option, run_urgent, run_dup;
run_fn run_disconnect, run_accept, run_file, run_touch;

/* calls_life.c */
run_fn run_map_arena, run_map_counters, run_unmap, run_remap, run_dup_dev;
run_fn run_close_dev, run_fork, run_pass, run_poll_dev, run_epoll_dev;
run_fn run_fdinfo, run_debugfs, run_signal, run_exit, run_sleep, run_nest;

uint64_t box_source(const struct box *b, uint64_t place);
uint64_t box_stage(const struct box *b, uint64_t place);
uint64_t box_pool(const struct box *b, uint64_t place);
int box_dev(const struct box *b, uint64_t place);
long box_ioctl(struct box *b, const uint64_t *a, unsigned long nr, void *args,
	       size_t size);

#endif /* FUZZ_BOX_H */
