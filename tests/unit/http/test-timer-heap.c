/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "http/kv-http-timer-heap.h"

#define N 500

/* What is due first, by looking at all. */
static gint64
find_first (const KvHttpTimer *timers)
{
  gint64 first = G_MAXINT64;

  for (guint i = 0; i < N; i++)
    if (timers[i].index != 0)
      first = MIN (first, timers[i].due);
  return first;
}

static void
check_first (const KvHttpTimerHeap *heap, const KvHttpTimer *timers)
{
  const KvHttpTimer *first = kv_http_timer_heap_get_first (heap);

  g_assert_cmpint (first != NULL ? first->due : G_MAXINT64, ==, find_first (timers));
}

static void
test_gives_the_first_whatever_is_done (void)
{
  g_autofree KvHttpTimer *timers = g_new0 (KvHttpTimer, N);
  KvHttpTimerHeap *heap = kv_http_timer_heap_new ();

  for (guint step = 0; step < 20000; step++)
    {
      KvHttpTimer *timer = &timers[g_test_rand_int_range (0, N)];

      if (g_test_rand_int_range (0, 3) == 0)
        kv_http_timer_heap_remove (heap, timer);
      else
        kv_http_timer_heap_set (heap, timer, g_test_rand_int_range (0, 1000));
      check_first (heap, timers);
    }
  for (KvHttpTimer *timer; (timer = kv_http_timer_heap_get_first (heap)) != NULL;)
    {
      kv_http_timer_heap_remove (heap, timer);
      g_assert_cmpuint (timer->index, ==, 0);
      check_first (heap, timers);
    }
  kv_http_timer_heap_free (heap);
}

static void
test_removes_what_is_not_there (void)
{
  KvHttpTimer timer = { 0 };
  KvHttpTimerHeap *heap = kv_http_timer_heap_new ();

  kv_http_timer_heap_remove (heap, &timer);
  g_assert_null (kv_http_timer_heap_get_first (heap));
  kv_http_timer_heap_free (heap);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http/timer-heap/gives-the-first-whatever-is-done",
                   test_gives_the_first_whatever_is_done);
  g_test_add_func ("/http/timer-heap/removes-what-is-not-there", test_removes_what_is_not_there);
  return g_test_run ();
}
