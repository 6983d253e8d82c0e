/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */

#include "dbus/kv-dbus-error.h"
#include "dbus/kv-dbus-generated.h"
#include "dbus/kv-dbus-methods.h"
#include "dbus/kv-dbus-names.h"
#include "principal/kv-rate-limiter.h"
#include "sample.h"

static void
test_every_error_has_its_own_name (void)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (int code = 0; code < KV_N_ERRORS; code++)
    {
      const char *name = kv_dbus_error_get_name ((KvError) code);

      g_assert_true (g_str_has_prefix (name, "org.kvstore.Error."));
      g_assert_true (g_hash_table_add (names, (gpointer) name));
    }
}

static void
test_every_name_leads_back_to_its_error (void)
{
  kv_dbus_error_register ();
  kv_dbus_error_register ();

  for (int code = 0; code < KV_N_ERRORS; code++)
    {
      g_autoptr (GError) error =
        g_dbus_error_new_for_dbus_error (kv_dbus_error_get_name ((KvError) code), "text");

      g_assert_error (error, KV_ERROR, code);
    }
}

static const KvDbusMethod *
find (const char *path, const char *interface, const char *method)
{
  const KvDbusHead head = {
    .type = KV_DBUS_TYPE_METHOD_CALL,
    .path = path,
    .interface = interface,
    .member = method,
  };

  return kv_dbus_methods_find (&head);
}

static void
check_handlers (GDBusInterfaceInfo *interface, const char *path)
{
  g_assert_nonnull (interface->methods[0]);
  for (gsize i = 0; interface->methods[i] != NULL; i++)
    {
      const KvDbusMethod *method = find (path, interface->name, interface->methods[i]->name);

      if (method == NULL)
        g_error ("No handler for %s", interface->methods[i]->name);
      g_assert_nonnull (method->handler);
      g_assert_true (g_variant_is_signature (method->in_signature));
      g_assert_true (g_variant_is_signature (method->out_signature));
    }
}

static void
check_signatures (const char *name, const char *in_signature, const char *out_signature)
{
  const KvDbusMethod *method = find (KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, name);

  g_assert_cmpstr (method->in_signature, ==, in_signature);
  g_assert_cmpstr (method->out_signature, ==, out_signature);
}

static void
test_every_method_has_a_handler (void)
{
  check_handlers (kv_dbus_kv_store1_interface_info (), KV_DBUS_OBJECT_PATH);
  check_handlers (kv_dbus_kv_store1_watch_interface_info (), KV_DBUS_WATCH_PREFIX "1");
  check_signatures ("Put", "ssa{sv}", "tb");
  check_signatures ("GetStatus", "", "a{sv}");
  check_signatures ("List", "ssua{sv}", "a(sa{sv})st");
  check_signatures ("Transaction", "a(sa{sv})a(sssa{sv})a(sssa{sv})", "ba(usa{sv})t");
}

static void
test_leaves_what_is_not_ours (void)
{
  const KvDbusHead signal = {
    .type = KV_DBUS_TYPE_SIGNAL,
    .path = KV_DBUS_OBJECT_PATH,
    .interface = KV_DBUS_INTERFACE,
    .member = "Get",
  };

  g_assert_null (find (KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, "Frobnicate"));
  g_assert_null (find (KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, "Close"));
  g_assert_null (find (KV_DBUS_OBJECT_PATH, KV_DBUS_WATCH_INTERFACE, "Close"));
  g_assert_null (find (KV_DBUS_OBJECT_PATH, NULL, "Get"));
  g_assert_null (find (KV_DBUS_OBJECT_PATH "/more", KV_DBUS_INTERFACE, "Get"));
  g_assert_null (find ("/", KV_DBUS_INTERFACE, "Get"));
  g_assert_null (find (KV_DBUS_WATCH_PREFIX "1", KV_DBUS_INTERFACE, "Get"));
  g_assert_null (find (KV_DBUS_OBJECT_PATH, "org.freedesktop.DBus.Peer", "Ping"));
  g_assert_null (kv_dbus_methods_find (&signal));
}

/* @parameters: (transfer floating) */
static guint
get_cost (const char *name, GVariant *parameters)
{
  g_auto (Sample) sample = { 0 };

  sample_init (&sample, parameters, G_DBUS_MESSAGE_BYTE_ORDER_LITTLE_ENDIAN);

  return kv_dbus_methods_get_cost (find (KV_DBUS_OBJECT_PATH, KV_DBUS_INTERFACE, name),
                                   &sample.body);
}

static GVariant *
many_new (const char *format)
{
  GVariantBuilder keys;

  g_variant_builder_init (&keys, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < 2 * KV_RATE_ENTRIES_A_REQUEST; i++)
    g_variant_builder_add (&keys, "s", "k");

  return g_variant_new_parsed (format, g_variant_builder_end (&keys));
}

/* So many times 32 conditions, operations and others. */
static GVariant *
transaction_new (guint conditions, guint operations, guint others)
{
  GVariantBuilder lists[3];
  const guint counts[3] = { conditions, operations, others };

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      g_variant_builder_init (&lists[i], G_VARIANT_TYPE (i == 0 ? "a(sa{sv})" : "a(sssa{sv})"));
      for (guint n = 0; n < counts[i] * KV_RATE_ENTRIES_A_REQUEST; n++)
        g_variant_builder_add_parsed (&lists[i], i == 0 ? "('k', {'absent': <true>})"
                                                        : "('GET', 'k', '', @a{sv} {})");
    }

  return g_variant_new ("(a(sa{sv})a(sssa{sv})a(sssa{sv}))", &lists[0], &lists[1], &lists[2]);
}

static void
test_charges_by_entries (void)
{
  g_assert_cmpuint (get_cost ("Watch", g_variant_new_parsed ("(['k'], ['p'], @a{sv} {})")), ==, 1);
  g_assert_cmpuint (get_cost ("Watch", many_new ("(%*, ['p'], @a{sv} {})")), ==, 3);
  g_assert_cmpuint (get_cost ("GetMany", many_new ("(%*,)")), ==, 3);
  g_assert_cmpuint (get_cost ("List", g_variant_new_parsed ("('', '', @u 1, @a{sv} {})")), ==, 1);
  g_assert_cmpuint (get_cost ("List", g_variant_new_parsed ("('', '', @u 0, @a{sv} {})")), ==, 4);
  g_assert_cmpuint (get_cost ("List", g_variant_new_parsed ("('', '', @u 1000, @a{sv} {})")), ==,
                    32);
  g_assert_cmpuint (get_cost ("List", g_variant_new_parsed ("('', '', @u 1001, @a{sv} {})")), ==,
                    1);
  g_assert_cmpuint (get_cost ("Transaction", transaction_new (1, 2, 4)), ==, 8);
  g_assert_cmpuint (get_cost ("Get", g_variant_new_parsed ("('k',)")), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dbus/error/every-error-has-its-own-name", test_every_error_has_its_own_name);
  g_test_add_func ("/dbus/error/every-name-leads-back-to-its-error",
                   test_every_name_leads_back_to_its_error);
  g_test_add_func ("/dbus/methods/every-method-has-a-handler", test_every_method_has_a_handler);
  g_test_add_func ("/dbus/methods/leaves-what-is-not-ours", test_leaves_what_is_not_ours);
  g_test_add_func ("/dbus/methods/charges-by-entries", test_charges_by_entries);

  return g_test_run ();
}
