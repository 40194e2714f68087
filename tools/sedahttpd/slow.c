// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening and reading a FIFO may take for ever.  A file thread puts itself on
 * this list before it starts on one; when the client has gone or the server
 * stops, a signal (whose handler does nothing) makes its system call return.  A
 * signal that comes just before the call is lost, so the sweep repeats; it holds
 * the lock, so whoever is on the list is still there to be signalled.
 */
#include <signal.h>

#include "exchange.h"

static void ignore(int sig)
{
	(void)sig;
}

/* Workers of the library block all signals but where they may wait for long. */
static void accept_signal(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(how, &set, NULL);
}

void slow_init(struct server *server)
{
	/* No SA_RESTART: interrupting is the point. */
	struct sigaction action = { .sa_handler = ignore };

	sigemptyset(&action.sa_mask);
	sigaction(SIGUSR1, &action, NULL);
	pthread_mutex_init(&server->slow_lock, NULL);
}

void slow_enter(struct exchange *x)
{
	struct server *server = x->server;

	x->thread = pthread_self();
	pthread_mutex_lock(&server->slow_lock);
	x->slow_next = server->slow;
	x->slow_link = &server->slow;
	if (x->slow_next)
		x->slow_next->slow_link = &x->slow_next;
	server->slow = x;
	pthread_mutex_unlock(&server->slow_lock);
	accept_signal(SIG_UNBLOCK);
}

void slow_leave(struct exchange *x)
{
	struct server *server = x->server;

	accept_signal(SIG_BLOCK);
	pthread_mutex_lock(&server->slow_lock);
	*x->slow_link = x->slow_next;
	if (x->slow_next)
		x->slow_next->slow_link = x->slow_link;
	pthread_mutex_unlock(&server->slow_lock);
}

bool slow_cancelled(const struct exchange *x)
{
	return atomic_load(&x->client->hangup) ||
	       atomic_load(&x->server->stopping);
}

unsigned int slow_sweep(struct server *server)
{
	unsigned int count = 0;
	struct exchange *x;

	pthread_mutex_lock(&server->slow_lock);
	for (x = server->slow; x; x = x->slow_next) {
		count++;
		if (slow_cancelled(x))
			pthread_kill(x->thread, SIGUSR1);
	}
	pthread_mutex_unlock(&server->slow_lock);
	return count;
}
