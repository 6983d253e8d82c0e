/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KvHttpPoller:
 *
 * One epoll set behind one GSource. A GMainContext polls each of its descriptors at every turn, so thousands of
 * sockets live here instead, and cost nothing while they are quiet. It carries coarse timers too (time-outs, keep-alive
 * comments): with none armed it causes no wake-up. Used in the thread of its context only.
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

typedef struct _KvHttpTimer KvHttpTimer;
typedef void (*KvHttpTimerFunc) (KvHttpTimer *timer);

/**
 * KvHttpTimer:
 *
 * A timer that fires once. Embed it in its owner and zero it before first use; @func is the owner's to set.
 */
struct _KvHttpTimer {
  KvHttpTimerFunc func;
  gint64 due;
  guint index;
};

/**
 * kv_http_poller_new:
 * @context: the context that runs it
 * @error: set to %KV_ERROR_UNAVAILABLE when there are no descriptors left
 *
 * Returns: (transfer full): a poller; in the thread that is going to use it, or before that runs
 */
KvHttpPoller *kv_http_poller_new (GMainContext *context, GError **error);

/**
 * kv_http_poller_free:
 *
 * Every item and timer must have been removed.
 */
void kv_http_poller_free (KvHttpPoller *poller);

/**
 * kv_http_poller_add:
 * @fd: a descriptor; it stays the caller's
 * @events: level-triggered EPOLL* bits; EPOLLHUP and EPOLLERR are always told
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
 * kv_http_poller_remove:
 *
 * Does nothing for an item that is not in the set. Call it before the descriptor is closed.
 */
void kv_http_poller_remove (KvHttpPoller *poller, KvHttpPollerItem *item);

/**
 * kv_http_poller_now:
 *
 * Returns: the monotonic time in microseconds; within a function that the poller has called, the
 *   time at which this turn began
 */
gint64 kv_http_poller_now (KvHttpPoller *poller);

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
