/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "dbus/kv-dbus-codec.h"
#include "dbus/kv-dbus-generated.h"
#include "dbus/kv-dbus-names.h"
#include "dbus/kv-dbus-service.h"

#include <string.h>

/* What only a program that holds the store itself can bring about, such as transactions, over a real bus. */

typedef struct {
  GTestDBus *bus;
  KvStore *store;
  KvRateLimiter *limiter;
  KvDbusService *service;
  GDBusConnection *client;
  GPtrArray *changes; /* (element-type GVariant) */
  guint n_signals;
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

static void
start (Fixture *fixture, const char *address, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  kv_dbus_service_start_async (fixture->service, address, NULL, keep_result, &result);
  kv_dbus_service_start_finish (fixture->service, wait_for (&result), error);
}

static void
on_signal (GDBusConnection *connection,
           const char *sender,
           const char *path,
           const char *interface,
           const char *signal,
           GVariant *parameters,
           gpointer user_data)
{
  Fixture *fixture = user_data;
  g_autoptr (GVariant) changes = g_variant_get_child_value (parameters, 0);

  g_assert_cmpstr (signal, ==, "Changed");
  fixture->n_signals++;
  for (gsize i = 0; i < g_variant_n_children (changes); i++)
    g_ptr_array_add (fixture->changes, g_variant_get_child_value (changes, i));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->bus);
  fixture->store = kv_store_new ();
  fixture->limiter = kv_rate_limiter_new (0, 1);
  fixture->service = kv_dbus_service_new (fixture->store, fixture->limiter, KV_VALUE_MAX_BYTES);
  start (fixture, g_test_dbus_get_bus_address (fixture->bus), &error);
  g_assert_no_error (error);

  fixture->changes = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  fixture->client = g_dbus_connection_new_for_address_sync (
    g_test_dbus_get_bus_address (fixture->bus),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
    NULL, NULL, &error);
  g_assert_no_error (error);
  g_dbus_connection_signal_subscribe (fixture->client, KV_DBUS_NAME,
                                      kv_dbus_kv_store1_watch_interface_info ()->name, NULL, NULL,
                                      NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_signal, fixture, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;

  kv_dbus_service_stop_async (fixture->service, NULL, keep_result, &result);
  g_assert_true (kv_dbus_service_stop_finish (fixture->service, wait_for (&result), NULL));
  g_assert_null (kv_dbus_service_get_address (fixture->service));
  g_clear_object (&result);
  g_assert_finalize_object (fixture->service);

  g_dbus_connection_close_sync (fixture->client, NULL, NULL);
  g_object_unref (fixture->client);
  g_ptr_array_unref (fixture->changes);
  kv_rate_limiter_free (fixture->limiter);
  g_object_unref (fixture->store);
  g_test_dbus_down (fixture->bus);
  g_object_unref (fixture->bus);
}

/* Watches what begins with "w" and waits for the end of the (empty) snapshot. */
static void
watch (Fixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  g_dbus_connection_call (fixture->client, KV_DBUS_NAME, KV_DBUS_OBJECT_PATH, KV_DBUS_NAME, "Watch",
                          g_variant_new_parsed ("(@as [], ['w'], @a{sv} {})"),
                          G_VARIANT_TYPE ("(o)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, keep_result,
                          &result);
  reply = g_dbus_connection_call_finish (fixture->client, wait_for (&result), &error);
  g_assert_no_error (error);
  while (fixture->changes->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_ptr_array_set_size (fixture->changes, 0);
  fixture->n_signals = 0;
}

/* Puts so many watched keys, and then one that is not watched, in one transaction. */
static guint64
put_together (Fixture *fixture, guint n_keys)
{
  g_autoptr (KvTransaction) transaction = kv_transaction_new (TRUE);
  g_autoptr (KvOutcome) outcome = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n_keys; i++)
    {
      g_autofree char *key = g_strdup_printf ("w%u", i);

      g_assert_true (kv_transaction_put (transaction, key, "v", -1, NULL));
    }
  g_assert_true (kv_transaction_put (transaction, "other", "v", -1, NULL));
  outcome = kv_store_commit (fixture->store, transaction, &error);
  g_assert_no_error (error);

  return kv_outcome_get_revision (outcome);
}

static void
test_ties_a_transaction_together (Fixture *fixture, gconstpointer data)
{
  guint n_keys = GPOINTER_TO_UINT (data);
  guint64 revision;

  watch (fixture);
  revision = put_together (fixture, n_keys);
  while (fixture->changes->len < n_keys)
    g_main_context_iteration (NULL, TRUE);

  g_assert_cmpuint (fixture->changes->len, ==, n_keys);
  for (guint i = 0; i < n_keys; i++)
    {
      GVariant *change = g_ptr_array_index (fixture->changes, i);
      g_autoptr (GVariant) details = g_variant_get_child_value (change, 4);
      gboolean more = FALSE;
      guint64 its_revision;

      g_variant_get_child (change, 0, "t", &its_revision);
      g_assert_cmpuint (its_revision, ==, revision);
      g_variant_lookup (details, "more", "b", &more);
      g_assert_cmpint (more, ==, i + 1 < n_keys);
    }
  g_assert_cmpuint (fixture->n_signals, ==, n_keys > 4096 ? 2 : 1);
}

static void
test_ends_a_transaction (Fixture *fixture, gconstpointer data)
{
  GVariant *change;
  g_autoptr (GVariant) details = NULL;

  watch (fixture);
  put_together (fixture, 2);
  kv_store_put (fixture->store, "w2", "v", -1, NULL);
  while (fixture->changes->len < 3)
    g_main_context_iteration (NULL, TRUE);

  change = g_ptr_array_index (fixture->changes, 1);
  details = g_variant_get_child_value (change, 4);
  g_assert_cmpuint (g_variant_n_children (details), ==, 0);
}

static void
test_tells_when_the_name_is_taken (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvDbusService) first = g_steal_pointer (&fixture->service);
  g_autoptr (GError) error = NULL;

  fixture->service = kv_dbus_service_new (fixture->store, fixture->limiter, KV_VALUE_MAX_BYTES);
  start (fixture, g_test_dbus_get_bus_address (fixture->bus), &error);
  g_assert_error (error, KV_ERROR, KV_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, KV_DBUS_NAME));
  g_assert_null (kv_dbus_service_get_address (fixture->service));

  g_object_unref (fixture->service);
  fixture->service = g_steal_pointer (&first);
}

static void
test_tells_when_there_is_no_bus (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KvDbusService) first = g_steal_pointer (&fixture->service);
  g_autoptr (GError) error = NULL;

  fixture->service = kv_dbus_service_new (fixture->store, fixture->limiter, KV_VALUE_MAX_BYTES);
  start (fixture, "unix:path=/nowhere/at/all", &error);
  g_assert_error (error, KV_ERROR, KV_ERROR_UNAVAILABLE);

  g_object_unref (fixture->service);
  fixture->service = g_steal_pointer (&first);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/dbus/watch/ties-a-transaction-together", Fixture, GUINT_TO_POINTER (3), set_up,
              test_ties_a_transaction_together, tear_down);
  g_test_add ("/dbus/watch/ties-a-large-transaction-together", Fixture, GUINT_TO_POINTER (2000),
              set_up, test_ties_a_transaction_together, tear_down);
  g_test_add ("/dbus/watch/ties-signals-of-one-transaction-together", Fixture,
              GUINT_TO_POINTER (5000), set_up, test_ties_a_transaction_together, tear_down);
  g_test_add ("/dbus/watch/ends-a-transaction", Fixture, NULL, set_up, test_ends_a_transaction,
              tear_down);
  g_test_add ("/dbus/service/tells-when-the-name-is-taken", Fixture, NULL, set_up,
              test_tells_when_the_name_is_taken, tear_down);
  g_test_add ("/dbus/service/tells-when-there-is-no-bus", Fixture, NULL, set_up,
              test_tells_when_there_is_no_bus, tear_down);

  return g_test_run ();
}
