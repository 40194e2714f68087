// SPDX-License-Identifier: GPL-2.0
/*
 * The box and the threads that play a program in it.  Thread 0 is the caller's;
 * a call that blocks is interrupted by a signal after some ticks.
 */
#include "tests/fuzz/box.h"

#define TICK_US		10000
#define TICKS_TO_BLOCK	1

__thread unsigned int box_thread;
static struct box *ticking;
static char disks[NR_DISKS][64];

long box_errno(long ret)
{
	return ret < 0 ? -errno : ret;
}

int box_fd(const struct box *b, uint64_t place)
{
	return place < NR_FDS ? b->fd[place] : place == WEIRD ? -1 : 1 << 20;
}

/* The place's new descriptor; what it had is closed. */
int box_put_fd(struct box *b, uint64_t place, int fd)
{
	int old;

	if (fd < 0)
		return -errno;
	if (place >= NR_FDS) {
		close(fd);
		return -EBADF;
	}
	old = __atomic_exchange_n(&b->fd[place], fd, __ATOMIC_SEQ_CST);
	if (old >= 0)
		close(old);
	return 0;
}

int box_dev(const struct box *b, uint64_t place)
{
	return place < NR_DEVS ? b->dev[place].fd : -1;
}

static uint64_t box_weird(const struct box *b, uint64_t place)
{
	switch (place - WEIRD) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return b->source[0] + (1ULL << 32);
	case 3:
		return b->stage[0] + 1;
	case 4:
		return (1ULL << 32) | 0xffffffff;
	default:
		return (1ULL << 32) | (place - WEIRD);
	}
}

uint64_t box_source(const struct box *b, uint64_t place)
{
	if (place < NR_SOURCES)
		return b->source[place];
	if (place - EVENT_SOURCE < NR_EVENTS)
		return b->event[place - EVENT_SOURCE];
	return box_weird(b, place);
}

uint64_t box_stage(const struct box *b, uint64_t place)
{
	return place < NR_STAGES ? b->stage[place] : box_weird(b, place);
}

uint64_t box_pool(const struct box *b, uint64_t place)
{
	return place < NR_POOLS ? b->pool[place] : box_weird(b, place);
}

/*
 * Memory for data: 0 good, 1 ends where none may be touched, 2 none at all,
 * 3 none may be touched, 4 in the arena, 5 never a user's.
 */
void *box_memory(struct box *b, uint64_t where, uint64_t len)
{
	switch (where) {
	case 1:
		return b->mem + MEM_SIZE - (len < MEM_SIZE ? len / 2 : MEM_SIZE);
	case 2:
		return NULL;
	case 3:
		return b->mem + MEM_SIZE;
	case 4:
		return b->dev[0].arena ? b->dev[0].arena : b->mem;
	case 5:
		return (void *)0xffff888000000000UL;
	default:
		return b->mem;
	}
}

static void nothing(int sig)
{
}

/* Whoever has been in one call for some ticks is told to come back. */
static void tick(int sig)
{
	struct box *b = ticking;
	int saved = errno;
	unsigned int i;

	for (i = 1; b && i < NR_THREADS; i++) {
		struct player *p = &b->player[i];
		pid_t tid = __atomic_load_n(&p->tid, __ATOMIC_SEQ_CST);

		if (tid && ++p->ticks > TICKS_TO_BLOCK)
			syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
	}
	errno = saved;
}

/* Another thread took the mapping away: what is written there goes nowhere. */
static void fault(int sig, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)info->si_addr & -PAGE;

	if (page < 1 << 20 || page >> 47 ||
	    mmap((void *)page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		abort();
}

static void catch(int sig, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigaction(sig, &action, NULL);
}

static void play_one(struct box *b, unsigned int thread, const struct call *c)
{
	long ret;

	if (b->begin)
		b->begin(thread);
	ret = c->run(b, c->a);
	if (b->done)
		b->done(thread, c, ret);
}

static void *player_main(void *arg)
{
	struct player *p = arg;
	const struct call *c;
	sigset_t set;
	bool last;

	box_thread = p - p->box->player;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		while (sem_wait(&p->work))
			;
		c = p->queue[p->tail % MAX_CALLS];
		/* when it is done the program may be gone */
		last = c->run == run_exit;
		if (last)
			__atomic_store_n(&p->alive, false, __ATOMIC_SEQ_CST);
		__atomic_store_n(&p->ticks, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&p->tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
		play_one(p->box, box_thread, c);
		__atomic_store_n(&p->tid, 0, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&p->tail, 1, __ATOMIC_SEQ_CST);
		sem_post(&p->idle);
		if (last)
			return NULL;
	}
}

static void player_wait(struct player *p)
{
	while (__atomic_load_n(&p->tail, __ATOMIC_SEQ_CST) != p->head)
		sem_wait(&p->idle);
	while (!sem_trywait(&p->idle))
		;
}

/* A thread that played run_exit is replaced when the next call needs one. */
static bool player_start(struct player *p)
{
	if (__atomic_load_n(&p->alive, __ATOMIC_SEQ_CST))
		return true;
	player_wait(p);
	if (p->thread)
		pthread_join(p->thread, NULL);
	p->thread = 0;
	p->alive = true;
	if (!pthread_create(&p->thread, NULL, player_main, p))
		return true;
	p->alive = false;
	return false;
}

static void player_give(struct box *b, const struct call *c)
{
	struct player *p = &b->player[c->thread];
	unsigned int last = p->head - 1;

	/* what comes after an exit is for the next thread */
	if (p->head && p->queue[last % MAX_CALLS]->run == run_exit)
		player_wait(p);
	if (!player_start(p))
		return;
	p->queue[p->head++ % MAX_CALLS] = c;
	sem_post(&p->work);
	if (!c->async)
		player_wait(p);
}

void box_play(struct box *b, const struct call *calls, unsigned int nr)
{
	const struct itimerval on = {
		.it_interval.tv_usec = TICK_US, .it_value.tv_usec = TICK_US,
	}, off = { 0 };
	unsigned int i;

	ticking = b;
	setitimer(ITIMER_REAL, &on, NULL);
	for (i = 0; i < nr; i++) {
		if (calls[i].thread && calls[i].thread < NR_THREADS)
			player_give(b, &calls[i]);
		else
			play_one(b, 0, &calls[i]);
	}
	/* whoever still waits has nothing to wait for */
	tick(0);
	tick(0);
	for (i = 1; i < NR_THREADS; i++)
		player_wait(&b->player[i]);
	setitimer(ITIMER_REAL, &off, NULL);
}

/* As it was before the program; what thread 0 closes is its last call. */
void box_reset(struct box *b)
{
	unsigned int i;

	for (i = 0; i < NR_FDS; i++) {
		if (b->fd[i] >= 0)
			close(b->fd[i]);
		b->fd[i] = -1;
		b->port[i] = 0;
	}
	for (i = 0; i < NR_DEVS; i++) {
		struct dev *d = &b->dev[i];

		if (d->arena)
			munmap(d->arena, d->arena_len);
		if (d->counters)
			munmap(d->counters, d->counters_len);
		if (d->fd >= 0)
			close(d->fd);
		memset(d, 0, sizeof(*d));
		d->fd = -1;
	}
	memset(b->pool, 0, sizeof(b->pool));
	memset(b->stage, 0, sizeof(b->stage));
	memset(b->worker, 0, sizeof(b->worker));
	memset(b->source, 0, sizeof(b->source));
	memset(b->event, 0, sizeof(b->event));
	memset(b->buf, 0, sizeof(b->buf));
	b->next_child = 0;
	b->next_buf = 0;
}

/*
 * A disk in memory that answers at once, one that takes its time, and a directory
 * of ext4 on a third.  What cannot be made has no name.
 */
void box_disks(void)
{
	FILE *out = popen("exec 2>/dev/null; PATH=$PATH:/sbin:/usr/sbin\n"
			  "modprobe null_blk nr_devices=0\n"
			  "mount -t configfs none /sys/kernel/config\n"
			  "cd /sys/kernel/config/nullb || exit\n"
			  "make() { mkdir $1 && echo 8 >$1/size && echo 1 >$1/memory_backed &&\n"
			  "echo $2 >$1/irqmode && echo $3 >$1/completion_nsec &&\n"
			  "echo 1 >$1/power; n=/dev/nullb$(cat $1/index)\n"
			  "[ -b /dev/$1 ] && n=/dev/$1; echo $n; }\n"
			  "make fuzz-fast 0 0; make fuzz-slow 2 500000\n"
			  "n=$(make fuzz-ext4 0 0); d=/dev/shm/seda-fuzz\n"
			  "mkdir $d && mkfs.ext4 -q $n >&2 && mount $n $d; echo $d",
			  "re");
	unsigned int i;

	for (i = 0; out && i < NR_DISKS; i++)
		if (fscanf(out, "%63s", disks[i]) != 1)
			break;
	if (out)
		pclose(out);
}

const char *box_disk(unsigned int which)
{
	return disks[which % NR_DISKS];
}

static int box_listener(struct box *b)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) ||
	    listen(fd, 64) || getsockname(fd, (struct sockaddr *)&sin, &len))
		return -1;
	b->listener_port = ntohs(sin.sin_port);
	return fd;
}

void box_init(struct box *b)
{
	const struct sigaction action = {
		.sa_sigaction = fault, .sa_flags = SA_SIGINFO,
	};
	unsigned int i;

	memset(b, 0, sizeof(*b));
	for (i = 0; i < NR_FDS; i++)
		b->fd[i] = -1;
	for (i = 0; i < NR_DEVS; i++)
		b->dev[i].fd = -1;
	for (i = 0; i < NR_THREADS; i++) {
		b->player[i].box = b;
		sem_init(&b->player[i].work, 0, 0);
		sem_init(&b->player[i].idle, 0, 0);
	}
	if (!*disks[0])
		box_disks();
	b->listener = box_listener(b);
	b->mem = mmap(NULL, MEM_SIZE + PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->listener < 0 || b->mem == MAP_FAILED ||
	    mprotect(b->mem + MEM_SIZE, PAGE, PROT_NONE)) {
		perror("fuzz");
		exit(1);
	}
	sigaction(SIGSEGV, &action, NULL);
	catch(SIGALRM, tick);
	catch(SIGUSR1, nothing);
	catch(SIGPIPE, SIG_IGN);
	catch(SIGURG, SIG_IGN);
}
