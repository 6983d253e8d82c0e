/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-timer-heap.h"

struct _KvHttpTimerHeap {
  GPtrArray *timers; /* (owned) (element-type KvHttpTimer): borrowed each; place 0 is nobody's */
};

static KvHttpTimer *
get (const KvHttpTimerHeap *heap, guint index)
{
  return g_ptr_array_index (heap->timers, index);
}

static void
put (KvHttpTimerHeap *heap, guint index, KvHttpTimer *timer)
{
  g_ptr_array_index (heap->timers, index) = timer;
  timer->index = index;
}

static void
sift_up (KvHttpTimerHeap *heap, KvHttpTimer *timer)
{
  guint index = timer->index;

  while (index > 1 && get (heap, index / 2)->due > timer->due)
    {
      put (heap, index, get (heap, index / 2));
      index /= 2;
    }
  put (heap, index, timer);
}

static void
sift_down (KvHttpTimerHeap *heap, KvHttpTimer *timer)
{
  guint index = timer->index;
  guint last = heap->timers->len - 1;

  while (2 * index <= last)
    {
      guint child = 2 * index;

      if (child < last && get (heap, child + 1)->due < get (heap, child)->due)
        child++;
      if (get (heap, child)->due >= timer->due)
        break;
      put (heap, index, get (heap, child));
      index = child;
    }
  put (heap, index, timer);
}

KvHttpTimerHeap *
kv_http_timer_heap_new (void)
{
  KvHttpTimerHeap *heap = g_new (KvHttpTimerHeap, 1);

  heap->timers = g_ptr_array_new ();
  g_ptr_array_add (heap->timers, NULL);
  return heap;
}

void
kv_http_timer_heap_free (KvHttpTimerHeap *heap)
{
  g_ptr_array_unref (heap->timers);
  g_free (heap);
}

KvHttpTimer *
kv_http_timer_heap_get_first (const KvHttpTimerHeap *heap)
{
  return heap->timers->len > 1 ? get (heap, 1) : NULL;
}

void
kv_http_timer_heap_set (KvHttpTimerHeap *heap, KvHttpTimer *timer, gint64 due)
{
  timer->due = due;
  if (timer->index == 0)
    {
      g_ptr_array_add (heap->timers, timer);
      timer->index = heap->timers->len - 1;
    }
  sift_up (heap, timer);
  sift_down (heap, timer);
}

void
kv_http_timer_heap_remove (KvHttpTimerHeap *heap, KvHttpTimer *timer)
{
  guint index = timer->index;
  KvHttpTimer *last;

  if (index == 0)
    return;

  last = get (heap, heap->timers->len - 1);
  g_ptr_array_set_size (heap->timers, (int) heap->timers->len - 1);
  timer->index = 0;
  if (last == timer)
    return;
  put (heap, index, last);
  sift_up (heap, last);
  sift_down (heap, last);
}
