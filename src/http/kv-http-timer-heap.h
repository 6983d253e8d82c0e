/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

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
 * KvHttpTimerHeap:
 *
 * The armed timers of a poller, the next one first. Each timer knows its place, so that it is moved
 * and taken out without a search. Used in the poller's thread only.
 */
typedef struct _KvHttpTimerHeap KvHttpTimerHeap;

KvHttpTimerHeap *kv_http_timer_heap_new (void);

/**
 * kv_http_timer_heap_free:
 *
 * The timers that are left are forgotten, and still believe that they are armed.
 */
void kv_http_timer_heap_free (KvHttpTimerHeap *heap);

/**
 * kv_http_timer_heap_get_first:
 *
 * Returns: (transfer none) (nullable): the timer that is due next
 */
KvHttpTimer *kv_http_timer_heap_get_first (const KvHttpTimerHeap *heap);

/**
 * kv_http_timer_heap_set:
 * @timer: (transfer none): one that is in the heap or in none
 * @due: in monotonic microseconds
 *
 * Puts @timer where it belongs by now.
 */
void kv_http_timer_heap_set (KvHttpTimerHeap *heap, KvHttpTimer *timer, gint64 due);

/**
 * kv_http_timer_heap_remove:
 *
 * Does nothing for a timer that is not armed.
 */
void kv_http_timer_heap_remove (KvHttpTimerHeap *heap, KvHttpTimer *timer);

G_END_DECLS
