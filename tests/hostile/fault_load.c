// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --append kmemleak=on --module build/kasan/seda_inject.ko --timeout 400
 *
 * Every step of loading the module fails, one after the other, and every
 * allocation in each: with the error that belongs to it.  What did not load
 * leaves nothing behind, and the next attempt works.
 */
#include <sys/syscall.h>

#include "tests/lib/fault_scene.h"

#define MODULE_FILE	"/run/seda-vm/job/ko/seda.ko"
#define INJECT		FAULT_DEBUG "fail_function/"
#define SETTING		"/sys/module/seda_inject/parameters/"
#define NEVER		1000000000U

/* What seda_init() does, in its order. */
static const struct step {
	const char *name;
	const char *fn;		/* the kernel's function that it is done by */
	const char *own;	/* of the module, that calls it; NULL: seda_init() */
	int error;		/* of fn, when it fails; 0: it returns NULL */
	int result;		/* of loading then; 0: it goes on without */
	unsigned int before;	/* earlier calls of fn */
	bool no_memory;		/* it allocates nothing */
} steps[] = {
	{ .name = "the cache of connections", .fn = "kmem_cache_create",
	  .result = -ENOMEM },
	{ .name = "the cache of sends", .fn = "kmem_cache_create",
	  .result = -ENOMEM, .before = 1 },
	{ .name = "the workqueue", .fn = "alloc_workqueue", .result = -ENOMEM },
	{ .name = "the group of marks", .fn = "fsnotify_alloc_group",
	  .own = "seda_group_init", .error = -EMFILE, .result = -EMFILE },
	/* what it should call back is not found */
	{ .name = "the search for the tracepoint",
	  .fn = "for_each_kernel_tracepoint", .error = -EINVAL,
	  .result = -EOPNOTSUPP, .no_memory = true },
	{ .name = "the probe", .fn = "tracepoint_probe_register",
	  .own = "seda_exit_watch", .error = -EEXIST, .result = -EEXIST },
	{ .name = "the directory in debugfs", .fn = "debugfs_create_dir",
	  .own = "seda_stats_init", .error = -EPERM },
	{ .name = "the device", .fn = "misc_register", .error = -EBUSY,
	  .result = -EBUSY },
};

#define STEPS	(sizeof(steps) / sizeof(steps[0]))

/* What became of the allocations of each. */
static struct tally {
	unsigned long from;	/* where in seda_init() it is called */
	unsigned int places, refused;
} tallies[STEPS];

static int module_file, kernel_log;
static long workqueues;		/* that there are without the module */

/* --- loading --------------------------------------------------------------------- */

static int load(void)
{
	return syscall(SYS_finit_module, module_file, "", 0) ? -errno : 0;
}

static void ask_for_failures(bool on)
{
	if (fault_write(FAULT_TASK, on ? "1" : "0"))
		ksft_exit_fail_msg("failures cannot be asked for\n");
}

static bool unload(void)
{
	uint64_t end = now_ns() + LONG;

	while (syscall(SYS_delete_module, "seda", O_NONBLOCK)) {
		if (now_ns() > end)
			return false;
		sleep_ms(5);
	}
	return true;
}

/* --- what a module leaves -------------------------------------------------------- */

/* What a module that is loaded shows of itself. */
static const char *const signs[] = {
	"/sys/module/seda", "/dev/seda", "/sys/kernel/debug/seda",
	"/sys/class/misc/seda", "/sys/kernel/slab/seda_tcp",
	"/sys/kernel/slab/seda_send",
};

#define SIGNS	(sizeof(signs) / sizeof(signs[0]))

static bool is_misc_device(void)
{
	FILE *f = fopen("/proc/misc", "r");
	char line[64], name[33];
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		found |= sscanf(line, "%*d %32s", name) == 1 &&
			 !strcmp(name, "seda");
	if (f)
		fclose(f);
	return found;
}

/* The kernel has no list of them, but a cache of what each has one of. */
static long count_workqueues(void)
{
	long n = slab_objects("pool_workqueue");

	if (n < 0)
		ksft_exit_fail_msg("workqueues cannot be counted\n");
	return n;
}

static const char *first_sign(void)
{
	unsigned int i;

	for (i = 0; i < SIGNS; i++)
		if (!access(signs[i], F_OK))
			return signs[i];
	if (is_misc_device())
		return "a line of /proc/misc";
	return count_workqueues() > workqueues ? "a workqueue" : NULL;
}

/* Threads exit past the place where the module's probe was, if it is gone. */
static bool exits_are_safe(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return waitpid(pid, &status, 0) == pid && !status;
}

static bool nothing_is_left(void)
{
	uint64_t end = now_ns() + LONG;
	const char *sign;

	/* some go by deferred work */
	while ((sign = first_sign()) && now_ns() < end)
		sleep_ms(2);
	if (sign)
		ksft_print_msg("%s is left\n", sign);
	return !sign && exits_are_safe();
}

/* It is loaded: it can be used, and goes without a trace. */
static bool works(void)
{
	struct seda_setup_args setup = { .workers = 1, .bufs = 4 };
	struct rig r;
	int own, peer;
	uint64_t id;

	if (rig_open(&r, &setup, NULL) || rig_pair(&r, 0, &id, &own, &peer) ||
	    write(peer, "x", 1) != 1 || !rig_next(&r))
		return false;
	rig_close(&r);
	close(own);
	close(peer);
	return unload() && nothing_is_left();
}

/* The first unloading of all, after which one workqueue less is there. */
static void begin_without(void)
{
	long with = count_workqueues();

	if (!unload())
		ksft_exit_fail_msg("the module cannot be removed\n");
	do {
		workqueues = count_workqueues();
	} while (workqueues >= with);
}

/* --- a step fails ---------------------------------------------------------------- */

static bool write_number(const char *path, long n)
{
	char text[32];

	/* as the kernel reads those that are negative */
	snprintf(text, sizeof(text), "%#lx", n);
	return !fault_write(path, text);
}

/* The one failure that was asked for has been. */
static bool injected(void)
{
	FILE *f = fopen(INJECT "times", "r");
	long left = 1;

	if (f && fscanf(f, "%ld", &left) != 1)
		left = 1;
	if (f)
		fclose(f);
	return !left;
}

/* It fails once, in those who ask for failures. */
static bool inject(const struct step *step)
{
	char retval[128];

	snprintf(retval, sizeof(retval), INJECT "%s/retval", step->fn);
	return !fault_write(INJECT "inject", step->fn) &&
	       (!step->error || write_number(retval, step->error)) &&
	       fault_chance("fail_function", 100) &&
	       /* they pass until 1 is left */
	       write_number(INJECT "space", step->before + 1) &&
	       write_number(INJECT "times", 1);
}

static bool inject_no_more(const struct step *step)
{
	char text[64];

	snprintf(text, sizeof(text), "!%s", step->fn);
	return fault_chance("fail_function", 0) &&
	       !fault_write(INJECT "inject", text);
}

static bool step_fails(const struct step *step)
{
	bool failed;
	int ret;

	if (!inject(step)) {
		ksft_print_msg("%s cannot be made to fail\n", step->fn);
		return false;
	}
	ask_for_failures(true);
	ret = load();
	ask_for_failures(false);
	failed = injected();
	if (!inject_no_more(step))
		return false;
	if (ret != step->result || !failed) {
		ksft_print_msg("%s, %d\n", failed ? "failed" : "not called",
			       ret);
		return false;
	}
	if (ret ? !nothing_is_left() : !works())
		return false;
	return !load() && works();
}

/* --- an allocation fails ---------------------------------------------------------- */

/* With the n-th place of the step failing. */
static int load_nth(const struct step *step, unsigned int n, bool *hit)
{
	int fd = fault_open(), ret;

	ask_for_failures(true);
	if (fd < 0 || !write_number(SETTING "before", step->before) ||
	    !write_number(SETTING "nth", n) || !fault_arm(fd, NEVER))
		ksft_exit_fail_msg("cannot begin to load\n");
	/* seda_inject makes that n when the step begins */
	ret = load();
	*hit = fault_disarm(fd);
	ask_for_failures(false);
	close(fd);
	return ret;
}

/*
 * The kernel tells by a stack what failed, if it was not asked to be silent.
 * fn: what seda_init() had called, from there; "": it was not in the stack.
 */
static bool read_stack(char fn[64], unsigned long *from)
{
	static char record[8192];
	char name[64], below[64] = "";
	bool told = false;
	const char *text;
	unsigned long at;
	ssize_t n;

	fn[0] = 0;
	while ((n = read(kernel_log, record, sizeof(record) - 1)) > 0) {
		record[n] = 0;
		text = strchr(record, ';');
		told |= text && strstr(text, "FAULT_INJECTION");
		/* those with a question mark are not sure */
		if (!text || sscanf(text + 1, " %63[^+ ]+%lx", name, &at) != 2)
			continue;
		if (!strcmp(name, "seda_init")) {
			strcpy(fn, below);
			*from = at;
		}
		strcpy(below, name);
	}
	return told;
}

/* The step that is done by fn (or by what it ends with), called there; or -1. */
static int step_of(const char *fn, unsigned long from)
{
	unsigned int i;

	for (i = 0; i < STEPS; i++) {
		if (strncmp(fn, steps[i].fn, strlen(steps[i].fn)) &&
		    (!steps[i].own || strcmp(fn, steps[i].own)))
			continue;
		/* they come in their order */
		if (!tallies[i].from)
			tallies[i].from = from;
		if (tallies[i].from == from)
			return i;
	}
	ksft_print_msg("%s() at %#lx is a step that is not known\n", fn, from);
	return -1;
}

/*
 * The n-th place of a step fails.  False: a claim was broken.  *end: it came
 * after the step, or there is none.
 */
static bool one_failure(unsigned int i, unsigned int n, bool *end)
{
	unsigned long from = 0;
	char fn[64];
	bool hit;
	int ret, at = i;

	lseek(kernel_log, 0, SEEK_END);
	ret = load_nth(&steps[i], n, &hit);
	if (read_stack(fn, &from) || !hit) {
		at = fn[0] ? step_of(fn, from) : (int)STEPS;
		*end = at != (int)i;
		tallies[i].places += !*end;
	}
	/* something that is not vital failed, or nothing */
	if (at >= 0 && !ret)
		return works();
	if (at < 0 || at == (int)STEPS || ret != -ENOMEM) {
		ksft_print_msg("failure %u of %s (%s): %d\n", n,
			       steps[i].name, fn, ret);
		return false;
	}
	tallies[i].refused += !*end;
	return nothing_is_left();
}

/* Each place of one step fails, until it is one of another. */
static bool all_failures(unsigned int i)
{
	bool end = steps[i].no_memory, right = true;
	unsigned int n = 1;

	if (fault_write(SETTING "at", steps[i].fn))
		return false;
	while (right && !end)
		right = one_failure(i, n++, &end);
	return !fault_write(SETTING "at", "\n") && right;
}

/* Its allocations failed, and if it is vital, so did loading. */
static bool tally_right(const struct step *step, const struct tally *tally)
{
	if (step->no_memory)
		return true;
	return tally->places && !tally->refused == !step->result;
}

static void report_leaks(void)
{
	static char text[1 << 18];
	/* where Linux 6.1 itself leaks the name of a cache that it cannot show */
	int leaks = fault_leaks(text, sizeof(text), "sysfs_slab_add");

	if (leaks > 0)
		printf("%s\n", text);
	ksft_test_result(!leaks, "no memory is leaked (%d)\n", leaks);
}

/* Stacks, but not on the console, which is slow. */
static bool tell_stacks(void)
{
	return !fault_write("/proc/sys/kernel/printk", "4") &&
	       !fault_write(FAULT_DEBUG "failslab/verbose", "2") &&
	       !fault_write(FAULT_DEBUG "fail_page_alloc/verbose", "2");
}

int main(void)
{
	const struct tally *tally;
	unsigned int i;
	bool right;

	fault_begin(2 * STEPS + 2);
	module_file = open(MODULE_FILE, O_RDONLY | O_CLOEXEC);
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (module_file < 0 || kernel_log < 0 || !tell_stacks())
		ksft_exit_fail_msg("no module, or no log\n");
	begin_without();
	for (i = 0; i < STEPS; i++)
		ksft_test_result(step_fails(&steps[i]), "%s fails: %d\n",
				 steps[i].name, steps[i].result);
	for (i = 0; i < STEPS; i++) {
		tally = &tallies[i];
		right = all_failures(i) && tally_right(&steps[i], tally);
		ksft_test_result(right, "%s: %u places fail, %u times it did not load\n",
				 steps[i].name, tally->places, tally->refused);
	}
	ksft_test_result(!load() && works(), "it loads afterwards\n");
	report_leaks();
	return fault_status();
}
