/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error.h"
#include "http/kv-http-poller.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct _Probe Probe;

/* An item over an eventfd, which is readable while its count is not 0, and always writable. */
struct _Probe {
  KvHttpPollerItem item; /* first, so that the item is the probe */
  KvHttpPoller *poller;
  int fd;
  guint calls;
  guint32 events;
  Probe *victim; /* removed, and given a new descriptor's number, by the first call */
};

typedef struct {
  KvHttpTimer timer; /* first, so that the timer is the alarm */
  KvHttpPoller *poller;
  GString *log;
  char name;
  gint64 again; /* -1 for never */
  KvHttpTimer *victim;
} Alarm;

typedef struct {
  GMainContext *context;
  KvHttpPoller *poller;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->poller = kv_http_poller_new (NULL);
  fixture->context = g_main_context_ref (kv_http_poller_get_context (fixture->poller));
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  kv_http_poller_free (fixture->poller);
  g_main_context_unref (fixture->context);
}

static gboolean
turn (Fixture *fixture)
{
  return kv_http_poller_iterate (fixture->poller, FALSE);
}

static void
on_probe (KvHttpPollerItem *item, guint32 events)
{
  Probe *probe = (Probe *) item;

  probe->calls++;
  probe->events = events;
  if (probe->victim != NULL)
    kv_http_poller_remove (probe->poller, &probe->victim->item);
  probe->victim = NULL;
}

static void
add_probe (Fixture *fixture, Probe *probe, guint count, guint32 events)
{
  probe->item.func = on_probe;
  probe->poller = fixture->poller;
  probe->fd = eventfd (count, EFD_CLOEXEC | EFD_NONBLOCK);
  g_assert_cmpint (probe->fd, >=, 0);
  g_assert_true (kv_http_poller_add (fixture->poller, &probe->item, probe->fd, events));
}

static void
clear_probe (Probe *probe)
{
  kv_http_poller_remove (probe->poller, &probe->item);
  close (probe->fd);
}

static void
test_tells_readiness (Fixture *fixture, gconstpointer user_data)
{
  Probe quiet = { 0 };
  Probe ready = { 0 };

  add_probe (fixture, &quiet, 0, EPOLLIN);
  add_probe (fixture, &ready, 1, EPOLLIN);
  g_assert_true (turn (fixture));
  g_assert_true (turn (fixture));
  g_assert_cmpuint (quiet.calls, ==, 0);
  g_assert_cmpuint (ready.calls, ==, 2);
  g_assert_cmpuint (ready.events, ==, EPOLLIN);
  clear_probe (&quiet);
  clear_probe (&ready);
}

static void
test_modifies_what_is_told (Fixture *fixture, gconstpointer user_data)
{
  Probe probe = { 0 };

  add_probe (fixture, &probe, 0, EPOLLIN);
  g_assert_false (turn (fixture));
  kv_http_poller_modify (fixture->poller, &probe.item, EPOLLIN | EPOLLOUT);
  g_assert_true (turn (fixture));
  g_assert_cmpuint (probe.events, ==, EPOLLOUT);
  kv_http_poller_modify (fixture->poller, &probe.item, 0);
  g_assert_false (turn (fixture));
  g_assert_cmpuint (probe.calls, ==, 1);
  clear_probe (&probe);
}

static void
test_forgets_what_is_removed (Fixture *fixture, gconstpointer user_data)
{
  Probe probe = { 0 };

  add_probe (fixture, &probe, 1, EPOLLIN);
  kv_http_poller_remove (fixture->poller, &probe.item);
  kv_http_poller_remove (fixture->poller, &probe.item);
  g_assert_false (turn (fixture));
  g_assert_cmpuint (probe.calls, ==, 0);
  clear_probe (&probe);
}

/* Both are ready in one turn, and each would remove the other. */
static void
test_spares_one_that_was_removed_in_the_same_turn (Fixture *fixture, gconstpointer user_data)
{
  Probe a = { 0 };
  Probe b = { 0 };

  add_probe (fixture, &a, 1, EPOLLIN);
  add_probe (fixture, &b, 1, EPOLLIN);
  a.victim = &b;
  b.victim = &a;
  g_assert_true (turn (fixture));
  g_assert_cmpuint (a.calls + b.calls, ==, 1);
  clear_probe (&a);
  clear_probe (&b);
}

static Probe newcomer;

static void
on_probe_replace (KvHttpPollerItem *item, guint32 events)
{
  Probe *probe = (Probe *) item;

  probe->calls++;
  if (probe->victim == NULL)
    return;
  kv_http_poller_remove (probe->poller, &probe->victim->item);
  /* Takes the slot that has become free. */
  newcomer.item.func = on_probe;
  g_assert_true (kv_http_poller_add (probe->poller, &newcomer.item, newcomer.fd, EPOLLIN));
  probe->victim->victim = NULL;
  probe->victim = NULL;
}

static void
test_does_not_take_a_newcomer_for_its_predecessor (Fixture *fixture, gconstpointer user_data)
{
  Probe a = { 0 };
  Probe b = { 0 };

  newcomer = (Probe){ .poller = fixture->poller, .fd = eventfd (0, EFD_CLOEXEC) };
  add_probe (fixture, &a, 1, EPOLLIN);
  add_probe (fixture, &b, 1, EPOLLIN);
  a.item.func = b.item.func = on_probe_replace;
  a.victim = &b;
  b.victim = &a;
  g_assert_true (turn (fixture));
  g_assert_cmpuint (a.calls + b.calls, ==, 1);
  g_assert_cmpuint (newcomer.calls, ==, 0);
  clear_probe (&a);
  clear_probe (&b);
  clear_probe (&newcomer);
}

static void
test_holds_many (Fixture *fixture, gconstpointer user_data)
{
  enum {
    N = 400
  };
  g_autofree Probe *probes = g_new0 (Probe, N);
  guint turns = 0;
  guint called = 0;

  for (guint i = 0; i < N; i++)
    add_probe (fixture, &probes[i], 1, EPOLLIN);
  for (; called < N && turns < N; turns++)
    {
      turn (fixture);
      called = 0;
      for (guint i = 0; i < N; i++)
        called += probes[i].calls > 0;
    }
  g_assert_cmpuint (called, ==, N);
  for (guint i = 0; i < N; i++)
    clear_probe (&probes[i]);
}

static void
on_alarm (KvHttpTimer *timer)
{
  Alarm *alarm = (Alarm *) timer;

  g_string_append_c (alarm->log, alarm->name);
  if (alarm->victim != NULL)
    kv_http_poller_clear_timer (alarm->poller, alarm->victim);
  if (alarm->again >= 0)
    kv_http_poller_set_timer (alarm->poller, timer, alarm->again);
}

static void
set_alarm (Fixture *fixture, Alarm *alarm, GString *log, char name, gint64 delay)
{
  alarm->timer.func = on_alarm;
  alarm->poller = fixture->poller;
  alarm->log = log;
  alarm->name = name;
  alarm->again = -1;
  kv_http_poller_set_timer (fixture->poller, &alarm->timer, delay);
}

static void
run_until (Fixture *fixture, GString *log, gsize length)
{
  while (log->len < length)
    kv_http_poller_iterate (fixture->poller, TRUE);
}

static void
test_fires_in_order_and_in_time (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  Alarm alarms[4] = { 0 };
  gint64 began = g_get_monotonic_time ();

  set_alarm (fixture, &alarms[0], log, 'd', 700 * 1000);
  set_alarm (fixture, &alarms[1], log, 'b', 300 * 1000);
  set_alarm (fixture, &alarms[2], log, 'a', 100 * 1000);
  set_alarm (fixture, &alarms[3], log, 'c', 500 * 1000);
  run_until (fixture, log, 1);
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 100 * 1000);
  run_until (fixture, log, 4);
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 700 * 1000);
  g_assert_cmpstr (log->str, ==, "abcd");
}

static void
test_shares_wake_ups (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  Alarm alarms[50] = { 0 };
  guint turns = 0;

  for (guint i = 0; i < G_N_ELEMENTS (alarms); i++)
    set_alarm (fixture, &alarms[i], log, 'x', i * 1000);
  for (; log->len < G_N_ELEMENTS (alarms); turns++)
    kv_http_poller_iterate (fixture->poller, TRUE);
  g_assert_cmpuint (turns, <, G_N_ELEMENTS (alarms) / 2);
}

static void
test_moves_and_clears_timers (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  Alarm early = { 0 };
  Alarm late = { 0 };
  Alarm never = { 0 };

  set_alarm (fixture, &early, log, 'e', G_TIME_SPAN_HOUR);
  set_alarm (fixture, &late, log, 'l', 0);
  set_alarm (fixture, &never, log, 'n', 0);
  kv_http_poller_set_timer (fixture->poller, &early.timer, 0);
  kv_http_poller_set_timer (fixture->poller, &late.timer, 300 * 1000);
  kv_http_poller_clear_timer (fixture->poller, &never.timer);
  kv_http_poller_clear_timer (fixture->poller, &never.timer);
  run_until (fixture, log, 2);
  g_assert_cmpstr (log->str, ==, "el");
}

static void
test_clears_a_timer_that_is_due_too (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  Alarm a = { 0 };
  Alarm b = { 0 };
  Alarm last = { 0 };

  set_alarm (fixture, &a, log, 'x', 0);
  set_alarm (fixture, &b, log, 'x', 0);
  set_alarm (fixture, &last, log, 'z', 300 * 1000);
  a.victim = &b.timer;
  b.victim = &a.timer;
  run_until (fixture, log, 2);
  g_assert_cmpstr (log->str, ==, "xz");
}

static void
test_lets_others_run_between_firings (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GString) log = g_string_new (NULL);
  Alarm alarm = { 0 };

  set_alarm (fixture, &alarm, log, 'x', 0);
  alarm.again = 0;
  run_until (fixture, log, 1);
  g_assert_cmpuint (log->len, ==, 1);
  kv_http_poller_clear_timer (fixture->poller, &alarm.timer);
}

static void
test_keeps_a_heap_of_many_timers (Fixture *fixture, gconstpointer user_data)
{
  enum {
    N = 1000
  };
  g_autoptr (GString) log = g_string_new (NULL);
  g_autofree Alarm *alarms = g_new0 (Alarm, N);
  gint64 due = 0;

  for (guint i = 0; i < N; i++)
    set_alarm (fixture, &alarms[i], log, 'x', (i * 7919 % N) * 1000);
  for (guint i = 0; i < N; i += 3)
    kv_http_poller_clear_timer (fixture->poller, &alarms[i].timer);
  for (guint i = 1; i < N; i += 3)
    kv_http_poller_set_timer (fixture->poller, &alarms[i].timer, (i * 6007 % N) * 1000);

  /* Each goes out of the heap in its turn: nobody that is due earlier stays behind. */
  while (log->len < N - (N + 2) / 3)
    {
      gsize before = log->len;

      kv_http_poller_iterate (fixture->poller, TRUE);
      if (log->len == before)
        continue;
      due = g_get_monotonic_time ();
      for (guint i = 0; i < N; i++)
        if (alarms[i].timer.index != 0)
          g_assert_cmpint (alarms[i].timer.due, >, due - 200 * 1000);
    }
  for (guint i = 0; i < N; i++)
    g_assert_cmpuint (alarms[i].timer.index, ==, 0);
}

static void
on_probe_quit (KvHttpPollerItem *item, guint32 events)
{
  Probe *probe = (Probe *) item;

  if (++probe->calls == 3)
    kv_http_poller_quit (probe->poller);
}

static void
test_runs_until_it_is_told_to_quit (Fixture *fixture, gconstpointer user_data)
{
  Probe probe = { 0 };

  add_probe (fixture, &probe, 1, EPOLLIN);
  probe.item.func = on_probe_quit;
  kv_http_poller_run (fixture->poller);
  g_assert_cmpuint (probe.calls, ==, 3);
  clear_probe (&probe);
}

static void
test_tells_of_an_edge_once_and_when_rearmed (Fixture *fixture, gconstpointer user_data)
{
  Probe probe = { 0 };

  add_probe (fixture, &probe, 1, EPOLLIN | EPOLLET);
  g_assert_true (turn (fixture));
  g_assert_false (turn (fixture));
  kv_http_poller_rearm (fixture->poller, &probe.item);
  g_assert_true (turn (fixture));
  g_assert_false (turn (fixture));
  g_assert_cmpuint (probe.calls, ==, 2);
  clear_probe (&probe);
}

static void
test_refuses_what_epoll_refuses (Fixture *fixture, gconstpointer user_data)
{
  Probe probe = { 0 };

  probe.item.func = on_probe;
  g_assert_false (kv_http_poller_add (fixture->poller, &probe.item, -1, EPOLLIN));
  kv_http_poller_remove (fixture->poller, &probe.item);
}

static void
test_refuses_without_descriptors (Fixture *fixture, gconstpointer unused)
{
  /* The epoll set, and what its guest is woken by. */
  const guint needed = 2;
  struct rlimit limit, few;
  int next = dup (0);

  g_assert_no_errno (close (next));
  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &limit));
  few = limit;
  for (guint i = 0; i <= needed; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (KvHttpPoller) poller = NULL;

      few.rlim_cur = (rlim_t) next + i;
      g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &few));
      poller = kv_http_poller_new (&error);
      g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &limit));
      if (i < needed)
        g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);
      else
        g_assert_no_error (error);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/http/poller/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("tells-readiness", test_tells_readiness);
  ADD ("modifies-what-is-told", test_modifies_what_is_told);
  ADD ("forgets-what-is-removed", test_forgets_what_is_removed);
  ADD ("spares-one-that-was-removed-in-the-same-turn",
       test_spares_one_that_was_removed_in_the_same_turn);
  ADD ("does-not-take-a-newcomer-for-its-predecessor",
       test_does_not_take_a_newcomer_for_its_predecessor);
  ADD ("holds-many", test_holds_many);
  ADD ("fires-in-order-and-in-time", test_fires_in_order_and_in_time);
  ADD ("shares-wake-ups", test_shares_wake_ups);
  ADD ("moves-and-clears-timers", test_moves_and_clears_timers);
  ADD ("clears-a-timer-that-is-due-too", test_clears_a_timer_that_is_due_too);
  ADD ("lets-others-run-between-firings", test_lets_others_run_between_firings);
  ADD ("keeps-a-heap-of-many-timers", test_keeps_a_heap_of_many_timers);
  ADD ("runs-until-it-is-told-to-quit", test_runs_until_it_is_told_to_quit);
  ADD ("tells-of-an-edge-once-and-when-rearmed", test_tells_of_an_edge_once_and_when_rearmed);
  ADD ("refuses-what-epoll-refuses", test_refuses_what_epoll_refuses);
  ADD ("refuses-without-descriptors", test_refuses_without_descriptors);
#undef ADD
  return g_test_run ();
}
