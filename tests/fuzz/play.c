// SPDX-License-Identifier: GPL-2.0
/* What a run does: the corpus, and a process that plays programs. */
#include <dirent.h>
#include <inttypes.h>
#include <sys/prctl.h>

#include "tests/fuzz/fuzz.h"

#define RUN_PROGRAMS	300	/* of one process */

static struct program current;
static unsigned int last_new;		/* its last call that ran something new */

static void count(const struct call *c, long ret)
{
	struct count *n = &shared->count[c->type];

	__atomic_add_fetch(&n->calls, 1, __ATOMIC_RELAXED);
	if (ret >= 0)
		__atomic_add_fetch(&n->good, 1, __ATOMIC_RELAXED);
	else if (-ret < MAX_ERROR)
		__atomic_add_fetch(&n->error[-ret], 1, __ATOMIC_RELAXED);
}

static bool is_op(const struct call *c)
{
	const struct call_type *t = &call_types[c->type];

	return t->device && t->arg[0].type == ARG_WORKER;
}

static void call_done(unsigned int thread, const struct call *c, long ret)
{
	if (is_op(c))
		return;
	count(c, ret);
	if (cover_end(thread))
		last_new = c - current.call + 1;
}

static void op_done(const struct call *c, long ret)
{
	count(c, ret);
}

static void corpus_write(const struct program *p)
{
	char text[MAX_TEXT], path[512], name[512];
	uint64_t hash = 5381;
	unsigned int n, i;
	FILE *file;

	n = text_print(p, text, sizeof(text));
	for (i = 0; i < n; i++)
		hash = hash * 33 + (unsigned char)text[i];
	/* whole or not at all: this process may be killed at any time */
	snprintf(path, sizeof(path), "%s/.%d", opt.keep, getpid());
	snprintf(name, sizeof(name), "%s/%016" PRIx64, opt.keep, hash);
	file = fopen(path, "we");
	if (!file)
		return;
	fprintf(file, "# SPDX-License-Identifier: GPL-2.0\n%s", text);
	fclose(file);
	if (rename(path, name))
		perror(name);
}

static void corpus_add(const struct program *p)
{
	unsigned int at = shared->nr_corpus;

	if (at == MAX_CORPUS)
		at = below(MAX_CORPUS);
	shared->corpus[at] = *p;
	if (at == shared->nr_corpus)
		shared->nr_corpus++;
}

static char *read_all(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text;
	size_t n;

	if (!file)
		return NULL;
	text = malloc(1 << 20);
	n = text ? fread(text, 1, (1 << 20) - 1, file) : 0;
	fclose(file);
	if (text)
		text[n] = 0;
	return text;
}

/* How many programs of the file there are; into to, at most max. */
int read_programs(const char *path, struct program *to, unsigned int max)
{
	char *text = read_all(path);
	const char *at = text;
	unsigned int nr = 0;
	int ret = 0;

	if (!text) {
		perror(path);
		return -1;
	}
	while (nr < max) {
		ret = text_parse(&to[nr], at, &at);
		if (ret)
			break;
		nr++;
	}
	free(text);
	return ret < 0 ? ret : (int)nr;
}

int load_corpus(const char *dir)
{
	struct dirent **name;
	int n = scandir(dir, &name, NULL, alphasort), i, bad = 0;
	char path[512];

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, name[i]->d_name);
		if (*name[i]->d_name != '.' && shared->nr_corpus < MAX_CORPUS) {
			if (read_programs(path, &shared->corpus[shared->nr_corpus],
					  1) == 1)
				shared->nr_corpus++;
			else
				bad = -1;
		}
		free(name[i]);
	}
	shared->nr_loaded = shared->nr_corpus;
	return n < 0 ? n : bad;
}

/* Shortest first. */
int by_length(const void *a, const void *b)
{
	const struct program *p = a, *q = b;

	return (int)p->nr - (int)q->nr;
}

/* What the kernel says when something is wrong; tests/lib/kernel-report's. */
static bool kernel_reports(void)
{
	static const char *const bad[] = {
		"BUG: ", "WARNING: ", "INFO: task", "INFO: possible", "INFO: rcu",
		"INFO: trying", "possible circular", "suspicious RCU", "UBSAN: ",
		"inconsistent lock state", "ODEBUG: ", "general protection",
	};
	static int fd = -1;
	char text[2048];
	unsigned int i;
	ssize_t n;

	if (fd < 0) {
		fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		lseek(fd, 0, SEEK_END);
	}
	while ((n = read(fd, text, sizeof(text) - 1)) > 0) {
		text[n] = 0;
		/* most of these are the kernel's own: the host judges the log */
		if (strstr(text, "BUG: KCSAN: "))
			continue;
		for (i = 0; i < ARRAY_LEN(bad); i++)
			if (strstr(text, bad[i]))
				return true;
	}
	return false;
}

static void play(struct box *b)
{
	last_new = 0;
	log_program(&current);
	shared->programs++;
	box_play(b, current.call, current.nr);
	/* the end of the apps is as good as a call */
	cover_begin(0);
	box_reset(b);
	if (cover_end(0))
		last_new = current.nr;
	if (kernel_reports()) {
		printf("# the kernel reported\n");
		fflush(stdout);
		_exit(STATUS_REPORTED);
	}
}

static void make(void)
{
	const struct program *from, *with;

	if (!shared->nr_corpus || !below(3)) {
		make_new(&current);
		return;
	}
	from = &shared->corpus[below(shared->nr_corpus)];
	with = &shared->corpus[below(shared->nr_corpus)];
	make_other(&current, from, with);
}

static void start_run(struct box *b)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	box_init(b);
	if (!cover_start())
		b->begin = NULL;
	else
		b->begin = cover_begin;
	b->done = call_done;
	b->op_done = op_done;
}

void run_fuzz(uint64_t seed)
{
	static struct box b;
	unsigned int i;

	start_run(&b);
	chance_seed(seed);
	for (i = 0; i < RUN_PROGRAMS; i++) {
		make();
		play(&b);
		if (!last_new)
			continue;
		current.nr = last_new;
		corpus_add(&current);
		if (opt.keep)
			corpus_write(&current);
	}
}

void run_corpus(uint64_t first)
{
	static struct box b;

	start_run(&b);
	for (; first < shared->nr_loaded; first++) {
		current = shared->corpus[first];
		play(&b);
		if (opt.reduce && last_new)
			corpus_write(&current);
	}
}

/* All that was loaded, again and again. */
void run_replay(uint64_t times)
{
	static struct box b;
	unsigned int i;

	start_run(&b);
	while (times--) {
		for (i = 0; i < shared->nr_loaded; i++) {
			current = shared->corpus[i];
			play(&b);
		}
	}
}
