// SPDX-License-Identifier: GPL-2.0
/*
 * seda-fuzz: plays programs of calls on /dev/seda, made by chance from what is
 * known of the calls, and from those that ran new parts of the module.
 *
 *   --seed N          of the chance (from the clock, and told)
 *   --calls N         stop after so many calls of the device (100000)
 *   --minutes N       stop after so long
 *   --corpus DIR      programs to begin with (again for more)
 *   --keep DIR        write programs that ran something new there
 *   --log FILE        keep the last programs there, for when the machine dies
 *   --reduce          only play the corpus; --keep those that add something
 *   --replay FILE     play the programs of FILE only, --times N times
 *   --pcs FILE        write the addresses that were covered there
 *   --print-log FILE  show what --log kept
 *   --print-c FILE    the programs of FILE in C, with all they need
 *   --list FILE       the programs of FILE, numbered (to see that it is good)
 *
 * Prints TAP: at least 40 % of the calls must succeed, and no run may hang.
 */
#include <getopt.h>
#include <inttypes.h>

#include "tests/fuzz/fuzz.h"

#define LEAST_PERCENT	40
/* Far longer than any program takes on the slowest kernel. */
#define HANG_SECONDS	120

struct shared *shared;

struct options opt = { .calls = 100000, .times = 1 };

static struct count device_calls(void)
{
	struct count sum = { 0 };
	unsigned int i;

	for (i = 0; i < nr_call_types; i++) {
		if (!call_types[i].device)
			continue;
		sum.calls += shared->count[i].calls;
		sum.good += shared->count[i].good;
	}
	return sum;
}

static void say_where(pid_t pid)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "cat /proc/%d/task/*/stack /proc/%d/task/*/wchan", pid, pid);
	if (system(command))
		perror("stack");
}

/*
 * Waits for the run; kill_us: kill it after so long, 0: not.  False: it
 * hangs, or the kernel reported something.
 */
static bool wait_run(pid_t pid, uint64_t kill_us)
{
	const struct timespec tick = { .tv_sec = 1 };
	struct timespec until_kill = { .tv_nsec = kill_us * 1000 };
	uint64_t programs = shared->programs;
	unsigned int still = 0;
	int status = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (kill_us) {
		sigtimedwait(&set, NULL, &until_kill);
		kill(pid, SIGKILL);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		if (sigtimedwait(&set, NULL, &tick) == SIGCHLD)
			continue;
		if (shared->programs != programs)
			still = 0;
		programs = shared->programs;
		if (++still == HANG_SECONDS) {
			printf("# no progress for %u seconds\n", still);
			say_where(pid);
			kill(pid, SIGKILL);
			return false;
		}
	}
	return !WIFEXITED(status) || WEXITSTATUS(status) != STATUS_REPORTED;
}

static bool run(void (*fn)(uint64_t), uint64_t arg, uint64_t kill_us)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		return false;
	}
	if (!pid) {
		fn(arg);
		_exit(0);
	}
	return wait_run(pid, kill_us);
}

static uint64_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static unsigned int percent(const struct count *n)
{
	return n->calls ? n->good * 100 / n->calls : 0;
}

static void say_state(uint64_t begin)
{
	struct count all = device_calls();

	printf("# %" PRIu64 " s: %" PRIu64 " programs, %" PRIu64
	       " calls, %u %% good, %u edges, %u places, corpus %u\n",
	       seconds() - begin, shared->programs, all.calls, percent(&all),
	       shared->nr_edges, shared->nr_pcs, shared->nr_corpus);
	fflush(stdout);
}

/* The errors that came most. */
static void say_errors(const struct count *n)
{
	uint32_t below_this = ~0U, most;
	unsigned int i, shown, at;

	for (shown = 0; shown < 3; shown++) {
		for (i = at = most = 0; i < MAX_ERROR; i++) {
			if (n->error[i] > most && n->error[i] < below_this) {
				most = n->error[i];
				at = i;
			}
		}
		if (!most)
			break;
		printf(" %s %u", strerrorname_np(at), most);
		below_this = most;
	}
}

static void say_counts(void)
{
	unsigned int i;

	for (i = 0; i < nr_call_types; i++) {
		printf("# %-14s %9" PRIu64 " calls %3u %% good",
		       call_types[i].name, shared->count[i].calls,
		       percent(&shared->count[i]));
		say_errors(&shared->count[i]);
		printf("\n");
	}
}

static bool fuzz(void)
{
	uint64_t begin = seconds(), said = begin, nr;

	if (opt.reduce)
		qsort(shared->corpus, shared->nr_loaded,
		      sizeof(shared->corpus[0]), by_length);
	if (shared->nr_loaded && !run(run_corpus, 0, 0))
		return false;
	say_state(begin);
	if (opt.reduce)
		return true;
	for (nr = 0;; nr++) {
		chance_seed(opt.seed + nr);
		if (!run(run_fuzz, opt.seed + nr,
			 nr % 8 == 7 ? 1 + below(300000) : 0))
			return false;
		if (seconds() - said >= 15) {
			said = seconds();
			say_state(begin);
		}
		if (opt.minutes ? seconds() - begin >= opt.minutes * 60 :
				  device_calls().calls >= opt.calls)
			break;
	}
	say_state(begin);
	return true;
}

static void write_pcs(const char *path)
{
	FILE *file = fopen(path, "we");
	unsigned int i;

	for (i = 0; file && i < NR_PCS; i++)
		if (shared->pc[i])
			fprintf(file, "%#" PRIx64 "\n", shared->pc[i]);
	if (file)
		fclose(file);
}

static int report(bool ended)
{
	struct count all = device_calls();
	bool good = percent(&all) >= LEAST_PERCENT;
	const char *kernel = getenv("SEDA_DEBUG");
	bool guided = !kernel || !strcmp(kernel, "kcsan") || shared->nr_edges;

	say_counts();
	if (opt.pcs)
		write_pcs(opt.pcs);
	printf("%sok 1 %" PRIu64 " calls in %" PRIu64 " programs ended\n",
	       ended ? "" : "not ", all.calls, shared->programs);
	printf("%sok 2 %u %% of them succeeded (%u are asked for)\n",
	       good ? "" : "not ", percent(&all), LEAST_PERCENT);
	printf("%sok 3 it was guided where the kernel has KCOV: %u edges\n",
	       guided ? "" : "not ", shared->nr_edges);
	return ended && good && guided ? 0 : 1;
}

static int print_programs(const char *path, bool in_c)
{
	unsigned int i;
	char text[MAX_TEXT];
	int nr = read_programs(path, shared->corpus, MAX_CORPUS);

	if (nr < 0)
		return 1;
	if (in_c) {
		text_print_c(shared->corpus, nr, opt.times);
		return 0;
	}
	for (i = 0; i < (unsigned int)nr; i++) {
		text_print(&shared->corpus[i], text, sizeof(text));
		printf("# program %u\n%s\n", i, text);
	}
	return 0;
}

static int replay(void)
{
	int nr = read_programs(opt.replay, shared->corpus, MAX_CORPUS);
	uint64_t left = opt.times, part;

	if (nr <= 0)
		return 1;
	shared->nr_loaded = nr;
	for (; left; left -= part) {
		part = left < 50 ? left : 50;
		if (!run(run_replay, part, 0))
			return 1;
	}
	say_counts();
	printf("ok 1 %d programs were played %" PRIu64 " times\n", nr, opt.times);
	return 0;
}

enum { PRINT_LOG = 256, PRINT_C, LIST, REDUCE };

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "calls", required_argument, NULL, 'n' },
	{ "minutes", required_argument, NULL, 'm' },
	{ "times", required_argument, NULL, 't' },
	{ "corpus", required_argument, NULL, 'c' },
	{ "keep", required_argument, NULL, 'k' },
	{ "log", required_argument, NULL, 'l' },
	{ "replay", required_argument, NULL, 'r' },
	{ "pcs", required_argument, NULL, 'p' },
	{ "print-log", required_argument, NULL, PRINT_LOG },
	{ "print-c", required_argument, NULL, PRINT_C },
	{ "reduce", no_argument, NULL, REDUCE },
	{ "list", required_argument, NULL, LIST },
	{ 0 }
};

static void parse_option(int c)
{
	switch (c) {
	case 's':
		opt.seed = strtoull(optarg, NULL, 0);
		break;
	case 'n':
		opt.calls = strtoull(optarg, NULL, 0);
		break;
	case 'm':
		opt.minutes = strtoull(optarg, NULL, 0);
		break;
	case 't':
		opt.times = strtoull(optarg, NULL, 0);
		break;
	case 'c':
		if (opt.nr_corpus < ARRAY_LEN(opt.corpus))
			opt.corpus[opt.nr_corpus++] = optarg;
		break;
	case 'k':
		opt.keep = optarg;
		break;
	case 'l':
		opt.log = optarg;
		break;
	case 'r':
		opt.replay = optarg;
		break;
	case 'p':
		opt.pcs = optarg;
		break;
	case REDUCE:
		opt.reduce = true;
		break;
	case PRINT_LOG:
		log_print(optarg);
		exit(0);
	case PRINT_C:
		exit(print_programs(optarg, true));
	case LIST:
		exit(print_programs(optarg, false));
	default:
		exit(2);
	}
}

int fuzz_main(int argc, char **argv)
{
	unsigned int i;
	sigset_t set;
	int c;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	opt.seed = time(NULL);
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		parse_option(c);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (opt.log)
		log_open(opt.log);
	/* here: who plays may be killed at any time */
	box_disks();
	if (opt.replay)
		return replay();
	for (i = 0; i < opt.nr_corpus; i++)
		if (load_corpus(opt.corpus[i]))
			return 1;
	printf("TAP version 13\n1..3\n# seed %" PRIu64 ", %u programs to begin with\n",
	       opt.seed, shared->nr_corpus);
	return report(fuzz());
}
