/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

/* The main context that is the poller's guest. */

#include "http/kv-http-poller.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

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

static gboolean
on_guest_source (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_REMOVE;
}

static void
attach_idle (GMainContext *context, guint *n_calls)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, on_guest_source, n_calls, NULL);
  g_source_attach (source, context);
}

static void
test_runs_its_guest (Fixture *fixture, gconstpointer user_data)
{
  guint n_calls = 0;

  g_assert_false (turn (fixture));
  attach_idle (fixture->context, &n_calls);
  g_assert_true (turn (fixture));
  g_assert_cmpuint (n_calls, ==, 1);
  g_assert_false (turn (fixture));
}

/* A socket, or what stands for one, that has something to give to the guest. */
typedef struct {
  KvHttpPollerItem item; /* first, so that the item is the host */
  KvHttpPoller *poller;
  GMainContext *context;
  guint n_calls; /* of what was given */
} Host;

static void
on_host_ready (KvHttpPollerItem *item, guint32 events)
{
  Host *host = (Host *) item;

  attach_idle (host->context, &host->n_calls);
  kv_http_poller_remove (host->poller, item);
}

/* Nobody else wakes the guest then. */
static void
test_runs_what_a_socket_has_given_to_the_guest (Fixture *fixture, gconstpointer user_data)
{
  Host host = {
    .item.func = on_host_ready,
    .poller = fixture->poller,
    .context = fixture->context,
  };
  int fd = eventfd (1, EFD_CLOEXEC);

  g_assert_true (kv_http_poller_add (fixture->poller, &host.item, fd, EPOLLIN));
  while (host.n_calls == 0)
    kv_http_poller_iterate (fixture->poller, TRUE);
  close (fd);
}

static gpointer
attach_from_elsewhere (gpointer user_data)
{
  Host *host = user_data;

  attach_idle (host->context, &host->n_calls);
  return NULL;
}

static void
test_is_woken_by_other_threads (Fixture *fixture, gconstpointer user_data)
{
  Host host = { .context = fixture->context };
  GThread *thread;

  g_assert_false (turn (fixture));
  thread = g_thread_new ("elsewhere", attach_from_elsewhere, &host);
  while (host.n_calls == 0)
    kv_http_poller_iterate (fixture->poller, TRUE);
  g_thread_join (thread);
}

static void
test_keeps_the_times_of_its_guest (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSource) source = g_timeout_source_new (60);
  gint64 began = g_get_monotonic_time ();
  guint n_calls = 0;

  g_assert_cmpint (kv_http_poller_get_timeout (fixture->poller), ==, -1);
  g_source_set_callback (source, on_guest_source, &n_calls, NULL);
  g_source_attach (source, fixture->context);
  turn (fixture);
  g_assert_cmpint (kv_http_poller_get_timeout (fixture->poller), <=, 61);
  while (n_calls == 0)
    kv_http_poller_iterate (fixture->poller, TRUE);
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 60 * 1000);
  g_assert_cmpint (kv_http_poller_get_timeout (fixture->poller), ==, -1);
}

static gboolean
on_guest_fd (int fd, GIOCondition condition, gpointer user_data)
{
  guint64 count;

  g_assert_cmpint (read (fd, &count, sizeof count), ==, sizeof count);
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

/* Many of them, and one whose number is used again: what poll() stands, and an epoll set would not. */
static void
test_polls_the_descriptors_of_its_guest (Fixture *fixture, gconstpointer user_data)
{
  enum {
    N = 20
  };
  const guint64 one = 1;
  GSource *sources[N];
  int fds[N];
  guint n_calls = 0;
  Host host = {
    .item.func = on_host_ready,
    .poller = fixture->poller,
    .context = fixture->context,
  };
  int other;

  for (guint i = 0; i < N; i++)
    {
      fds[i] = eventfd (0, EFD_CLOEXEC);
      sources[i] = g_unix_fd_source_new (fds[i], G_IO_IN);
      g_source_set_callback (sources[i], G_SOURCE_FUNC (on_guest_fd), &n_calls, NULL);
      g_source_attach (sources[i], fixture->context);
    }
  while (turn (fixture))
    ;
  other = eventfd (0, EFD_CLOEXEC);
  g_assert_cmpint (dup3 (other, fds[0], O_CLOEXEC), ==, fds[0]);
  close (other);
  g_assert_cmpint (write (fds[0], &one, sizeof one), ==, sizeof one);
  while (n_calls == 0)
    kv_http_poller_iterate (fixture->poller, TRUE);
  g_assert_cmpuint (n_calls, ==, 1);

  /* Sockets have their turn all the same. */
  other = eventfd (1, EFD_CLOEXEC);
  g_assert_true (kv_http_poller_add (fixture->poller, &host.item, other, EPOLLIN));
  while (host.n_calls == 0)
    kv_http_poller_iterate (fixture->poller, TRUE);
  close (other);

  for (guint i = 0; i < N; i++)
    {
      g_source_destroy (sources[i]);
      g_source_unref (sources[i]);
      close (fds[i]);
    }
  while (turn (fixture))
    ;
  g_assert_cmpint (kv_http_poller_get_timeout (fixture->poller), ==, -1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/http/poller/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("runs-its-guest", test_runs_its_guest);
  ADD ("runs-what-a-socket-has-given-to-the-guest", test_runs_what_a_socket_has_given_to_the_guest);
  ADD ("is-woken-by-other-threads", test_is_woken_by_other_threads);
  ADD ("keeps-the-times-of-its-guest", test_keeps_the_times_of_its_guest);
  ADD ("polls-the-descriptors-of-its-guest", test_polls_the_descriptors_of_its_guest);
#undef ADD
  return g_test_run ();
}
