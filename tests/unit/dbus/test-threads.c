/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "dbus/kv-dbus-names.h"
#include "dbus/kv-dbus-service.h"

/* Callers in threads of their own, while the service comes and goes in this one: what the worker thread of GDBus does must be
 * over when the service is finalised. */

#ifdef __SANITIZE_THREAD__
/* GLib and GIO are not built for ThreadSanitizer: it sees them allocate, free and write, but none of the locks that they hold
 * meanwhile. So only what our own code does is looked at. */
const char *__tsan_default_options (void);

const char *
__tsan_default_options (void)
{
  return "ignore_noninstrumented_modules=1";
}
#endif

#define N_CALLERS 3
#define N_LIVES 25

typedef struct {
  const char *address;
  gint stopping;   /* atomic: gboolean */
  gint n_answered; /* atomic */
  gint n_mistaken; /* atomic: answers that were not what they should have been */
} Shared;

typedef struct {
  Shared *shared;
  guint number;
} Caller;

static GVariant *
call (GDBusConnection *connection, const char *method, GVariant *parameters)
{
  return g_dbus_connection_call_sync (connection, KV_DBUS_NAME, KV_DBUS_OBJECT_PATH,
                                      KV_DBUS_INTERFACE, method, parameters, NULL,
                                      G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL);
}

static void
send_without_answer (GDBusConnection *connection, const char *method, GVariant *parameters)
{
  g_autoptr (GDBusMessage) message =
    g_dbus_message_new_method_call (KV_DBUS_NAME, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, method);

  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED
                                       | G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
  g_dbus_message_set_body (message, parameters);
  g_dbus_connection_send_message (connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
}

/* Increments a key of its own, mostly behind a Watch, and checks that what it reads is what it has added up. Nobody answers while
 * there is no service: then it is not known how often it was added. */
static gpointer
run_caller (gpointer data)
{
  Caller *caller = data;
  Shared *shared = caller->shared;
  g_autoptr (GDBusConnection) connection = g_dbus_connection_new_for_address_sync (
    shared->address,
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
    NULL, NULL, NULL);
  g_autofree char *key = g_strdup_printf ("n%u", caller->number);

  g_assert_nonnull (connection);
  for (guint i = 0; !g_atomic_int_get (&shared->stopping); i++)
    {
      g_autoptr (GVariant) before = call (connection, "Increment", g_variant_new ("(sx)", key, 0));
      g_autoptr (GVariant) after = NULL;
      gint64 first, last;

      if (i % 2 == 0)
        send_without_answer (connection, "Watch",
                             g_variant_new_parsed ("([%s], @as [], @a{sv} {})", key));
      send_without_answer (connection, "Increment", g_variant_new ("(sx)", key, 1));
      after = call (connection, "Increment", g_variant_new ("(sx)", key, 1));
      if (before == NULL || after == NULL)
        continue;
      g_variant_get_child (before, 0, "x", &first);
      g_variant_get_child (after, 0, "x", &last);
      g_atomic_int_inc (&shared->n_answered);
      /* The one in between may have met no service. */
      if (last != first + 2 && last != first + 1)
        g_atomic_int_inc (&shared->n_mistaken);
    }
  g_dbus_connection_close_sync (connection, NULL, NULL);

  return NULL;
}

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

/* One life of the service: until some calls more have been answered. Every other time it is dropped without being stopped. */
static void
live (Shared *shared, KvStore *store, KvRateLimiter *limiter, gboolean orderly)
{
  KvDbusService *service = kv_dbus_service_new (store, limiter, KV_VALUE_MAX_BYTES);
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GAsyncResult) stopped = NULL;
  g_autoptr (GError) error = NULL;
  int enough;

  kv_dbus_service_start_async (service, shared->address, NULL, keep_result, &started);
  kv_dbus_service_start_finish (service, wait_for (&started), &error);
  g_assert_no_error (error);
  enough = g_atomic_int_get (&shared->n_answered) + 20;
  while (g_atomic_int_get (&shared->n_answered) < enough)
    g_main_context_iteration (NULL, FALSE);

  g_clear_object (&started);
  if (orderly)
    {
      kv_dbus_service_stop_async (service, NULL, keep_result, &stopped);
      g_assert_true (kv_dbus_service_stop_finish (service, wait_for (&stopped), NULL));
      g_clear_object (&stopped);
    }
  g_assert_finalize_object (service);
}

static void
test_comes_and_goes_under_load (void)
{
  g_autoptr (GTestDBus) bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  KvStore *store = kv_store_new ();
  KvRateLimiter *limiter = kv_rate_limiter_new (1000000, 1000000);
  Shared shared = { 0 };
  Caller callers[N_CALLERS];
  GThread *threads[N_CALLERS];

  g_test_dbus_up (bus);
  shared.address = g_test_dbus_get_bus_address (bus);
  for (guint i = 0; i < N_CALLERS; i++)
    {
      callers[i] = (Caller){ .shared = &shared, .number = i };
      threads[i] = g_thread_new ("caller", run_caller, &callers[i]);
    }
  for (guint i = 0; i < N_LIVES; i++)
    live (&shared, store, limiter, i % 2 == 0);
  g_atomic_int_set (&shared.stopping, TRUE);
  for (guint i = 0; i < N_CALLERS; i++)
    g_thread_join (threads[i]);

  g_assert_cmpint (shared.n_mistaken, ==, 0);
  kv_rate_limiter_free (limiter);
  g_assert_finalize_object (store);
  g_test_dbus_down (bus);
}

/* --- strangers --- */

/* Sends all kinds of calls, waits for none of the answers, and is gone. Until nobody is there to be connected to. */
static gpointer
run_stranger (gpointer data)
{
  static const char *const calls[][2] = {
    { "Watch", "(@as [], [''], @a{sv} {})" },
    { "Put", "('s', 'v', @a{sv} {})" },
    { "Batch", "([('PUT', 'a', '1', @a{sv} {}), ('GET', 'a', '', {}), ('DELETE', 's', '', {})],)" },
    { "GetMany", "(['a', 's', 'n0'],)" },
    { "Transaction", "([('s', {'present': <true>})], [('PUT', 'a', '2', @a{sv} {}),"
                     " ('INCREMENT', 'a', '', {})], [('GET', 'a', '', @a{sv} {})])" },
    { "Watch", "(['a'], @as [], {'since': <1>})" },
    { "Watch", "(['a'], @as [], {'prev': <true>, 'values': <false>})" },
    { "Get", "('s',)" },
    { "Get", "(1,)" },
    { "CompareAndSwap", "('s', 'v', 'w')" },
    { "List", "('', '', @u 0, {'values': <true>})" },
    { "Count", "('n',)" },
    { "GetStatus", NULL },
  };
  Shared *shared = data;

  while (!g_atomic_int_get (&shared->stopping))
    {
      g_autoptr (GDBusConnection) connection =
        g_dbus_connection_new_for_address_sync (shared->address,
                                                G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                                  | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                                NULL, NULL, NULL);

      if (connection == NULL)
        break;
      for (guint i = 0; i < 100; i++)
        {
          const char *const *what = calls[i % G_N_ELEMENTS (calls)];
          g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (
            KV_DBUS_NAME, KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, what[0]);

          g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
          if (what[1] != NULL)
            g_dbus_message_set_body (message, g_variant_new_parsed (what[1]));
          g_dbus_connection_send_message (connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                          NULL);
        }
      g_dbus_connection_flush_sync (connection, NULL, NULL);
      g_dbus_connection_close_sync (connection, NULL, NULL);
      g_atomic_int_inc (&shared->n_answered);
    }

  return NULL;
}

static gboolean
is_on_the_bus (KvDbusService *service)
{
  g_autofree char *address = kv_dbus_service_get_address (service);

  return address != NULL;
}

/* The bus goes away in the middle of all that, and then the service: while it stops, or while it waits to get back. */
static void
lose_bus (KvStore *store, KvRateLimiter *limiter, gboolean stopping)
{
  g_autoptr (GTestDBus) bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  /* A bus that is stopped has none, and strangers go on. */
  g_autofree char *address = NULL;
  KvDbusService *service = kv_dbus_service_new (store, limiter, KV_VALUE_MAX_BYTES);
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GAsyncResult) stopped = NULL;
  Shared shared = { 0 };
  GThread *threads[N_CALLERS];

  g_test_dbus_up (bus);
  address = g_strdup (g_test_dbus_get_bus_address (bus));
  shared.address = address;
  kv_dbus_service_start_async (service, shared.address, NULL, keep_result, &started);
  g_assert_true (kv_dbus_service_start_finish (service, wait_for (&started), NULL));
  for (guint i = 0; i < N_CALLERS; i++)
    threads[i] = g_thread_new ("stranger", run_stranger, &shared);
  while (g_atomic_int_get (&shared.n_answered) < 20)
    g_main_context_iteration (NULL, FALSE);

  if (stopping)
    kv_dbus_service_stop_async (service, NULL, keep_result, &stopped);
  g_test_dbus_stop (bus);
  g_atomic_int_set (&shared.stopping, TRUE);
  if (stopping)
    g_assert_true (kv_dbus_service_stop_finish (service, wait_for (&stopped), NULL));
  else
    while (is_on_the_bus (service))
      g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < N_CALLERS; i++)
    g_thread_join (threads[i]);
  g_clear_object (&started);
  g_clear_object (&stopped);
  g_assert_finalize_object (service);
  g_test_dbus_down (bus);
}

static void
test_loses_the_bus_under_load (void)
{
  KvStore *store = kv_store_new ();
  KvRateLimiter *limiter = kv_rate_limiter_new (1000000, 1000000);

  for (guint i = 0; i < 6; i++)
    lose_bus (store, limiter, i % 2 == 0);
  /* Nobody is held any more, nor anything of the store: no call is left anywhere. */
  kv_rate_limiter_free (limiter);
  g_assert_finalize_object (store);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dbus/threads/comes-and-goes-under-load", test_comes_and_goes_under_load);
  g_test_add_func ("/dbus/threads/loses-the-bus-under-load", test_loses_the_bus_under_load);

  return g_test_run ();
}
