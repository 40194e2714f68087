// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The send stage: answers with what the file stage found.  Its priority is the
 * highest: it frees what the others have taken.
 */
#include "reply.h"

static void answer(struct exchange *x)
{
	switch (x->found) {
	case FOUND_STATUS:
		reply_status(x, x->status,
			     x->status == 503 ? "Retry-After: 1\r\n" : "");
		break;
	case FOUND_ENTRY:
		reply_entry(x);
		break;
	case FOUND_REDIRECT:
		reply_redirect(x);
		break;
	case FOUND_TEXT:
		reply_text(x, "text/html; charset=utf-8");
		break;
	case FOUND_META:
		reply_meta(x);
		break;
	case FOUND_CHUNK:
		reply_chunk(x);
		break;
	}
}

void send_handler(struct sedak_stage *stage, struct sedak_event *events,
		  unsigned int n)
{
	unsigned int i;

	(void)stage;
	for (i = 0; i < n; i++)
		answer(events[i].data);
}
