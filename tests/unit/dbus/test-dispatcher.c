/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "core/kv-error.h"
#include "dbus/kv-dbus-dispatcher.h"
#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-limits.h"
#include "dbus/kv-dbus-names.h"
#include "dbus/kv-dbus-service.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The order of calls. Here the service's main context stands still until the test lets it run, so that what depends on it
 * has not happened, and what does not has. */

/* How many calls of one caller may wait, as kv-dbus-dispatcher.c has it. */
#define MAX_WAITING_CALLS 4096

typedef struct {
  GTestDBus *bus;
  KvStore *store;
  KvRateLimiter *limiter;
  KvDbusService *service;
  GDBusConnection *client;
  GDBusConnection *other;
  guint n_sent;
  guint n_answered;
  guint n_refused;   /* of those: because there were too many */
  guint n_failed;    /* of those: for another reason */
  GPtrArray *values; /* (element-type utf8): what Get() has answered */
} Fixture;

static void
keep_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **kept = user_data;

  *kept = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);

  return *result;
}

static GDBusConnection *
connect_to (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
    g_test_dbus_get_bus_address (fixture->bus),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
    NULL, NULL, &error);

  g_assert_no_error (error);

  return connection;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fixture->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->bus);
  fixture->store = kv_store_new ();
  fixture->limiter = kv_rate_limiter_new (0, 1);
  fixture->service = kv_dbus_service_new (fixture->store, fixture->limiter, KV_VALUE_MAX_BYTES);
  kv_dbus_service_start_async (fixture->service, g_test_dbus_get_bus_address (fixture->bus), NULL,
                               keep_result, &result);
  kv_dbus_service_start_finish (fixture->service, wait_for (&result), &error);
  g_assert_no_error (error);
  fixture->client = connect_to (fixture);
  fixture->other = connect_to (fixture);
  fixture->values = g_ptr_array_new_with_free_func (g_free);
}

static void
stop (Fixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;

  kv_dbus_service_stop_async (fixture->service, NULL, keep_result, &result);
  g_assert_true (kv_dbus_service_stop_finish (fixture->service, wait_for (&result), NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  stop (fixture);
  g_assert_finalize_object (fixture->service);
  g_dbus_connection_close_sync (fixture->client, NULL, NULL);
  g_dbus_connection_close_sync (fixture->other, NULL, NULL);
  g_object_unref (fixture->client);
  g_object_unref (fixture->other);
  g_ptr_array_unref (fixture->values);
  kv_rate_limiter_free (fixture->limiter);
  g_object_unref (fixture->store);
  g_test_dbus_down (fixture->bus);
  g_object_unref (fixture->bus);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
    g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  Fixture *fixture = user_data;

  fixture->n_answered++;
  if (g_error_matches (error, KV_ERROR, KV_ERROR_LIMIT_EXCEEDED))
    {
      fixture->n_refused++;
      return;
    }
  if (error != NULL)
    {
      g_test_message ("%.200s", error->message);
      fixture->n_failed++;
      return;
    }
  if (g_variant_is_of_type (reply, G_VARIANT_TYPE ("(sa{sv})")))
    {
      char *value;

      g_variant_get_child (reply, 0, "s", &value);
      g_ptr_array_add (fixture->values, value);
    }
}

static void
send_to (Fixture *fixture,
         const char *path,
         const char *interface,
         const char *method,
         GVariant *parameters)
{
  fixture->n_sent++;
  g_dbus_connection_call (fixture->client, KV_DBUS_NAME, path, interface, method, parameters, NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_answered, fixture);
}

static void
send_call (Fixture *fixture, const char *method, const char *parameters)
{
  send_to (fixture, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, method,
           g_variant_new_parsed (parameters));
}

/* In any number: the bus lets a caller wait for 128 answers only. */
static void
send_without_answer (Fixture *fixture, const char *method, const char *parameters)
{
  g_autoptr (GDBusMessage) message =
    g_dbus_message_new_method_call (KV_DBUS_NAME, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, method);

  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_message_set_body (message, g_variant_new_parsed (parameters));
  g_dbus_connection_send_message (fixture->client, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                  NULL);
}

static void
wait_for_answers (Fixture *fixture)
{
  while (fixture->n_answered < fixture->n_sent)
    g_main_context_iteration (NULL, TRUE);
}

/* A call that is answered without the main context. Whatever @connection has sent before has come in then. */
static GVariant *
call_now (GDBusConnection *connection,
          const char *path,
          const char *interface,
          const char *method,
          GVariant *parameters)
{
  g_autoptr (GError) error = NULL;
  GVariant *reply =
    g_dbus_connection_call_sync (connection, KV_DBUS_NAME, path, interface, method, parameters,
                                 NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

  g_assert_no_error (error);

  return reply;
}

static void
let_come_in (GDBusConnection *connection)
{
  g_variant_unref (call_now (connection, "/", "org.freedesktop.DBus.Peer", "Ping", NULL));
}

static gboolean
has_key (Fixture *fixture, const char *key)
{
  g_autoptr (KvEntry) entry = kv_store_lookup (fixture->store, key, -1);

  return entry != NULL;
}

#define WATCH "(@as [], ['w'], @a{sv} {})"

static void
test_needs_no_main_context (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = NULL;

  reply = call_now (fixture->client, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, "Put",
                    g_variant_new_parsed ("('k', 'v', @a{sv} {})"));
  g_assert_true (has_key (fixture, "k"));
}

static void
test_keeps_the_order_of_a_caller (Fixture *fixture, gconstpointer data)
{
  send_call (fixture, "Watch", WATCH);
  send_call (fixture, "Put", "('k', '1', @a{sv} {})");
  send_call (fixture, "Get", "('k',)");
  send_call (fixture, "CompareAndSwap", "('k', '1', '2')");
  send_call (fixture, "Get", "('k',)");
  let_come_in (fixture->client);
  g_assert_false (has_key (fixture, "k"));

  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->n_refused + fixture->n_failed, ==, 0);
  g_assert_cmpuint (fixture->values->len, ==, 2);
  g_assert_cmpstr (fixture->values->pdata[0], ==, "1");
  g_assert_cmpstr (fixture->values->pdata[1], ==, "2");

  /* It is over when the last of them is carried out. */
  g_variant_unref (call_now (fixture->client, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, "Put",
                             g_variant_new_parsed ("('k2', 'v', @a{sv} {})")));
}

static void
test_closing_keeps_the_order_too (Fixture *fixture, gconstpointer data)
{
  /* There is no such watch, which is found out in the main context as well. */
  send_to (fixture, KV_DBUS_WATCH_PREFIX "1", KV_DBUS_WATCH_INTERFACE, "Close", NULL);
  send_call (fixture, "Put", "('k', '1', @a{sv} {})");
  let_come_in (fixture->client);
  g_assert_false (has_key (fixture, "k"));
  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->n_failed, ==, 1);
  g_assert_true (has_key (fixture, "k"));
}

static void
test_others_do_not_wait (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = NULL;

  send_call (fixture, "Watch", WATCH);
  send_call (fixture, "Put", "('k', '1', @a{sv} {})");
  let_come_in (fixture->client);
  reply = call_now (fixture->other, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, "Put",
                    g_variant_new_parsed ("('other', '1', @a{sv} {})"));
  g_assert_true (has_key (fixture, "other"));
  g_assert_false (has_key (fixture, "k"));
  wait_for_answers (fixture);
}

static void
test_bounds_what_waits (Fixture *fixture, gconstpointer data)
{
  send_call (fixture, "Watch", WATCH);
  for (guint i = 1; i < MAX_WAITING_CALLS; i++)
    send_without_answer (fixture, "Increment", "('n', int64 1)");
  send_call (fixture, "Increment", "('n', int64 1)");
  send_call (fixture, "Put", "('k', '1', @a{sv} {})");
  let_come_in (fixture->client);
  g_assert_false (has_key (fixture, "n"));

  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->n_refused, ==, 2);
  g_assert_cmpuint (fixture->n_failed, ==, 0);
  g_assert_false (has_key (fixture, "k"));
  send_call (fixture, "Get", "('n',)");
  wait_for_answers (fixture);
  g_assert_cmpint (atoi (fixture->values->pdata[0]), ==, MAX_WAITING_CALLS - 1);
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) directory = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (directory) != NULL)
    n++;

  return n;
}

/* A caller who has many calls wait must not use up what the whole process has: what nobody asks for is closed. */
static void
test_descriptors_do_not_wait (Fixture *fixture, gconstpointer data)
{
  guint before;

  let_come_in (fixture->client);
  before = count_descriptors ();
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GUnixFDList) descriptors = g_unix_fd_list_new ();

      for (guint j = 0; j < 10; j++)
        g_unix_fd_list_append (descriptors, 0, NULL);
      fixture->n_sent++;
      g_dbus_connection_call_with_unix_fd_list (
        fixture->client, KV_DBUS_NAME, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, "Watch",
        g_variant_new_parsed (WATCH), NULL, G_DBUS_CALL_FLAGS_NONE, -1, descriptors, NULL,
        on_answered, fixture);
    }
  let_come_in (fixture->client);
  g_assert_cmpuint (count_descriptors (), <, before + 10);
  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->n_failed, ==, 0);
}

/* @parameters: (transfer floating) */
static void
send_with_descriptor (Fixture *fixture, const char *method, GVariant *parameters, int descriptor)
{
  g_autoptr (GUnixFDList) descriptors = g_unix_fd_list_new ();

  g_unix_fd_list_append (descriptors, descriptor, NULL);
  fixture->n_sent++;
  g_dbus_connection_call_with_unix_fd_list (
    fixture->client, KV_DBUS_NAME, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, method, parameters, NULL,
    G_DBUS_CALL_FLAGS_NONE, -1, descriptors, NULL, on_answered, fixture);
}

/* And what a method does ask for is a caller's share at most, from the moment when it comes in. */
static void
test_descriptors_that_are_wanted_are_counted (Fixture *fixture, gconstpointer data)
{
  int null = open ("/dev/null", O_WRONLY | O_CLOEXEC);
  guint before;

  send_call (fixture, "Watch", WATCH);
  let_come_in (fixture->client);
  before = count_descriptors ();
  for (guint i = 0; i < 40; i++)
    send_with_descriptor (fixture, "Dump", g_variant_new ("(h)", 0), null);
  let_come_in (fixture->client);
  g_assert_cmpuint (count_descriptors (), <, before + 10);
  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->n_refused, ==, 40 - KV_DBUS_MAX_CALLER_TRANSFERS);
  g_assert_cmpuint (fixture->n_failed, ==, 0);
  /* GDBus, which has sent some, may not have closed the last of its own yet. */
  while (count_descriptors () > before)
    g_thread_yield ();
  close (null);
}

static void
wait_until_closed (int writing)
{
  struct pollfd end = { .fd = writing };

  g_assert_cmpint (poll (&end, 1, -1), ==, 1);
  g_assert_cmpint (end.revents & POLLERR, !=, 0);
}

/* The service is told to hurry, or goes without having been stopped, while somebody restores. */
static void
check_end_of_restore (Fixture *fixture, gboolean is_stopped)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  const char *line = "{\"kvstore\":\"dump\",\"version\":1}\n";
  int pair[2];

  g_assert_cmpint (pipe2 (pair, O_CLOEXEC), ==, 0);
  send_with_descriptor (fixture, "Restore", g_variant_new_parsed ("(handle 0, @a{sv} {})"),
                        pair[0]);
  send_call (fixture, "Get", "('k',)");
  close (pair[0]);
  g_assert_cmpint (write (pair[1], line, strlen (line)), ==, (gssize) strlen (line));
  while (fixture->n_answered == 0)
    g_main_context_iteration (NULL, TRUE);

  if (is_stopped)
    {
      kv_dbus_service_stop_async (fixture->service, cancellable, keep_result, &result);
      g_cancellable_cancel (cancellable);
      wait_for (&result);
    }
  else
    {
      g_assert_finalize_object (g_steal_pointer (&fixture->service));
      fixture->service = kv_dbus_service_new (fixture->store, fixture->limiter, KV_VALUE_MAX_BYTES);
    }
  wait_until_closed (pair[1]);
  close (pair[1]);
  wait_for_answers (fixture);
}

static void
test_stop_ends_what_is_under_way (Fixture *fixture, gconstpointer data)
{
  check_end_of_restore (fixture, TRUE);
}

static void
test_may_be_dropped_with_a_restore_under_way (Fixture *fixture, gconstpointer data)
{
  check_end_of_restore (fixture, FALSE);
}

static void
test_bounds_the_bytes_that_wait (Fixture *fixture, gconstpointer data)
{
  g_autofree char *key = g_strnfill (20 * 1024 * 1024, 'x');

  send_call (fixture, "Watch", WATCH);
  /* 64 MiB may wait: the fourth of these is one too many, but something small still goes. */
  for (guint i = 0; i < 4; i++)
    send_to (fixture, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, "GetMany",
             g_variant_new ("(^as)", (const char *[]){ key, NULL }));
  send_call (fixture, "Put", "('small', '1', @a{sv} {})");
  let_come_in (fixture->client);
  g_assert_false (has_key (fixture, "small"));

  wait_for_answers (fixture);
  g_assert_true (has_key (fixture, "small"));
  g_assert_cmpuint (fixture->n_refused, ==, 1);
  /* The keys were far too long. */
  g_assert_cmpuint (fixture->n_failed, ==, 3);
}

static void
test_stop_carries_out_what_waits (Fixture *fixture, gconstpointer data)
{
  send_call (fixture, "Watch", WATCH);
  /* So many that the name is given back long before all of them are carried out. */
  for (guint i = 0; i < 3000; i++)
    send_without_answer (fixture, "Increment", "('n', int64 1)");
  send_call (fixture, "Get", "('n',)");
  let_come_in (fixture->client);
  g_assert_false (has_key (fixture, "n"));

  stop (fixture);
  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->n_refused + fixture->n_failed, ==, 0);
  g_assert_cmpstr (fixture->values->pdata[0], ==, "3000");
}

/* The service goes while calls wait, without having been stopped: nothing of it may be touched any more. */
static void
test_may_be_dropped_with_calls_waiting (Fixture *fixture, gconstpointer data)
{
  KvDbusService *service = g_steal_pointer (&fixture->service);

  send_call (fixture, "Watch", WATCH);
  send_call (fixture, "Put", "('k', '1', @a{sv} {})");
  let_come_in (fixture->client);
  g_assert_finalize_object (service);

  /* It is the bus that answers, when the connection is gone. */
  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->n_failed, ==, 2);
  g_assert_false (has_key (fixture, "k"));
  fixture->service = kv_dbus_service_new (fixture->store, fixture->limiter, KV_VALUE_MAX_BYTES);
}

static void
test_bounds_what_stands_beside_parameters (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_strnfill (20 * 1024 * 1024, 'x');

  memcpy (path, KV_DBUS_WATCH_PREFIX, strlen (KV_DBUS_WATCH_PREFIX));
  for (guint i = 0; i < 4; i++)
    send_to (fixture, path, KV_DBUS_WATCH_INTERFACE, "Close", NULL);
  let_come_in (fixture->client);

  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->n_refused, ==, 1);
  /* There are no such watches. */
  g_assert_cmpuint (fixture->n_failed, ==, 3);
}

/* Of the bus itself. */
static pid_t
get_bus_pid (Fixture *fixture)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  guint32 pid;

  reply = g_dbus_connection_call_sync (fixture->client, "org.freedesktop.DBus", "/",
                                       "org.freedesktop.DBus", "GetConnectionUnixProcessID",
                                       g_variant_new ("(s)", "org.freedesktop.DBus"), NULL,
                                       G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
  g_variant_get (reply, "(u)", &pid);

  return (pid_t) pid;
}

/* The bus reads nothing for a while: what waits is not all carried out, for the answers would have nowhere to go. */
static void
test_waits_for_a_bus_that_stands_still (Fixture *fixture, gconstpointer data)
{
  g_autofree char *value = g_strnfill (KV_VALUE_MAX_BYTES, 'x');
  pid_t pid = get_bus_pid (fixture);
  KvStoreStatus status;
  gint64 end;

  kv_store_put (fixture->store, "large", value, -1, NULL);
  send_call (fixture, "Watch", WATCH);
  for (guint i = 0; i < 60; i++)
    send_call (fixture, "Get", "('large',)");
  let_come_in (fixture->client);
  g_assert_cmpint (kill (pid, SIGSTOP), ==, 0);
  end = g_get_monotonic_time () + G_USEC_PER_SEC / 4;
  while (g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  kv_store_get_status (fixture->store, &status);
  g_assert_cmpuint (status.gets, <, 20);

  g_assert_cmpint (kill (pid, SIGCONT), ==, 0);
  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->values->len, ==, 60);
}

/* The bus reads nothing any more, and not all is written when the service is told to hurry. */
static void
test_stop_leaves_a_bus_that_stands_still (Fixture *fixture, gconstpointer data)
{
  g_autofree char *value = g_strnfill (KV_VALUE_MAX_BYTES, 'x');
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  pid_t pid = get_bus_pid (fixture);

  send_call (fixture, "Watch", WATCH);
  wait_for_answers (fixture);
  g_assert_cmpint (kill (pid, SIGSTOP), ==, 0);

  kv_store_put (fixture->store, "w", value, -1, &error);
  g_assert_no_error (error);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  kv_dbus_service_stop_async (fixture->service, cancellable, keep_result, &result);
  g_cancellable_cancel (cancellable);
  wait_for (&result);
  g_assert_null (kv_dbus_service_get_address (fixture->service));
  g_assert_cmpint (kill (pid, SIGCONT), ==, 0);
}

/* --- a dispatcher without a service, which is found by the name of its connection --- */

/* More than are carried out in a few turns of the main context. */
#define MANY_CALLS 2000

typedef struct {
  KvDbusLink *link;
  KvDbusDispatcher *dispatcher;
  KvDbusTally *tally;
  const char *name; /* of the connection */
  GAsyncResult *drained;
} Bare;

static void
bare_open (Bare *bare, Fixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  kv_dbus_link_open_async (g_test_dbus_get_bus_address (fixture->bus), NULL, keep_result, &result);
  bare->link = kv_dbus_link_open_finish (wait_for (&result), &error);
  g_assert_no_error (error);
  bare->tally = kv_dbus_tally_new ();
  bare->dispatcher = kv_dbus_dispatcher_new (bare->link, fixture->store, fixture->limiter,
                                             KV_VALUE_MAX_BYTES, bare->tally);
  bare->name = g_dbus_connection_get_unique_name (kv_dbus_link_get_connection (bare->link));
  bare->drained = NULL;
}

/* With so many calls waiting for the main context. */
static void
bare_set_up (Bare *bare, Fixture *fixture)
{
  bare_open (bare, fixture);
  for (guint i = 0; i < MANY_CALLS; i++)
    {
      g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (
        bare->name, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, i == 0 ? "Watch" : "Increment");

      g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
      g_dbus_message_set_body (message, g_variant_new_parsed (i == 0 ? WATCH : "('n', int64 1)"));
      g_dbus_connection_send_message (fixture->client, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
                                      NULL, NULL);
    }
  g_variant_unref (g_dbus_connection_call_sync (fixture->client, bare->name, "/",
                                                "org.freedesktop.DBus.Peer", "Ping", NULL, NULL,
                                                G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL));
}

static void
bare_clear (Bare *bare)
{
  g_clear_pointer (&bare->link, kv_dbus_link_free);
  g_clear_pointer (&bare->tally, kv_dbus_tally_unref);
  g_clear_object (&bare->drained);
}

static int
get_sum (Fixture *fixture)
{
  g_autoptr (KvEntry) entry = kv_store_lookup (fixture->store, "n", -1);

  return entry != NULL ? atoi (kv_entry_get_value (entry, NULL)) : 0;
}

static void
test_stops_waiting_when_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Bare bare;

  bare_set_up (&bare, fixture);
  kv_dbus_dispatcher_drain_async (bare.dispatcher, cancellable, keep_result, &bare.drained);
  g_cancellable_cancel (cancellable);
  g_assert_false (kv_dbus_dispatcher_drain_finish (wait_for (&bare.drained), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (get_sum (fixture), <, MANY_CALLS - 1);
  kv_dbus_dispatcher_close (bare.dispatcher);
  bare_clear (&bare);
}

static void
test_closing_ends_a_drain (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Bare bare;

  bare_set_up (&bare, fixture);
  kv_dbus_dispatcher_drain_async (bare.dispatcher, NULL, keep_result, &bare.drained);
  kv_dbus_dispatcher_close (bare.dispatcher);
  g_assert_false (kv_dbus_dispatcher_drain_finish (wait_for (&bare.drained), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (get_sum (fixture), ==, 0);
  bare_clear (&bare);
}

static void
close_when_drained (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Bare *bare = user_data;

  g_clear_pointer (&bare->dispatcher, kv_dbus_dispatcher_close);
  bare->drained = g_object_ref (result);
}

static void
test_may_be_closed_when_drained (Fixture *fixture, gconstpointer data)
{
  Bare bare;

  bare_set_up (&bare, fixture);
  kv_dbus_dispatcher_drain_async (bare.dispatcher, NULL, close_when_drained, &bare);
  g_assert_true (kv_dbus_dispatcher_drain_finish (wait_for (&bare.drained), NULL));
  g_assert_null (bare.dispatcher);
  g_assert_cmpint (get_sum (fixture), ==, MANY_CALLS - 1);
  bare_clear (&bare);
}

static void
test_lets_pass_what_comes_after_its_end (Fixture *fixture, gconstpointer data)
{
  Bare bare;

  bare_open (&bare, fixture);
  kv_dbus_dispatcher_close (bare.dispatcher);
  fixture->n_sent++;
  g_dbus_connection_call (fixture->client, bare.name, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, "Put",
                          g_variant_new_parsed ("('late', 'v', @a{sv} {})"), NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_answered, fixture);

  /* By GDBus, which knows of no such object. */
  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->n_failed, ==, 1);
  g_assert_false (has_key (fixture, "late"));
  bare_clear (&bare);
}

static GVariant *
batch_new (const char *prefix, guint n_entries)
{
  GVariantBuilder entries;

  g_variant_builder_init (&entries, G_VARIANT_TYPE ("a(sssa{sv})"));
  for (guint i = 0; i < n_entries; i++)
    {
      g_autofree char *key = g_strdup_printf ("%s-%u", prefix, i);

      g_variant_builder_add (&entries, "(sss@a{sv})", "PUT", key, "v",
                             g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0));
    }

  return g_variant_new ("(a(sssa{sv}))", &entries);
}

/* Closes a dispatcher as soon as a long Batch() shows its first key. */
static void
meet_handler (Fixture *fixture, guint round)
{
  Bare bare;
  g_autofree char *prefix = g_strdup_printf ("round-%u", round);
  g_autofree char *first = g_strdup_printf ("%s-0", prefix);
  g_autofree char *last = g_strdup_printf ("%s-1023", prefix);

  bare_open (&bare, fixture);
  fixture->n_sent++;
  g_dbus_connection_call (fixture->client, bare.name, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE,
                          "Batch", batch_new (prefix, 1024), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                          on_answered, fixture);
  while (!has_key (fixture, first))
    ;
  kv_dbus_dispatcher_close (bare.dispatcher);
  g_assert_true (has_key (fixture, last));

  wait_for_answers (fixture);
  g_assert_cmpuint (fixture->n_failed, ==, 0);
  bare_clear (&bare);
}

/* More than once, as the handler is quick and may be met at its end. */
static void
test_waits_for_the_handler_that_runs (Fixture *fixture, gconstpointer data)
{
  for (guint round = 0; round < 20; round++)
    meet_handler (fixture, round);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  kv_dbus_error_register ();
#define ADD(name, function)                                                                        \
  g_test_add ("/dbus/dispatcher/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("needs-no-main-context", test_needs_no_main_context);
  ADD ("keeps-the-order-of-a-caller", test_keeps_the_order_of_a_caller);
  ADD ("closing-keeps-the-order-too", test_closing_keeps_the_order_too);
  ADD ("others-do-not-wait", test_others_do_not_wait);
  ADD ("bounds-what-waits", test_bounds_what_waits);
  ADD ("descriptors-do-not-wait", test_descriptors_do_not_wait);
  ADD ("descriptors-that-are-wanted-are-counted", test_descriptors_that_are_wanted_are_counted);
  ADD ("stop-ends-what-is-under-way", test_stop_ends_what_is_under_way);
  ADD ("may-be-dropped-with-a-restore-under-way", test_may_be_dropped_with_a_restore_under_way);
  ADD ("bounds-the-bytes-that-wait", test_bounds_the_bytes_that_wait);
  ADD ("stop-carries-out-what-waits", test_stop_carries_out_what_waits);
  ADD ("may-be-dropped-with-calls-waiting", test_may_be_dropped_with_calls_waiting);
  ADD ("bounds-what-stands-beside-parameters", test_bounds_what_stands_beside_parameters);
  ADD ("waits-for-a-bus-that-stands-still", test_waits_for_a_bus_that_stands_still);
  ADD ("stop-leaves-a-bus-that-stands-still", test_stop_leaves_a_bus_that_stands_still);
  ADD ("stops-waiting-when-cancelled", test_stops_waiting_when_cancelled);
  ADD ("closing-ends-a-drain", test_closing_ends_a_drain);
  ADD ("may-be-closed-when-drained", test_may_be_closed_when_drained);
  ADD ("lets-pass-what-comes-after-its-end", test_lets_pass_what_comes_after_its_end);
  ADD ("waits-for-the-handler-that-runs", test_waits_for_the_handler_that_runs);
#undef ADD

  return g_test_run ();
}
