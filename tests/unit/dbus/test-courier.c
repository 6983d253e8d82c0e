/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-error.h"
#include "dbus/kv-dbus-courier.h"
#include "dbus/kv-dbus-limits.h"
#include "handed.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define LONG_TIME (60 * G_USEC_PER_SEC)

/* A courier that reads from a pipe, of which the test has the other end. */

typedef struct {
  KvDbusHandles *handles;
  int pipe;               /* the end that is written to */
  KvDbusCourier *courier; /* (nullable): once it is let go */
  guint n_done;
  GError *error; /* (nullable): of what was done last */
} Fixture;

/* What the courier works with; the test has a reference. */
typedef struct {
  gint references; /* atomic */
  GMutex stuck;    /* a disk that does not answer, as long as it is locked */
  gint is_stuck;   /* atomic: gboolean */
  gint is_freed;   /* atomic: gboolean: the courier has let go of it */
  char bytes[16];
  gssize length;
} Work;

static Work *
work_new (void)
{
  Work *work = g_new0 (Work, 1);

  work->references = 2;
  g_mutex_init (&work->stuck);

  return work;
}

static void
work_unref (Work *work)
{
  if (!g_atomic_int_dec_and_test (&work->references))
    return;
  g_mutex_clear (&work->stuck);
  g_free (work);
}

static void
let_go_of_work (gpointer data)
{
  Work *work = data;

  g_atomic_int_set (&work->is_freed, TRUE);
  work_unref (work);
}

static void
open_courier (Fixture *fixture, Work *work)
{
  g_autoptr (GError) error = NULL;
  int pair[2];
  KvDbusHandle *handle;

  g_assert_cmpint (pipe2 (pair, O_CLOEXEC), ==, 0);
  fixture->pipe = pair[1];
  handle = handed_take (fixture->handles, ":1.1", pair[0], &error);
  g_assert_no_error (error);
  fixture->courier =
    kv_dbus_courier_new (handle, KV_DBUS_PORT_READ, LONG_TIME, work, let_go_of_work, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->handles = kv_dbus_handles_new ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->courier, kv_dbus_courier_free);
  g_clear_error (&fixture->error);
  close (fixture->pipe);
  kv_dbus_handles_unref (fixture->handles);
}

static void
on_done (gpointer user_data, const GError *error)
{
  Fixture *fixture = user_data;

  fixture->n_done++;
  g_clear_error (&fixture->error);
  if (error != NULL)
    fixture->error = g_error_copy (error);
}

static void
wait_until_done (Fixture *fixture, guint n_done)
{
  while (fixture->n_done < n_done)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->n_done, ==, n_done);
}

/* Whoever reads from it has closed it, and has gone. */
static void
wait_until_closed (Fixture *fixture)
{
  struct pollfd pipe = { .fd = fixture->pipe };

  g_assert_cmpint (poll (&pipe, 1, -1), ==, 1);
  g_assert_cmpint (pipe.revents & POLLERR, !=, 0);
}

static gboolean
read_some (KvDbusPort *port, gpointer data, GError **error)
{
  Work *work = data;

  work->length = kv_dbus_port_read (port, work->bytes, sizeof work->bytes, error);

  return work->length >= 0;
}

/* What cannot be ended by anybody. */
static gboolean
be_stuck (KvDbusPort *port, gpointer data, GError **error)
{
  Work *work = data;

  g_atomic_int_set (&work->is_stuck, TRUE);
  g_mutex_lock (&work->stuck);
  g_mutex_unlock (&work->stuck);

  return TRUE;
}

static void
test_does_one_thing_after_the_other (Fixture *fixture, gconstpointer data)
{
  Work *work = work_new ();

  open_courier (fixture, work);
  for (guint i = 0; i < 100; i++)
    {
      const char byte = (char) ('a' + i % 26);

      kv_dbus_courier_send (fixture->courier, read_some, on_done, fixture);
      g_assert_cmpint (write (fixture->pipe, &byte, 1), ==, 1);
      wait_until_done (fixture, i + 1);
      g_assert_no_error (fixture->error);
      g_assert_cmpint (work->length, ==, 1);
      g_assert_cmpint (work->bytes[0], ==, byte);
    }
  kv_dbus_courier_close (fixture->courier, on_done, fixture);
  wait_until_done (fixture, 101);
  g_assert_no_error (fixture->error);
  wait_until_closed (fixture);
  work_unref (work);
}

static void
test_tells_what_will_not_do (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Work *work = work_new ();
  KvDbusHandle *handle;
  int directory = open ("/", O_RDONLY | O_CLOEXEC);

  fixture->pipe = -1;
  handle = handed_take (fixture->handles, ":1.1", directory, &error);
  g_assert_no_error (error);
  fixture->courier =
    kv_dbus_courier_new (handle, KV_DBUS_PORT_READ, LONG_TIME, work, let_go_of_work, &error);
  g_assert_no_error (error);
  kv_dbus_courier_send (fixture->courier, read_some, on_done, fixture);
  wait_until_done (fixture, 1);
  g_assert_error (fixture->error, KV_ERROR, KV_ERROR_INVALID_ARGUMENT);
  kv_dbus_courier_close (fixture->courier, on_done, fixture);
  wait_until_done (fixture, 2);
  g_assert_no_error (fixture->error);
  work_unref (work);
}

static void
test_goes_when_let_go (Fixture *fixture, gconstpointer data)
{
  Work *work = work_new ();

  open_courier (fixture, work);
  kv_dbus_courier_send (fixture->courier, read_some, on_done, fixture);
  g_clear_pointer (&fixture->courier, kv_dbus_courier_free);
  wait_until_closed (fixture);
  while (!g_atomic_int_get (&work->is_freed))
    g_thread_yield ();
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (fixture->n_done, ==, 0);
  work_unref (work);
}

static void
test_goes_when_let_go_at_rest (Fixture *fixture, gconstpointer data)
{
  Work *work = work_new ();

  open_courier (fixture, work);
  g_clear_pointer (&fixture->courier, kv_dbus_courier_free);
  wait_until_closed (fixture);
  work_unref (work);
}

/* Nobody waits for one that is held up. But it counts, so that nobody can have any number of them. */
static void
test_is_not_waited_for (Fixture *fixture, gconstpointer data)
{
  KvDbusHandle *others[KV_DBUS_MAX_CALLER_TRANSFERS - 1];
  Work *work = work_new ();

  open_courier (fixture, work);
  g_mutex_lock (&work->stuck);
  kv_dbus_courier_send (fixture->courier, be_stuck, on_done, fixture);
  while (!g_atomic_int_get (&work->is_stuck))
    g_thread_yield ();
  g_clear_pointer (&fixture->courier, kv_dbus_courier_free);

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      others[i] = handed_take (fixture->handles, ":1.1", open ("/dev/null", O_RDONLY), NULL);
      g_assert_nonnull (others[i]);
    }
  g_assert_null (handed_take (fixture->handles, ":1.1", open ("/dev/null", O_RDONLY), NULL));
  g_assert_false (g_atomic_int_get (&work->is_freed));

  g_mutex_unlock (&work->stuck);
  wait_until_closed (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    kv_dbus_handle_close (others[i]);
  work_unref (work);
}

static void
free_when_done (gpointer user_data, const GError *error)
{
  Fixture *fixture = user_data;

  on_done (fixture, error);
  g_clear_pointer (&fixture->courier, kv_dbus_courier_free);
}

static void
test_may_be_let_go_when_done (Fixture *fixture, gconstpointer data)
{
  Work *work = work_new ();

  open_courier (fixture, work);
  kv_dbus_courier_send (fixture->courier, read_some, free_when_done, fixture);
  g_assert_cmpint (write (fixture->pipe, "a", 1), ==, 1);
  wait_until_done (fixture, 1);
  g_assert_null (fixture->courier);
  wait_until_closed (fixture);
  work_unref (work);
}

/* It may be done, and not have been heard of it, when it is let go. */
static void
test_tells_nobody_when_let_go (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 100; i++)
    {
      Work *work = work_new ();

      open_courier (fixture, work);
      kv_dbus_courier_send (fixture->courier, read_some, on_done, fixture);
      g_assert_cmpint (write (fixture->pipe, "a", 1), ==, 1);
      if (i % 2 == 0)
        g_thread_yield ();
      g_clear_pointer (&fixture->courier, kv_dbus_courier_free);
      wait_until_closed (fixture);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_cmpuint (fixture->n_done, ==, 0);
      work_unref (work);
      close (fixture->pipe);
    }
  fixture->pipe = -1;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/dbus/courier/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("does-one-thing-after-the-other", test_does_one_thing_after_the_other);
  ADD ("tells-what-will-not-do", test_tells_what_will_not_do);
  ADD ("goes-when-let-go", test_goes_when_let_go);
  ADD ("goes-when-let-go-at-rest", test_goes_when_let_go_at_rest);
  ADD ("is-not-waited-for", test_is_not_waited_for);
  ADD ("may-be-let-go-when-done", test_may_be_let_go_when_done);
  ADD ("tells-nobody-when-let-go", test_tells_nobody_when_let_go);
#undef ADD

  return g_test_run ();
}
