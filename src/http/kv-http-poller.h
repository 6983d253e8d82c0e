/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-timer-heap.h"

G_BEGIN_DECLS

/**
 * KvHttpPoller:
 *
 * The loop of a thread that serves thousands of sockets: one epoll set, which is waited for directly, so that a turn is
 * one system call. It has coarse timers too (time-outs, keep-alive comments): with none armed it causes no wake-up.
 *
 * A GMainContext is its guest, for libsoup and for what other threads leave word by (g_source_attach(), GTask): it runs in
 * turn with the sockets. A context as the host would have each turn cost its poll() and 2,000 instructions besides,
 * which a turn that finds three requests feels. What makes the guest possible is
 * %G_MAIN_CONTEXT_FLAGS_OWNERLESS_POLLING: what is attached wakes it up, also in this thread, as times and descriptors that are
 * set do anyway. A source that becomes ready by its own prepare() alone does not: who makes it so calls
 * g_main_context_wakeup().
 *
 * Used in one thread only, but for the context itself.
 */
typedef struct _KvHttpPoller KvHttpPoller;

typedef struct _KvHttpPollerItem KvHttpPollerItem;

/**
 * KvHttpPollerFunc:
 * @events: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR
 *
 * The descriptor is ready. The function may remove and free any item, this one included: one that was removed is not
 * called any more, also when it was ready in the same turn.
 */
typedef void (*KvHttpPollerFunc) (KvHttpPollerItem *item, guint32 events);

/**
 * KvHttpPollerItem:
 *
 * A descriptor in the set. Embed it in what owns the descriptor and zero it before first use; @func is the owner's to
 * set, the rest is the poller's.
 */
struct _KvHttpPollerItem {
  KvHttpPollerFunc func;
  int fd;
  guint32 events;
  guint slot;
};

/**
 * kv_http_poller_new:
 * @error: set to %KV_ERROR_UNAVAILABLE when there are no descriptors left
 *
 * Returns: (transfer full): a poller, and its context; in the thread that is going to use it, or before that runs
 */
KvHttpPoller *kv_http_poller_new (GError **error);

/**
 * kv_http_poller_free:
 *
 * Every item and timer must have been removed.
 */
void kv_http_poller_free (KvHttpPoller *poller);

/**
 * kv_http_poller_get_context:
 *
 * Who wants to have it run something may do so at any time and in any thread. It is for whoever runs the poller to make it
 * the thread's default.
 *
 * Returns: (transfer none): the guest
 */
GMainContext *kv_http_poller_get_context (KvHttpPoller *poller);

/**
 * kv_http_poller_iterate:
 * @may_block: whether to wait until something is ready
 *
 * One turn: waits once, and calls what is ready by then, sockets first, then timers, then the guest.
 *
 * Returns: whether something was called
 */
gboolean kv_http_poller_iterate (KvHttpPoller *poller, gboolean may_block);

/**
 * kv_http_poller_get_timeout:
 *
 * Returns: for how many milliseconds a turn would wait at most, with nothing ready before; -1 for as long as it takes
 */
int kv_http_poller_get_timeout (KvHttpPoller *poller);

/**
 * kv_http_poller_run:
 *
 * Turns until kv_http_poller_quit() is called, by something that it has called.
 */
void kv_http_poller_run (KvHttpPoller *poller);

/**
 * kv_http_poller_quit:
 *
 * Has kv_http_poller_run() return after this turn. In its thread.
 */
void kv_http_poller_quit (KvHttpPoller *poller);

/**
 * KvHttpPollerTurnFunc:
 * @duration: microseconds since the last turn has found something ready
 *
 * Called at the beginning of each turn, before that waits: all that the last one has called has returned.
 */
typedef void (*KvHttpPollerTurnFunc) (gpointer user_data, gint64 duration);

/**
 * kv_http_poller_set_turn_func:
 * @func: (nullable): is told what a turn has taken; the clock is read between two of them anyway
 */
void
kv_http_poller_set_turn_func (KvHttpPoller *poller, KvHttpPollerTurnFunc func, gpointer user_data);

/**
 * kv_http_poller_add:
 * @fd: a descriptor; it stays the caller's
 * @events: EPOLL* bits; EPOLLHUP and EPOLLERR are always told. Told each turn for as long as it is so, or, with EPOLLET,
 *   once
 *
 * Returns: %FALSE when the kernel has no room (ENOMEM, ENOSPC); @item is not in the set then
 */
gboolean kv_http_poller_add (KvHttpPoller *poller, KvHttpPollerItem *item, int fd, guint32 events);

/**
 * kv_http_poller_modify:
 *
 * Does nothing when @events are the ones that are set already.
 */
void kv_http_poller_modify (KvHttpPoller *poller, KvHttpPollerItem *item, guint32 events);

/**
 * kv_http_poller_rearm:
 *
 * Has an item of EPOLLET told once more what is ready now. In the next turn.
 */
void kv_http_poller_rearm (KvHttpPoller *poller, KvHttpPollerItem *item);

/**
 * kv_http_poller_remove:
 *
 * Does nothing for an item that is not in the set. Call it before the descriptor is closed.
 */
void kv_http_poller_remove (KvHttpPoller *poller, KvHttpPollerItem *item);

/**
 * kv_http_poller_now:
 *
 * Returns: the monotonic time in microseconds; for a socket or a timer that the poller has called, when this turn has
 *   found something ready
 */
gint64 kv_http_poller_now (KvHttpPoller *poller);

/**
 * kv_http_poller_get_duration:
 *
 * Returns: microseconds since this turn has found something ready; reads the clock
 */
gint64 kv_http_poller_get_duration (KvHttpPoller *poller);

/**
 * kv_http_poller_set_timer:
 * @delay: microseconds from now
 *
 * Arms @timer, anew if it is armed. Timers fire up to 100 ms late, so that many share one wake-up.
 */
void kv_http_poller_set_timer (KvHttpPoller *poller, KvHttpTimer *timer, gint64 delay);

/**
 * kv_http_poller_clear_timer:
 *
 * Does nothing for a timer that is not armed.
 */
void kv_http_poller_clear_timer (KvHttpPoller *poller, KvHttpTimer *timer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvHttpPoller, kv_http_poller_free)

G_END_DECLS
