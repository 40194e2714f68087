/* SPDX-License-Identifier: GPL-2.0 */
/* The fuzzer's parts: what calls look like, programs, coverage, the corpus. */
#ifndef FUZZ_H
#define FUZZ_H

#include "tests/fuzz/box.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

enum arg_type {
	ARG_NUM, ARG_RARE, ARG_BAD, ARG_DEV, ARG_POOL, ARG_STAGE, ARG_WORKER, ARG_SOURCE,
	ARG_FD, ARG_BUF, NR_ARG_TYPES
};

/* What a place may hold; each type of places has its own bits. */
#define DEV_OPEN	1
#define DEV_SETUP	2
#define DEV_ARENA	4
#define DEV_COUNTERS	8
#define ALIVE		1
#define SRC_ADOPTED	1
#define SRC_FDLESS	2
#define SRC_LISTEN	4
#define SRC_UDP		8
#define SRC_FILE	16
#define SRC_TIMER	32
#define SRC_EVENT	64	/* of the last batch */
#define SRC_DISK	128
#define FD_TCP		1
#define FD_LISTEN	2
#define FD_UDP		4
#define FD_EVENT	8
#define FD_PIPE_R	16
#define FD_PIPE_W	32
#define FD_TIMER	64
#define FD_UNIX		128
#define FD_SIGNAL	256
#define FD_EPOLL	512
#define FD_TAKEN	1024	/* below a source */
#define FD_DISK		2048
#define BUF_EVENT	1	/* came with an event */
#define BUF_TAKEN	2

/*
 * An argument.  A place: one that holds something of needs (0: any) and nothing
 * of avoids; it then holds gives besides (with fresh: gives alone).  A number:
 * one of values, mostly; a rare one is 0 mostly.
 */
struct arg {
	const char *name;
	uint8_t type;
	bool fresh;
	uint16_t needs, avoids, gives;
	uint8_t nr;
	const uint64_t *values;
};

struct call_type {
	const char *name;
	run_fn *run;
	uint16_t weight;
	bool device;		/* counts for the rate of successes */
	struct arg arg[MAX_ARGS];
};

struct program {
	uint32_t nr;
	struct call call[MAX_CALLS];
};

/* table.c */
extern const struct call_type call_types[];
extern const unsigned int nr_call_types;

/* text.c */
unsigned int text_print(const struct program *p, char *to, size_t size);
int text_parse(struct program *p, const char *text, const char **end);
void text_print_c(const struct program *p, unsigned int nr, uint64_t times);

/* the text of sources, in text.c */
extern const char text_box_h[], text_box_c[], text_calls_dev[];
extern const char text_calls_enter[], text_calls_file[], text_calls_life[];

/* make.c */
uint64_t chance_next(void);
void chance_seed(uint64_t seed);
static inline uint64_t below(uint64_t n)
{
	return chance_next() % n;
}

void make_new(struct program *p);
void make_other(struct program *p, const struct program *from,
		const struct program *with);

/* Shared by the fuzzer and its runs, which may be killed at any time. */
#define NR_EDGES	(1 << 16)
#define NR_PCS		(1 << 14)
#define MAX_TYPES	128
#define MAX_CORPUS	1024
#define MAX_TEXT	8192

#define MAX_ERROR	134

struct count {
	uint64_t calls, good;
	uint32_t error[MAX_ERROR];
};

struct shared {
	uint64_t programs;
	struct count count[MAX_TYPES];
	uint32_t nr_corpus;
	uint32_t nr_loaded;		/* of these from files */
	uint32_t nr_edges, nr_pcs;
	uint8_t edge[NR_EDGES];
	uint64_t pc[NR_PCS];		/* a hash */
	struct program corpus[MAX_CORPUS];
};

extern struct shared *shared;

/* cover.c */
bool cover_start(void);
void cover_begin(unsigned int thread);
unsigned int cover_end(unsigned int thread);

/* play.c; the runs are for a process of their own */
#define STATUS_REPORTED	3	/* of a run: it saw a report of the kernel */

int read_programs(const char *path, struct program *to, unsigned int max);
int load_corpus(const char *dir);
int by_length(const void *a, const void *b);
void run_fuzz(uint64_t seed);
void run_corpus(uint64_t first);
void run_replay(uint64_t times);

/* fuzz.c */
extern struct options {
	uint64_t seed, calls, minutes, times;
	const char *keep, *log, *replay, *pcs;
	const char *corpus[8];
	unsigned int nr_corpus;
	bool reduce;
} opt;

int fuzz_main(int argc, char **argv);

/* log.c */
void log_open(const char *path);
void log_program(const struct program *p);
void log_print(const char *path);

#endif /* FUZZ_H */
